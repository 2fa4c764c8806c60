"""Several clicks on a matrix of one-click answers, and regions that hold clicks of both kinds."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ProbabilityArray
from tamis.clicks import Click

Float32 = NDArray[np.float32]

SURE = np.float32(0.95)
"""What is said of a pixel in a region that a click is in, where clicks of both kinds meet."""


def answer_by_region(answers: Float32, clicked: NDArray[np.intp], positive: NDArray[np.bool_]) -> Float32:
    """P(region in mask | all clicks) for every region.

    The mask is what any positive click asks for, less what goes with a negative click: with a the largest answer to a
    positive click and b that to a negative one, the odds are a / (1 − a) · (1 − b) / b where b is above one half, and
    a / (1 − a) elsewhere, since not going with a negative click says nothing. Without a positive click a is one half.

    Args:
        answers: (R, R), P[r, s].
        clicked: (N,) regions.
        positive: (N,).

    Returns:
        (R,) float32; 1 for regions with a positive click and 0 for those with a negative one, where no other click
        contradicts.
    """
    wanted = answers[clicked[positive]].max(axis=0) if positive.any() else np.full(len(answers), 0.5, np.float32)
    if positive.all():
        result = wanted.copy()
    else:
        refused = np.maximum(answers[clicked[~positive]].max(axis=0), np.float32(0.5))
        both = wanted * (1 - refused)
        result = both / np.maximum(both + (1 - wanted) * refused, np.float32(1e-9))
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
