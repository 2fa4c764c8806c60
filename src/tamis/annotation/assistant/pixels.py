"""What regions are too coarse for: ridge regression on what is known of every pixel, in closed form.

Nuclei and seedlings are smaller than the regions that an encoding tells apart, and of a colour of their own; and where
a horse ends, other horses tell. Pixels are known by the colours and edges around them, by what regions say there, and
by the features that the model has of them. What is learned is used only where it was better than regions on the masks
that people left.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from tamis.annotation.assistant.concept import probability
from tamis.arrays import ImageArray, MaskArray, ProbabilityArray
from tamis.mask.iou import iou_of
from tamis.regions.at_pixels import at_pixels
from tamis.regions.surroundings import CHANNELS, surroundings
from tamis.segmentors.protocol import DescribesPixels

Float32 = NDArray[np.float32]

LONG_SIDE = 512
"""Pixels of the long side of the picture that is looked at."""

SAMPLED = 3000
"""Pixels that an image teaches."""

WAVES = 64
"""Random Fourier features besides the plain ones, as in `concept`."""

RIDGE = 0.01
KEPT = 100
"""Images that are remembered, a quarter of a megabyte each; those learned last."""

NEAR = 16
"""Pixels: what lies so far from the mask's border counts whole."""

FAR = 0.25
"""What counts of the others. Pixels that count by the mask's share of the image instead draw it too large: of the masks
proposed on 60 horses .70 have IoU .9 with that and .82 with this, on 40 images of nuclei .15 and .38."""

RECENT = 10
"""Images whose masks say which way is best."""

FEATURES = CHANNELS + 2
COLUMNS = 1 + FEATURES + WAVES
"""Of a pixel, before those features that the model has of it."""


WAYS: tuple[Mapping[str, float], ...] = (
    {"regions": 1.0},
    {"pixels": 1.0},
    {"regions": 0.5, "pixels": 0.5},
    {"regions": 0.5, "click": 0.5},
    {"regions": 1 / 3, "pixels": 1 / 3, "click": 1 / 3},
)
"""From what masks may be made: what regions say, what pixels say, and the answer to the click that fits best."""

LARGEST = 1024
"""Pixels of the long side of a picture on which ways are compared."""


@runtime_checkable
class HasPhotograph(Protocol):
    """An encoded image that holds the image."""

    @property
    def image(self) -> ImageArray:
        """(H, W, 3) uint8 RGB."""
        ...


@dataclass(frozen=True, eq=False)
class Sight:
    """What is known of an image before the mask of a concept is made.

    Attributes:
        photo: (H, W, 3) uint8 RGB.
        regions: (H, W) float32, P(pixel belongs to the concept) as regions tell it.
        click: (H, W) float32, the answer to the click that fits that best.
        features: (D, h, w) float32, what the model knows of pixels, on a coarser grid; D may be 0.
    """

    photo: ImageArray
    regions: ProbabilityArray
    click: ProbabilityArray
    features: Float32


def sight_of(encoded: HasPhotograph, regions: ProbabilityArray, click: ProbabilityArray) -> Sight:
    """Of an encoded image, with its pixels' features where it has any."""
    features = encoded.pixel_features if isinstance(encoded, DescribesPixels) else np.empty((0, 1, 1), np.float32)
    return Sight(encoded.image, regions, click, features)


@dataclass(frozen=True, eq=False)
class PixelLesson:
    """What an image teaches.

    Attributes:
        gram: (COLUMNS + D, COLUMNS + D) float64.
        target: (COLUMNS + D,) float64.
        ious: of the masks of each way, as they would have been proposed; None before the first.
        way: which of these would have been.
        drawn: of the mask of that way, its border drawn; None where nothing can draw it.
        draws: whether it would have been drawn.
    """

    gram: NDArray[np.float64]
    target: NDArray[np.float64]
    ious: tuple[float, ...] | None
    way: int = 0
    drawn: float | None = None
    draws: bool = False

    @property
    def turned_out(self) -> float | None:
        """The IoU of the proposal."""
        if self.ious is None:
            return None
        return self.drawn if self.draws and self.drawn is not None else self.ious[self.way]


@dataclass(frozen=True, eq=False)
class Painter:
    """What was learned, at one moment.

    Attributes:
        weights: (COLUMNS + D,) float32.
        way: which of `ways` was best on recent images; 0 is regions alone.
        draws: whether drawing the border was better there.
    """

    weights: Float32
    way: int
    draws: bool = False

    def paint(self, sight: Sight) -> ProbabilityArray:
        """(H, W) float32: P(pixel belongs to the concept), in the way that is best."""
        weights = WAYS[self.way]
        parts = {"regions": sight.regions, "click": sight.click}
        if "pixels" in weights:
            parts["pixels"] = self.pixels(sight)
        return _mixed(weights, parts)

    def ways(self, sight: Sight) -> Iterator[ProbabilityArray]:
        """(H, W) float32 in each of `WAYS`."""
        parts = {"regions": sight.regions, "click": sight.click, "pixels": self.pixels(sight)}
        return (_mixed(weights, parts) for weights in WAYS)

    def pixels(self, sight: Sight) -> ProbabilityArray:
        """(H, W) float32: P(pixel belongs to the concept) by what is known of it."""
        import cv2

        seen = _surroundings(sight.photo, sight.regions)
        size = seen.shape[1], seen.shape[0]
        one, plain, waves, known = np.split(self.weights, (1, 1 + FEATURES, COLUMNS))
        flat = seen.reshape(-1, FEATURES)
        answer = (one + flat @ plain + _waved(flat) @ waves).reshape(seen.shape[:2])
        if len(known):
            # Sums may be enlarged in the place of what they are of.
            answer += cv2.resize(np.tensordot(known, sight.features, 1), size, interpolation=cv2.INTER_LINEAR)
        small = probability(answer).astype(np.float32)
        return np.asarray(cv2.resize(small, sight.photo.shape[1::-1], interpolation=cv2.INTER_LINEAR))


