"""Clicks where they are needed: a coarse grid first, then finer ones only where no answer was certain."""

from collections.abc import Iterator, Sequence

import numpy as np

from tamis.arrays import ProbabilityArray
from tamis.clicks import Click, grid_clicks, pixels_at
from tamis.proposals.asking import BATCH
from tamis.segmentors import EncodedImage

CERTAIN = 0.75
"""A pixel that some answer gives to its mask with this probability needs no click of its own."""


def adaptive_answers(
    encoded: EncodedImage, coarsest: int = 8, rounds: int = 3, certain: float = CERTAIN
) -> Iterator[tuple[Sequence[Click], ProbabilityArray]]:
    """Clicks and their answers (N, h, w) float32, each alone, for `propose_from`.

    The first round is a grid of `coarsest` clicks per side; every further one has twice as many, and asks only those at
    which no answer so far has a probability of `certain`. Clicks of one batch do not know of each other.

    Args:
        encoded: the image.
        coarsest: clicks per side of the first grid.
        rounds: grids, each twice as fine; 8, 16 and 32 clicks per side by default.
        certain: a probability.
    """
    claimed: ProbabilityArray | None = None
    for number in range(rounds):
        clicks = grid_clicks(coarsest * 2**number, encoded.shape)
        while clicks:
            if claimed is not None:
                rows, columns = pixels_at(clicks, encoded.shape, (claimed.shape[0], claimed.shape[1]))
                clicks = [clicks[i] for i in np.flatnonzero(claimed[rows, columns] < certain).tolist()]
            batch, clicks = clicks[:BATCH], clicks[BATCH:]
            if batch:
                answers = encoded.probabilities(batch)
                most = answers.max(axis=0)
                claimed = most if claimed is None else np.maximum(claimed, most)
                yield batch, answers
