"""Which of many masks stay: suppression by masks or by boxes, for run lengths and for unions of regions alike."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tamis.mask import Masks, box_nms, iou_matrix, nms
from tamis.proposals.cover import covering
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
    """Keep what represents the rest: each next mask adds most to Σ score · max IoU with a kept one (`covering`).

    Args:
        masks: N of them.
        scores: (N,) not negative.
        least: stop when the next would add less than this share of what the first did.
    """
    similar = masks.ious() if isinstance(masks, Unions) else iou_matrix(masks).astype(np.float32)
    return covering(similar, np.asarray(scores, np.float32), least)


def by_nothing(masks: Masks | Unions, scores: NDArray[np.float32]) -> NDArray[np.int64]:
    """Keep all."""
    return np.argsort(-scores, kind="stable").astype(np.int64)


SUPPRESSIONS: Mapping[str, Suppression] = MappingProxyType(
    {"mask": by_masks, "box": by_boxes, "containment": by_containment, "coverage": by_coverage, "none": by_nothing}
)
"""By the name that the command line uses."""