def _mixed(weights: Mapping[str, float], parts: Mapping[str, ProbabilityArray]) -> ProbabilityArray:
    """(H, W) float32: the weighted sum; one part alone as it is."""
    if len(weights) == 1:
        (name,) = weights
        return parts[name]
    return np.asarray(sum(np.float32(weight) * parts[name] for name, weight in weights.items()), np.float32)


class PixelConcept:
    """The concept as pixels tell it; what was taught can be taken back without a trace."""

    def __init__(self) -> None:
        self._lessons: dict[str, PixelLesson] = {}
        self._painter: Painter | None = None  # until something else is learned

    def add(self, key: str, lesson: PixelLesson) -> None:
        """Learn an image, or another mask of it."""
        self.forget(key)
        self._lessons[key] = lesson
        while len(self._lessons) > KEPT:
            del self._lessons[next(iter(self._lessons))]

    def forget(self, key: str) -> None:
        """Undo what was learned from an image, if anything was."""
        self._lessons.pop(key, None)
        self._painter = None

    def painter(self) -> Painter | None:
        """What has been learned; None before the first image."""
        if self._painter is None and self._lessons:
            self._painter = self._learned()
        return self._painter

    def _learned(self) -> Painter:
        lessons = list(self._lessons.values())
        gram, target = RIDGE * np.eye(len(lessons[0].target)), np.zeros(len(lessons[0].target))
        for lesson in lessons:
            gram += lesson.gram
            target += lesson.target
        weights = np.linalg.solve(gram, target).astype(np.float32)
        recent = [lesson for lesson in lessons if lesson.ious is not None][-RECENT:]
        told = np.array([lesson.ious for lesson in recent])
        gains = [
            lesson.drawn - lesson.ious[lesson.way] for lesson in recent if lesson.drawn is not None and lesson.ious
        ]
        way = int(told.mean(axis=0).argmax()) if len(told) else 0
        return Painter(weights, way, bool(gains and np.mean(gains) > 0))


def pixel_lesson(
    sight: Sight, mask: MaskArray, painter: Painter | None, drawn: ProbabilityArray | None = None, seed: int = 0
) -> PixelLesson:
    """What an image teaches.

    Args:
        sight: what was known of it before.
        mask: (H, W) bool, that somebody left.
        painter: what was learned before; None for nothing.
        drawn: (H, W) float32, what it paints with its border drawn; None where nothing can draw it.
        seed: of the pixels that are looked at.
    """
    import cv2

    height, width = mask.shape
    if max(height, width) > LARGEST:
        size = round(width * LARGEST / max(height, width)), round(height * LARGEST / max(height, width))

        def smaller(values: NDArray[Any]) -> NDArray[Any]:
            return np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_AREA))

        sight = Sight(smaller(sight.photo), smaller(sight.regions), smaller(sight.click), sight.features)
        drawn = None if drawn is None else smaller(drawn)
        mask = cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST_EXACT).astype(bool)
    seen = _surroundings(sight.photo, sight.regions)
    height, width = seen.shape[:2]
    small = cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA) > 0.5
    rng = np.random.default_rng(seed)
    chosen = rng.choice(small.size, min(SAMPLED, small.size), replace=False)
    flat, inside = seen.reshape(-1, FEATURES)[chosen], small.ravel()[chosen]
    known = at_pixels(np.ascontiguousarray(sight.features.transpose(1, 2, 0)), chosen, (height, width))
    columns = np.concatenate([np.ones((len(flat), 1), np.float32), flat, _waved(flat), known], axis=1)
    weights = np.where(_around_border(small).ravel()[chosen], np.float32(1), np.float32(FAR))
    weighted = (columns * (weights / weights.sum())[:, None]).T
    ways = () if painter is None else painter.ways(sight)
    ious = [iou_of(each > 0.5, mask) for each in ways]
    return PixelLesson(
        (weighted @ columns).astype(np.float64),
        (weighted @ inside.astype(np.float32)).astype(np.float64),
        tuple(ious) if ious else None,
        0 if painter is None else painter.way,
        None if drawn is None else iou_of(drawn > 0.5, mask),
        painter is not None and painter.draws,
    )


def _around_border(mask: MaskArray) -> MaskArray:
    """(h, w): within `NEAR` pixels of the border of a mask (h, w)."""
    import cv2

    square, plain = np.ones((2 * NEAR + 1, 2 * NEAR + 1), np.uint8), mask.view(np.uint8)
    return np.asarray(cv2.dilate(plain, square) != cv2.erode(plain, square))


def _surroundings(photo: ImageArray, regions: ProbabilityArray) -> Float32:
    """(h, w, FEATURES): what is around every pixel, and what regions say there and around."""
    import cv2

    height, width = photo.shape[:2]
    scale = min(1.0, LONG_SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = photo if scale == 1 else np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.uint8)
    told = cv2.resize(regions, size, interpolation=cv2.INTER_AREA) * np.float32(4)
    return np.concatenate([surroundings(small), np.stack([told, cv2.GaussianBlur(told, (0, 0), 3)], axis=-1)], axis=-1)


def _waved(flat: Float32) -> Float32:
    """(N, WAVES) random Fourier features."""
    rng = np.random.default_rng(0)
    directions = (rng.normal(size=(FEATURES, WAVES)) / np.sqrt(FEATURES)).astype(np.float32)
    phases = rng.uniform(0, 2 * np.pi, WAVES).astype(np.float32)
    return np.asarray(np.sqrt(np.float32(2)) * np.cos(flat @ directions + phases))
