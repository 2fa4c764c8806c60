"""Which of the masks that clicks give are proposed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tamis.mask import Masks
from tamis.mask.expected import Values
from tamis.proposals.nms import Suppression, by_masks
from tamis.proposals.order import Order, by_gain
from tamis.proposals.scores import Score
from tamis.regions.unions import Unions


@dataclass(frozen=True)
class Selection:
    """What is made of the answers to clicks, and what of that is kept.

    Attributes:
        levels: a mask of each answer is made of the pixels whose probability is greater, at each of these.
        min_area: smaller masks are dropped, in pixels of the original image; 256 is the research's 16 × 16.
        min_score: masks with a lower score are dropped; SAM's `pred_iou_thresh`.
        suppress: of masks that overlap, which stay.
        max_proposals: how many of the first to keep; all by default.
        score: how masks are ranked; by default by the predicted IoU where the segmentor has one, otherwise by the IoU
            to expect from the probabilities.
        order: in which those that stay are proposed.
    """

    levels: Sequence[float] = (0.5,)
    min_area: int = 256
    min_score: float = 0.0
    suppress: Suppression = by_masks
    max_proposals: int | None = None
    score: Score | None = None
    order: Order = by_gain


def chosen(selection: Selection, masks: Masks | Unions, scores: Values, times: NDArray[np.int64]) -> NDArray[np.int64]:
    """Indices of those of some masks that stay, in their order; limits of size, score and number do not count.

    Args:
        selection: how they are chosen.
        masks: N of them.
        scores: (N,).
        times: (N,) how many clicks gave each.
    """
    return selection.order(masks, scores, times, selection.suppress(masks, scores))


EVERYTHING = Selection()
"""All that differs, but for the smallest."""

LIKELY = 0.3
"""A score below which masks are mostly of no use: docs/segment.md has what is lost with them."""

CLEAR = 0.45
"""The same for masks that are shown all at once, smaller ones on top, where doubtful parts would hide good masks."""
