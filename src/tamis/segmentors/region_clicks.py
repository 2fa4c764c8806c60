"""Clicks on a matrix of one-click answers by region, and regions that hold clicks of both kinds.

Everything here is defined in whole numbers and double precision, so that a browser with the same bytes gives the same
mask, pixel for pixel.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ProbabilityArray
from tamis.clicks import Click

CERTAIN = 255
"""The byte that says probability 1; byte b says b / 255."""

STEP = 5
"""Answers are told in 51sts: finer ones would say no more, and a browser would wait for them."""

COARSE_STEP = 15
"""Answers at other granularities than the middle one are told in 17ths: they are masks to choose from."""

SURE = np.float32(0.95)
"""What is said at least of a region that a positive click is in."""


def as_bytes(probabilities: NDArray[np.float32], steps: int | NDArray[np.uint8] = STEP) -> NDArray[np.uint8]:
    """Probabilities in [0, 1] of any shape as uint8, to the nearest step; none is one half, so a threshold decides.

    Args:
        probabilities: of any shape.
        steps: divisors of 255, in a shape that is broadcast to that of the probabilities.

    >>> as_bytes(np.array([0.0, 0.49, 0.51, 0.75, 1.0], np.float32)).tolist()
    [0, 125, 130, 190, 255]
    """
    scaled = probabilities * np.asarray(CERTAIN // steps, np.float32)
    scaled += np.float32(0.5)
    told = scaled.astype(np.uint8)
    told *= np.asarray(steps, np.uint8)
    return told


def answer_by_region(
    answers: NDArray[np.uint8], clicked: NDArray[np.intp], positive: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """P(region in mask | all clicks) for every region.

    The mask is what any positive click asks for, less what goes with a negative click: with a the largest answer to a
    positive click and b that to a negative one, the odds are a / (1 − a) · (1 − b) / b where b is above one half, and
    a / (1 − a) elsewhere, since not going with a negative click says nothing. Without a positive click a is one half.
    At threshold .5 a region is in the mask if a is above one half and above b.

    Args:
        answers: (R, R) uint8, P[r, s] in 255ths.
        clicked: (N,) regions.
        positive: (N,).

    Returns:
        (R,) float32: at least `SURE` for regions with a positive click, 0 for those with negative ones only.
    """
    half = CERTAIN / 2
    wanted = (
        answers[clicked[positive]].max(axis=0).astype(np.float64) if positive.any() else np.full(len(answers), half)
    )
    if positive.all():
        result = wanted / CERTAIN
    else:
        refused = np.maximum(answers[clicked[~positive]].max(axis=0), half)
        both = wanted * (CERTAIN - refused)
        neither = (CERTAIN - wanted) * refused
        result = np.divide(both, both + neither, out=np.full(len(answers), 0.5), where=both + neither > 0)
    single = result.astype(np.float32)
    single[clicked[~positive]] = 0
    single[clicked[positive]] = np.maximum(single[clicked[positive]], SURE)
    return single


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
