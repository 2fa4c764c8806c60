"""Test-time augmentation: a segmentor that also looks at turned and mirrored copies, and takes the mean."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ImageArray, ProbabilityArray
from tamis.clicks import Click, with_clicked_pixels
from tamis.errors import InputError
from tamis.image import require_rgb
from tamis.segmentors.protocol import EncodedImage, Segmentor


@dataclass(frozen=True)
class View:
    """A copy of an image: mirrored left to right if asked, then turned by quarter turns anticlockwise."""

    mirrored: bool
    turns: int

    def of(self, image: NDArray[Any]) -> NDArray[Any]:
        """(H, W, ...) → the view."""
        return np.rot90(image[:, ::-1] if self.mirrored else image, self.turns)

    def back(self, view: NDArray[Any]) -> NDArray[Any]:
        """The image whose view it is."""
        upright = np.rot90(view, -self.turns)
        return upright[:, ::-1] if self.mirrored else upright

    def click(self, click: Click, shape: tuple[int, int]) -> Click:
        """Where a click on an image of (height, width) `shape` falls in the view."""
        height, width = shape
        x, y = (np.nextafter(width, 0) - click.x if self.mirrored else click.x), click.y
        for _ in range(self.turns):
            x, y = y, float(np.nextafter(width, 0)) - x
            height, width = width, height
        return Click(max(float(x), 0.0), max(float(y), 0.0), click.positive)


VIEWS = {
    "flips": (View(mirrored=True, turns=0),),
    "rotations": (View(False, 1), View(False, 2), View(False, 3)),
}
"""The views that each name adds to the image itself."""


def augmented(segmentor: Segmentor, names: Sequence[str]) -> Segmentor:
    """A segmentor whose answers are means over the image and its views.

    Args:
        segmentor: the model.
        names: of VIEWS; none gives the segmentor itself.

    Raises:
        InputError: an unknown name.
    """
    for name in names:
        if name not in VIEWS:
            raise InputError(f"there is no augmentation '{name}'; choose from {', '.join(VIEWS)}")
    views = tuple(view for name in names for view in VIEWS[name])
    return Augmented(segmentor, views) if views else segmentor


@dataclass(frozen=True)
class Augmented:
    """See `augmented`."""

    segmentor: Segmentor
    views: tuple[View, ...]

    @property
    def name(self) -> str:
        """The segmentor's own name: augmentation is a rule of the evaluation."""
        return self.segmentor.name

    def encode(self, image: ImageArray) -> "AugmentedImage":
        """Encode the image and all its views."""
        own = self.segmentor.encode(require_rgb(image))
        others = [self.segmentor.encode(np.ascontiguousarray(view.of(image)).astype(np.uint8)) for view in self.views]
        return AugmentedImage(own, tuple(zip(self.views, others, strict=True)))


@dataclass(frozen=True)
class AugmentedImage:
    """An image encoded in several views; satisfies `EncodedImage`."""

    own: EncodedImage
    others: tuple[tuple[View, EncodedImage], ...]

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) of the original image."""
        return self.own.shape

    def probability(self, clicks: Sequence[Click]) -> ProbabilityArray:
        """(H, W) float32: the mean over the views, each click's own pixel kept."""
        total = self.own.probability(clicks).astype(np.float64)
        for view, encoded in self.others:
            total += view.back(encoded.probability([view.click(click, self.shape) for click in clicks]))
        return with_clicked_pixels((total / (1 + len(self.others))).astype(np.float32), clicks)

    def probabilities(self, clicks: Sequence[Click]) -> ProbabilityArray:
        """(N, H, W) float32: each click alone, at the original size, since views have different resolutions."""
        answers = np.empty((len(clicks), *self.shape), dtype=np.float32)
        for answer, click in zip(answers, clicks, strict=True):
            answer[:] = self.probability([click])
        return answers
