"""An encoded image that is a label map and a matrix: every click there is has one of R answers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tamis import combine
from tamis.arrays import ImageArray, ProbabilityArray
from tamis.clicks import Click, pixels_at, require_inside
from tamis.errors import InputError
from tamis.segmentors.embedded_clicks import answer_by_region, split_contested
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
        """(H, W) float32: P(pixel in mask | all clicks together), as `answer_by_region` joins them.

        A region that holds both positive and negative clicks is split: each of its pixels goes with the nearest.

        Raises:
            InputError: there is no click, or one lies outside the image.
        """
        if not clicks:
            raise InputError("give at least one click: without one there is nothing to segment")
        require_inside(clicks, self.shape)
        clicked = np.array([self.fine_map[click.pixel] for click in clicks], dtype=np.intp)
        positive = np.array([click.positive for click in clicks], dtype=bool)
        full = answer_by_region(self.answers[0], clicked, positive)[self.fine_map]
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
                by_region = answer_by_region(self.answers[0], np.array([key[0]]), np.array([click.positive]))
                shared[key] = by_region
            yield combine.honour(shared[key][self.fine_map], [click])

    def probabilities(self, clicks: Sequence[Click]) -> ProbabilityArray:
        """(N, h, w) float32: each click alone, at the resolution of the region map.

        Raises:
            InputError: a click lies outside the image.
        """
        rows, columns = pixels_at(clicks, self.shape, self.region_map.shape)
        clicked = self.region_map[rows, columns].astype(np.intp)
        signs = np.array([click.positive for click in clicks], dtype=bool)
        answers = np.empty((len(clicks), *self.region_map.shape), dtype=np.float32)
        for i in range(len(clicks)):
            answers[i] = answer_by_region(self.answers[0], clicked[i : i + 1], signs[i : i + 1])[self.region_map]
        return answers
