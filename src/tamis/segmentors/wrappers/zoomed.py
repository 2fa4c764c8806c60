"""A second look: the part of an image around the first answer, encoded again at its own resolution."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tamis.arrays import ImageArray, MaskArray, ProbabilityArray
from tamis.clicks import Click, set_clicked_pixels
from tamis.segmentors.protocol import EncodedImage, Segmentor

MARGIN = 0.6
"""How far the part reaches beyond the first mask, as a share of the mask's sides."""

LEAST = 128
"""Pixels of the shortest side worth a second look."""

WORTH = 0.7
"""A part with longer sides than this share of the image shows little more than the first look."""


@dataclass(frozen=True)
class CloseUp:
    """A segmentor that looks twice; every click costs an encoding."""

    segmentor: Segmentor

    @property
    def name(self) -> str:
        """The segmentor's own name: a second look is a way of using it."""
        return self.segmentor.name

    def encode(self, image: ImageArray) -> "CloseUpImage":
        """The first look.

        Args:
            image: (H, W, 3) uint8 RGB.
        """
        return CloseUpImage(image, self.segmentor, self.segmentor.encode(image))


@dataclass(frozen=True)
class CloseUpImage:
    """An image to be looked at twice; satisfies `EncodedImage`."""

    image: ImageArray
    segmentor: Segmentor
    first: EncodedImage

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) of the original image."""
        return self.first.shape

    def probability(self, clicks: Sequence[Click]) -> ProbabilityArray:
        """(H, W) float32: the first answer, and around it the mean of both; each click's own pixel kept."""
        answer = self.first.probability(clicks)
        part = part_worth_a_look(answer > 0.5, clicks)
        if part is None:
            return answer
        rows, columns = part
        inside = [
            click.moved(-columns.start, -rows.start)
            for click in clicks
            if columns.start <= click.x < columns.stop and rows.start <= click.y < rows.stop
        ]
        if not any(click.positive for click in inside):
            return answer
        crop = np.ascontiguousarray(self.image[rows, columns])
        again = self.segmentor.encode(crop).probability(inside)
        merged = answer.copy()
        merged[rows, columns] = (merged[rows, columns] + again) / 2
        set_clicked_pixels(merged, clicks)
        return merged

    def probabilities(self, clicks: Sequence[Click]) -> ProbabilityArray:
        """(N, H, W) float32: each click alone, at the original size."""
        answers = np.empty((len(clicks), *self.shape), dtype=np.float32)
        for answer, click in zip(answers, clicks, strict=True):
            answer[:] = self.probability([click])
        return answers


def part_worth_a_look(mask: MaskArray, clicks: Sequence[Click]) -> tuple[slice, slice] | None:
    """Rows and columns around a mask and its clicks, or None where they are most of the image.

    Args:
        mask: (H, W) bool.
        clicks: at least one.
    """
    height, width = mask.shape
    spans = []
    for axis, length in ((1, height), (0, width)):
        pixels = [click.pixel[1 - axis] for click in clicks if click.positive]
        held = np.concatenate([np.flatnonzero(mask.any(axis=axis)), np.array(pixels, dtype=np.intp)])
        if not held.size:
            return None
        first, last = int(held.min()), int(held.max()) + 1
        grown = max(MARGIN * (last - first), (LEAST - (last - first)) / 2)
        spans.append((max(0, round(first - grown)), min(length, round(last + grown))))
    (top, bottom), (left, right) = spans
    if max(bottom - top, right - left) > WORTH * max(height, width):
        return None
    return slice(top, bottom), slice(left, right)
