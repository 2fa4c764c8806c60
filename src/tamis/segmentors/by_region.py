"""An encoded image that is a label map and a matrix: every click there is has one of R answers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tamis import combine
from tamis.arrays import ProbabilityArray
from tamis.clicks import Click, pixels_at
from tamis.errors import InputError


@dataclass(frozen=True)
class EncodedRegions:
    """Answers by region; satisfies `EncodedImage` and `AnswersByRegion`.

    Attributes:
        shape: (height, width) of the original image.
        region_map: (h, w) uint16, regions 0 to R - 1 at the segmentor's own resolution.
        answers: (G, R, R) float32, answers[g, r, s] = P(region s in mask | click in region r) at granularity g; the
            first granularity is the one that answers clicks.
        descriptors: (R, D) float32.
    """

    shape: tuple[int, int]
    region_map: NDArray[np.uint16]
    answers: NDArray[np.float32]
    descriptors: NDArray[np.float32]

    def probability(self, clicks: Sequence[Click]) -> ProbabilityArray:
        """(H, W) float32: all clicks combined by maximum certainty, at the original size."""
        import cv2

        if not clicks:
            raise InputError("give at least one click: without one there is nothing to segment")
        by_region = combine.max_certainty(self.rows(clicks))
        height, width = self.shape
        # Linear, so that the outline at one half runs diagonally between pixels that are larger than the image's.
        full = cv2.resize(by_region[self.region_map], (width, height), interpolation=cv2.INTER_LINEAR)
        return combine.honour(np.asarray(full, dtype=np.float32), clicks)

    def probabilities(self, clicks: Sequence[Click]) -> ProbabilityArray:
        """(N, h, w) float32: each click alone, at the resolution of the region map."""
        return np.asarray(self.rows(clicks)[:, self.region_map])

    def rows(self, clicks: Sequence[Click]) -> NDArray[np.float32]:
        """(N, R) float32: the answer to each click alone, by region.

        A negative click knows of a region only as much as the region goes with its own: P(s in mask | r not in mask)
        = (1 - P(s | r)) / 2, which is 0 for r itself and undecided, one half, for what has nothing to do with it.
        """
        regions = self.region_at(clicks)
        signs = np.array([click.positive for click in clicks], dtype=bool)
        rows = self.answers[0][regions]
        return np.asarray(np.where(signs[:, None], rows, (1 - rows) / 2), dtype=np.float32)

    def region_at(self, clicks: Sequence[Click]) -> NDArray[np.intp]:
        """(N,) the region that each click falls in."""
        rows, columns = pixels_at(clicks, self.shape, self.region_map.shape)
        return np.asarray(self.region_map[rows, columns], dtype=np.intp)
