"""An encoded image that is a label map and a matrix: every click there is has one of R answers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ImageArray, ProbabilityArray
from tamis.clicks import Box, Click, require_inside, set_clicked_pixels
from tamis.errors import InputError
from tamis.mask.expected import expected_iou
from tamis.regions import boxes
from tamis.regions.borders import refined_regions
from tamis.regions.clicks import (
    CERTAIN,
    answer_by_region,
    best_answers,
    granularities_of,
    split_contested,
)
from tamis.regions.spread import spread

ARRAYS = ("region_map", "answers", "descriptors", "ratings")
"""What an encoded image is made of besides the image."""


@dataclass(frozen=True, eq=False)
class EncodedRegions:
    """Answers by region, with borders as fine as the original image.

    Satisfies `EncodedImage`, `AnswersByRegion`, `AnswersAlone`, `ScoresMasks`, `GivesChoices` and `TakesBoxes`.

    Attributes:
        image: (H, W, 3) uint8 RGB, of the original's size: its colours place the borders at full resolution.
        region_map: (h, w) uint16, regions 0 to R - 1 at the segmentor's own resolution.
        answers: (G, R, R) uint8, answers[g, r, s] = 255 · P(region s in mask | click in region r) at granularity g, the
            finest first.
        descriptors: (R, D) float32.
        ratings: (G, R) uint8, 255 · the predicted IoU of the mask of a click in each region at each granularity. The
            best rated answers the click, as `best` says.
    """

    image: ImageArray
    region_map: NDArray[np.uint16]
    answers: NDArray[np.uint8]
    descriptors: NDArray[np.float32]
    ratings: NDArray[np.uint8]

    @classmethod
    def from_arrays(cls, image: ImageArray, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """What `arrays` gave, with the image that it was made of."""
        return cls(image, *(arrays[name] for name in ARRAYS))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All that is to be kept for the image to be ready for clicks again."""
        return {name: getattr(self, name) for name in ARRAYS}

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) of the original image in pixels."""
        return self.image.shape[0], self.image.shape[1]

    @cached_property
    def fine_map(self) -> NDArray[np.uint16]:
        """(H, W) uint16: the region of every pixel of the original image; made when first asked for."""
        return refined_regions(self.image, self.region_map)

    @cached_property
    def best(self) -> NDArray[np.uint8]:
        """(R, R) uint8: the answers to clicks alone, each at its preferred granularity, the finer of equals."""
        return best_answers(self.answers, self.ratings)

    def probability(self, clicks: Sequence[Click]) -> ProbabilityArray:
        """(H, W) float32: P(pixel in mask | all clicks together), as `answer_by_region` joins them.

        Each click is answered at the granularity at which it agrees best with the others (`granularities_of`).

        A region that holds both positive and negative clicks is split: each of its pixels goes with the nearest.

        Raises:
            InputError: there is no click, or one lies outside the image.
        """
        clicked, positive = self.clicked(clicks), signs_of(clicks)
        chosen = granularities_of(self.answers, self.ratings, clicked, positive)
        return self._joined(self.answers[chosen, clicked], clicked, clicks)

    def probability_in_box(self, box: Box) -> ProbabilityArray:
        """(H, W) float32 for a box: as `tamis.regions.boxes` answers it, with nothing outside.

        Raises:
            InputError: the box holds no pixel of the image.
        """
        return boxes.probability_in_box(self, box)

    def choices(self, clicks: Sequence[Click]) -> tuple[ProbabilityArray, NDArray[np.float32]]:
        """All clicks together at every granularity, the finest first: (G, H, W) float32, and (G,) their predicted IoUs.

        The prediction is the mean of those of the positive clicks, each alone; 0 where there are none.

        Raises:
            InputError: there is no click, or one lies outside the image.
        """
        clicked = self.clicked(clicks)
        masks = np.stack([self._joined(answers[clicked], clicked, clicks) for answers in self.answers])
        rated = self.ratings[:, clicked[signs_of(clicks)]]
        total = rated.sum(axis=1, dtype=np.float32)
        return masks, total / np.float32(max(CERTAIN * rated.shape[1], 1))

    def scores(self, clicks: Sequence[Click]) -> NDArray[np.float32]:
        """(N,) float32: the predicted IoU of the answer to each click alone; 0 for a negative one, whose mask is empty.

        Raises:
            InputError: a click lies outside the image.
        """
        positive = signs_of(clicks)
        return np.asarray(self.ratings.max(axis=0)[self.clicked(clicks)] * positive / CERTAIN, np.float32)

    def alone(self, clicks: Sequence[Click]) -> Iterator[ProbabilityArray]:
        """Each click alone, (H, W) float32; clicks in the same region and of the same sign share an answer."""
        rows, of_click = self._rows(clicks)
        for click, row in zip(clicks, of_click.tolist(), strict=True):
            full = spread(rows[row], self.fine_map)
            set_clicked_pixels(full, [click])
            yield full

    def probabilities(self, clicks: Sequence[Click]) -> ProbabilityArray:
        """(N, h, w) float32: each click alone, at the resolution of the region map.

        The region that a click asks for is that of `fine_map`, as in `probability`: near a border the coarser
        `region_map` may have another, whose mask would be another.

        Raises:
            InputError: a click lies outside the image.
        """
        rows, of_click = self._rows(clicks)
        answers = np.empty((len(clicks), *self.region_map.shape), dtype=np.float32)
        for answer, row in zip(answers, of_click.tolist(), strict=True):
            spread(rows[row], self.region_map, out=answer)
        return answers

    def full(self, values: NDArray[np.float32], clicked: NDArray[np.intp], clicks: Sequence[Click]) -> ProbabilityArray:
        """(H, W) float32: a probability (R,) for each region; regions with clicks of both kinds split between them."""
        full = spread(values, self.fine_map)
        if not signs_of(clicks).all():
            split_contested(full, self.fine_map, clicked, clicks)
        set_clicked_pixels(full, clicks)
        return full

    def _joined(self, rows: NDArray[np.uint8], clicked: NDArray[np.intp], clicks: Sequence[Click]) -> ProbabilityArray:
        """(H, W) float32: all clicks together, by the answers (N, R) to each."""
        if not clicks:
            raise InputError("give at least one click: without one there is nothing to segment")
        return self.full(answer_by_region(rows, clicked, signs_of(clicks)), clicked, clicks)

    def clicked(self, clicks: Sequence[Click]) -> NDArray[np.intp]:
        """(N,) the regions of the clicks."""
        require_inside(clicks, self.shape)
        return np.array([self.fine_map[click.pixel] for click in clicks], dtype=np.intp)

    def _rows(self, clicks: Sequence[Click]) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
        """The different answers by region to clicks alone, (K, R), and which of them each click has, (N,)."""
        keys, of_click = np.unique(self.clicked(clicks) * 2 + signs_of(clicks), return_inverse=True)
        rows = np.empty((len(keys), self.answers.shape[1]), dtype=np.float32)
        for row, key in zip(rows, keys, strict=True):
            row[:] = answer_by_region(self.best[key[None] // 2], key[None] // 2, np.array([key % 2 == 1]))
        return rows, of_click


def signs_of(clicks: Sequence[Click]) -> NDArray[np.bool_]:
    """(N,) whether each click is positive."""
    return np.array([click.positive for click in clicks], dtype=bool)


def expected_ratings(answers: NDArray[np.uint8], areas: NDArray[np.floating]) -> NDArray[np.uint8]:
    """(G, R) uint8: the ratings that follow from the answers (G, R, R), if their probabilities are right.

    Args:
        answers: as `EncodedRegions` has them.
        areas: (R,) of the regions, in any unit.
    """
    flat = answers.reshape(-1, answers.shape[2]).astype(np.float32) / np.float32(CERTAIN)
    ious = expected_iou(flat, areas.astype(np.float32), np.full(len(flat), 0.5, np.float32))
    return as_ratings(ious.reshape(answers.shape[:2]))


def as_ratings(ious: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Predicted IoUs in [0, 1] as `EncodedRegions` keeps them."""
    return np.asarray(np.rint(ious * CERTAIN), np.uint8)
