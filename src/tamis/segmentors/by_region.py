"""An encoded image that is a label map and a matrix: every click there is has one of R answers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tamis import combine
from tamis.arrays import ImageArray, ProbabilityArray
from tamis.clicks import Click, require_inside
from tamis.errors import InputError
from tamis.segmentors.embedded_clicks import SURE, split_contested
from tamis.segmentors.embedded_refine import refined_regions


@dataclass(frozen=True, eq=False)
class EncodedRegions:
    """Answers by region, with borders as fine as the original image.

    Satisfies `EncodedImage`, `AnswersByRegion` and `AnswersAlone`.

    Attributes:
        image: (H, W, 3) uint8 RGB, the original: its colours place the borders at full resolution.
        region_map: (h, w) uint16, regions 0 to R - 1 at the segmentor's own resolution.
        answers: (G, R, R) float32, answers[g, r, s] = P(region s in mask | click in region r) at granularity g; the
            first granularity is the one that answers clicks.
        descriptors: (R, D) float32.
    """

    image: ImageArray
    region_map: NDArray[np.uint16]
    answers: NDArray[np.float32]
    descriptors: NDArray[np.float32]

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) of the original image in pixels."""
        return self.image.shape[0], self.image.shape[1]

    @cached_property
    def fine_map(self) -> NDArray[np.uint16]:
        """(H, W) uint16: the region of every pixel of the original image; made when first asked for."""
        return refined_regions(self.image, self.region_map)

    def probability(self, clicks: Sequence[Click]) -> ProbabilityArray:
        """(H, W) float32: P(pixel in mask | all clicks together), as `joined_by_odds` has it.

        A region that holds both positive and negative clicks is split: each of its pixels goes with the nearest.

        Raises:
            InputError: there is no click, or one lies outside the image.
        """
        if not clicks:
            raise InputError("give at least one click: without one there is nothing to segment")
        require_inside(clicks, self.shape)
        clicked = np.array([self.fine_map[click.pixel] for click in clicks], dtype=np.intp)
        positive = np.array([click.positive for click in clicks], dtype=bool)
        full = joined_by_odds(self.answers[0], clicked, positive)[self.fine_map]
        if not positive.all():
            split_contested(full, self.fine_map, clicked, clicks)
        return combine.honour(full, clicks)

    def alone(self, clicks: Sequence[Click]) -> Iterator[ProbabilityArray]:
        """Each click alone, (H, W) float32; clicks in the same region and of the same sign share an answer."""
        require_inside(clicks, self.shape)
        shared: dict[tuple[int, bool], ProbabilityArray] = {}
        for click in clicks:
            key = int(self.fine_map[click.pixel]), click.positive
            if key not in shared:
                by_region = joined_by_odds(self.answers[0], np.array([key[0]]), np.array([click.positive]))
                shared[key] = by_region
            yield combine.honour(shared[key][self.fine_map], [click])

    def probabilities(self, clicks: Sequence[Click]) -> ProbabilityArray:
        """(N, h, w) float32: each click alone, at the resolution of the region map.

        The region that a click asks for is that of `fine_map`, as in `probability`: near a border the coarser
        `region_map` may have another, whose mask would be another.

        Raises:
            InputError: a click lies outside the image.
        """
        require_inside(clicks, self.shape)
        clicked = np.array([self.fine_map[click.pixel] for click in clicks], dtype=np.intp)
        signs = np.array([click.positive for click in clicks], dtype=bool)
        answers = np.empty((len(clicks), *self.region_map.shape), dtype=np.float32)
        for i in range(len(clicks)):
            answers[i] = joined_by_odds(self.answers[0], clicked[i : i + 1], signs[i : i + 1])[self.region_map]
        return answers


def joined_by_odds(
    answers: NDArray[np.float32], clicked: NDArray[np.intp], positive: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """P(region in mask | all clicks) for every region.

    The mask is what any positive click asks for, less what goes with a negative click: with a the largest answer to a
    positive click and b that to a negative one, the odds are a / (1 − a) · (1 − b) / b where b is above one half, and
    a / (1 − a) elsewhere, since not going with a negative click says nothing. Without a positive click a is one half.

    Args:
        answers: (R, R), P[r, s].
        clicked: (N,) regions.
        positive: (N,).

    Returns:
        (R,) float32: at least `SURE` for regions with a positive click, 0 for those with negative ones only.
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
