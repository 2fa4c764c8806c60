"""A complete model for tamis in one file: what is as bright as the clicked pixel and touches it.

Install the folder with pip, and `tamis click --model brightness` uses it; so do the annotator, `tamis segment` and
`tamis evaluate`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

import tamis
from tamis.clicks import with_clicked_pixels

TOLERANCE = 24
"""Grey levels that still count as equally bright."""


@dataclass(frozen=True)
class EncodedBrightness:
    """An image ready for prompts: an immutable value that many threads may share."""

    grey: NDArray[np.uint8]

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.grey.shape[0], self.grey.shape[1]

    def probability(self, clicks: Sequence[tamis.Click]) -> NDArray[np.float32]:
        """(H, W) float32: what any positive click fills, without what a negative one does."""
        if not clicks:
            raise tamis.InputError("give at least one click")
        inside = np.zeros(self.shape, bool)
        for click in sorted(clicks, key=lambda click: not click.positive):
            filled = self._filled(click)
            inside = inside | filled if click.positive else inside & ~filled
        return with_clicked_pixels(np.where(inside, np.float32(0.9), np.float32(0.1)), clicks)

    def probabilities(self, clicks: Sequence[tamis.Click]) -> NDArray[np.float32]:
        """(N, H, W) float32: each click alone."""
        return np.stack([self.probability([click]) for click in clicks]) if clicks else np.zeros((0, *self.shape), "f4")

    def _filled(self, click: tamis.Click) -> NDArray[np.bool_]:
        row, column = click.pixel
        mask = np.zeros((self.shape[0] + 2, self.shape[1] + 2), np.uint8)
        flags = 4 | cv2.FLOODFILL_MASK_ONLY | cv2.FLOODFILL_FIXED_RANGE
        cv2.floodFill(self.grey.copy(), mask, (column, row), 0, TOLERANCE, TOLERANCE, flags)
        return np.asarray(mask[1:-1, 1:-1] > 0)


@dataclass(frozen=True)
class Brightness:
    """The model."""

    name: str = "brightness"

    def encode(self, image: NDArray[np.uint8]) -> EncodedBrightness:
        """All the work that does not depend on prompts; (H, W, 3) uint8 RGB."""
        return EncodedBrightness(np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8))


def make() -> Brightness:
    """What the entry point names: called without arguments."""
    return Brightness()
