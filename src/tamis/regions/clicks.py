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

MARGIN = 100
"""How much better, in 255ths, a granularity must be rated than the middle one, which learned from every click: the
best of several guesses is mostly too good."""

DOUBT = 13
"""Clicks never disagree more than this probability, in 255ths, says: people miss, and answers are wrong."""

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


def preferences(ratings: NDArray[np.uint8]) -> NDArray[np.int16]:
    """(G, R): how much each granularity is to be preferred for a click, from its ratings (G, R)."""
    preferred = ratings.astype(np.int16)
    preferred[len(preferred) // 2] += MARGIN
    return preferred


def best_answers(answers: NDArray[np.uint8], ratings: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(R, R) uint8: the answers to clicks alone, each at its preferred granularity, the finer of equals.

    Args:
        answers: (G, R, R) uint8.
        ratings: (G, R) uint8.
    """
    chosen = preferences(ratings).argmax(axis=0)
    best: NDArray[np.uint8] = answers[chosen, np.arange(len(chosen))]
    return best


def granularities_of(
    answers: NDArray[np.uint8], ratings: NDArray[np.uint8], clicked: NDArray[np.intp], positive: NDArray[np.bool_]
) -> NDArray[np.intp]:
    """(N,): the granularity at which each of several clicks agrees best with the others, the finer of equals.

    What counts is the preference, times the probabilities that clicks of the other sign are not in the click's mask,
    none of them below `DOUBT`: a negative click on a group of objects makes the first click mean one of them. A further
    positive click says nothing of the first, for it may add a second object.

    Args:
        answers: (G, R, R) uint8, P[r, s] in 255ths.
        ratings: (G, R) uint8.
        clicked: (N,) regions.
        positive: (N,).
    """
    score = preferences(ratings)[:, clicked].astype(np.float64)
    for region, sign in zip(clicked.tolist(), positive.tolist(), strict=True):
        outside = CERTAIN - answers[:, clicked, region].astype(np.float64)
        score *= np.where(positive == sign, CERTAIN, np.maximum(outside, DOUBT)) / CERTAIN
    return np.asarray(score.argmax(axis=0))


def answer_by_region(
    rows: NDArray[np.uint8], clicked: NDArray[np.intp], positive: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """P(region in mask | all clicks) for every region.

    The mask is what any positive click asks for, less what goes with a negative click: with a the largest answer to a
    positive click and b that to a negative one, the odds are a / (1 − a) · (1 − b) / b where b is above one half, and
    a / (1 − a) elsewhere, since not going with a negative click says nothing. Without a positive click a is one half.
    At threshold .5 a region is in the mask if a is above one half and above b.

    Args:
        rows: (N, R) uint8, the answers to each click in 255ths.
        clicked: (N,) regions.
        positive: (N,).

    Returns:
        (R,) float32: at least `SURE` for regions with a positive click, 0 for those with negative ones only.
    """
    half = CERTAIN / 2
    wanted = rows[positive].max(axis=0).astype(np.float64) if positive.any() else np.full(rows.shape[1], half)
    if positive.all():
        result = wanted / CERTAIN
    else:
        refused = np.maximum(rows[~positive].max(axis=0), half)
        both = wanted * (CERTAIN - refused)
        neither = (CERTAIN - wanted) * refused
        result = np.divide(both, both + neither, out=np.full(rows.shape[1], 0.5), where=both + neither > 0)
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
