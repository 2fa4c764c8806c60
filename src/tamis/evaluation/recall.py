"""Average recall by COCO's rules, and what it has to do with mean IoU.

A mask found with IoU b is recalled at every threshold up to b, so the mean of its recall over all thresholds from 0 to
1 is b, and mean recall over all thresholds is mean IoU. COCO's average recall is the same mean over ten thresholds from
.5 to .95, with each proposal used once only.
"""

import numpy as np
from numpy.typing import NDArray

COCO_THRESHOLDS = np.linspace(0.5, 0.95, 10)


def coco_ranks(ious: NDArray[np.float64]) -> NDArray[np.int64]:
    """(10, T) int64: which proposal finds each target at each of COCO's thresholds, counted from 0; P where none does.

    In order of score every proposal takes, of the targets not yet taken, the one with the largest IoU, if that is at
    least the threshold; of equals the last (pycocotools, cocoeval.py, `evaluateImg`, without crowds). A target is found
    within k proposals if its number is less than k, since later proposals take nothing from earlier ones.

    Args:
        ious: (P, T) IoU of each proposal, the best score first, with each target.
    """
    found = np.full((len(COCO_THRESHOLDS), ious.shape[1]), len(ious), np.int64)
    if not ious.size:
        return found
    for ranks, threshold in zip(found, COCO_THRESHOLDS, strict=True):
        least = min(threshold, 1 - 1e-10)
        for rank in np.flatnonzero(ious.max(axis=1) >= least).tolist():
            free = np.where(ranks < len(ious), -1.0, ious[rank])
            last = len(free) - 1 - int(np.argmax(free[::-1]))
            if free[last] >= least:
                ranks[last] = rank
    return found


def mean_recall(best: NDArray[np.float64], steps: int = 10_000) -> float:
    """The mean over `steps` thresholds, evenly from 0 to 1, of the share of targets with that IoU.

    Args:
        best: (T,) the largest IoU of any proposal with each target.
        steps: thresholds, each in the middle of its step.
    """
    thresholds = (np.arange(steps) + 0.5) / steps
    missed = np.searchsorted(np.sort(best), thresholds, side="left")
    return float(np.mean(1 - missed / len(best)))


def recall_curve(best: NDArray[np.float64], points: int = 101) -> list[tuple[float, float]]:
    """(threshold, share of targets with at least that IoU) for thresholds evenly from 0 to 1."""
    ordered = np.sort(best)
    return [
        (float(t), float(1 - np.searchsorted(ordered, t, side="left") / len(best))) for t in np.linspace(0, 1, points)
    ]
