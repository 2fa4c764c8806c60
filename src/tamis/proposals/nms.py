"""Which of many masks stay: suppression by masks or by boxes, for run lengths and for unions of regions alike."""

import heapq
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tamis.mask import Masks, box_nms, iou_matrix, nms
from tamis.regions.unions import Unions

LEAST_GAIN = 1e-3
"""Of the first mask's, that a further one must add to the coverage of the rest."""

Suppression: TypeAlias = Callable[[Masks | Unions, NDArray[np.float32]], NDArray[np.int64]]
"""Masks and scores (N,) → indices of those to keep, the best first."""

MAX_IOU = 0.7
"""Of two masks or boxes that overlap more than this, one goes; SAM's generator has the same for boxes."""

MAX_CONTAINMENT = 0.9
"""The share of a mask inside a better one beyond which it goes, where containment counts."""


def by_masks(
    masks: Masks | Unions,
    scores: NDArray[np.float32],
    max_iou: float = MAX_IOU,
    max_containment: float | None = None,
) -> NDArray[np.int64]:
    """Keep masks that differ from every better one by their IoU, and by containment if that is given."""
    if isinstance(masks, Unions):
        return masks.nms(scores, max_iou, max_containment)
    return nms(masks, scores, max_iou, max_containment)


def by_containment(masks: Masks | Unions, scores: NDArray[np.float32]) -> NDArray[np.int64]:
    """As `by_masks`, and without masks that lie in a better one: parts of what is kept go too."""
    return by_masks(masks, scores, MAX_IOU, MAX_CONTAINMENT)


def by_boxes(masks: Masks | Unions, scores: NDArray[np.float32], max_iou: float = MAX_IOU) -> NDArray[np.int64]:
    """Keep masks whose boxes differ from that of every better one: what SAM's generator does."""
    return box_nms(masks.boxes, scores, max_iou)


def by_coverage(masks: Masks | Unions, scores: NDArray[np.float32], least: float = LEAST_GAIN) -> NDArray[np.int64]:
    """Keep what represents the rest: each next mask is the one that adds most to Σ score · max IoU with a kept one.

    Every mask is a guess of what may be wanted, as likely as its score says, and the sum is the expected IoU of the
    best of the masks kept. It is submodular, so greedy choice is within 1 - 1/e of the best set of that size
    (Nemhauser, Wolsey, Fisher, "An analysis of approximations for maximizing submodular set functions", 1978), and
    gains only fall, so that few need be computed anew (Minoux, "Accelerated greedy algorithms", 1978).

    Args:
        masks: N of them.
        scores: (N,) not negative.
        least: stop when the next would add less than this share of what the first did.
    """
    if not len(masks):
        return np.zeros(0, np.int64)
    similar = masks.ious() if isinstance(masks, Unions) else iou_matrix(masks).astype(np.float32)
    weights = np.asarray(scores, np.float32)
    held = np.zeros(len(masks), np.float32)
    heap = [(-gain, index) for index, gain in enumerate((similar @ weights).tolist())]
    heapq.heapify(heap)
    first = -heap[0][0]
    kept: list[int] = []
    while heap:
        _, index = heapq.heappop(heap)
        gain = float(np.maximum(similar[index] - held, 0) @ weights)
        if heap and -heap[0][0] > gain:
            heapq.heappush(heap, (-gain, index))
            continue
        if gain < least * first:
            break
        kept.append(index)
        np.maximum(held, similar[index], out=held)
    return np.array(kept, np.int64)


def by_nothing(masks: Masks | Unions, scores: NDArray[np.float32]) -> NDArray[np.int64]:
    """Keep all."""
    return np.argsort(-scores, kind="stable").astype(np.int64)


SUPPRESSIONS: Mapping[str, Suppression] = MappingProxyType(
    {"mask": by_masks, "box": by_boxes, "containment": by_containment, "coverage": by_coverage, "none": by_nothing}
)
"""By the name that the command line uses."""
