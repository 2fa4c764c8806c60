"""Several clicks on a matrix of one-click answers, and regions that hold clicks of both kinds."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ProbabilityArray
from tamis.clicks import Click

Float32 = NDArray[np.float32]

FADING = 8.0
"""How fast the certainty of one click among several fades: by a factor e over an eighth of the longer side."""

SURE = np.float32(0.95)
"""What is said of a pixel in a region that a click is in, where clicks of both kinds meet."""


def answer_by_region(
    answers: Float32,
    clicked: NDArray[np.intp],
    positive: NDArray[np.bool_],
    centres: Float32 | None = None,
) -> Float32:
    """P(region in mask | all clicks) for every region.

    One positive click is its row of the matrix. Among several, the surest decides: that with the largest absolute
    logit, where certainty fades with the distance from the click as exp(−FADING · d), since a later click corrects what
    is around it. A negative click speaks only where it says no: what does not go with it may still be in or out.

    Args:
        answers: (R, R), P[r, s].
        clicked: (N,) regions.
        positive: (N,).
        centres: (R, 2) of the regions, the longer side of the image being 1; without them certainty does not fade.

    Returns:
        (R,) float32: at least `SURE` for regions with a positive click, 0 for those with negative ones only.
    """
    if len(clicked) == 1 and positive[0]:
        result = answers[clicked[0]].copy()
    else:
        rows = np.clip(answers[clicked], 0.003, 0.997)
        logits = np.log(rows) - np.log1p(-rows)
        logits = np.where(positive[:, None], logits, np.minimum(-logits, 0))
        if centres is not None:
            offset = centres[clicked][:, None] - centres[None]
            logits = logits * np.exp(-FADING * np.hypot(offset[:, :, 0], offset[:, :, 1]))
        surest = np.argmax(np.abs(logits), axis=0)
        result = 1 / (1 + np.exp(-np.take_along_axis(logits, surest[None], axis=0)[0]))
    result[clicked[~positive]] = 0
    result[clicked[positive]] = np.maximum(result[clicked[positive]], SURE)
    return np.asarray(result, dtype=np.float32)


def split_contested(
    full: ProbabilityArray, fine_map: NDArray[np.uint16], clicked: NDArray[np.intp], clicks: Sequence[Click]
) -> None:
    """In regions with clicks of both kinds, let every pixel go with the nearest click; changes `full` in place.

    Args:
        full: (H, W) float32.
        fine_map: (H, W) uint16.
        clicked: (N,) the regions of the clicks.
        clicks: N of them; the later wins where two are equally near.
    """
    signs = np.array([click.positive for click in clicks], dtype=bool)
    for region in set(clicked[signs].tolist()) & set(clicked[~signs].tolist()):
        within = [click for click, place in zip(clicks, clicked.tolist(), strict=True) if place == region]
        rows, columns = np.nonzero(fine_map == region)
        nearest = np.full(len(rows), np.inf)
        inside = np.zeros(len(rows), dtype=bool)
        for click in within:
            row, column = click.pixel
            distance = (rows - row) ** 2 + (columns - column) ** 2
            nearer = distance <= nearest
            nearest = np.where(nearer, distance, nearest)
            inside = np.where(nearer, click.positive, inside)
        full[rows, columns] = np.where(inside, SURE, 1 - SURE)
