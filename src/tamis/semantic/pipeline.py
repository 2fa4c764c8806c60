"""The training pipeline: what is drawn for an image, the list of steps that follows, and the same in fewer passes.

The random numbers come in mmsegmentation's order, and `augment` gives its pixels when its numbers are replayed.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tamis.semantic import transforms
from tamis.semantic.transforms import Pixels, Size

REDRAWS = 10
"""How often a crop is drawn again that is not varied enough."""

BRIGHTNESS = 32.0
CONTRAST = (0.5, 1.5)
SATURATION = (0.5, 1.5)
HUE = 18


class Generator(Protocol):
    """Where random numbers come from; `numpy.random.Generator` is one."""

    def random(self) -> float:
        """From 0 to 1."""

    def uniform(self, low: float, high: float) -> float:
        """From low to high."""

    def integers(self, low: int, high: int) -> int:
        """From low to high, which is left out."""


@dataclass(frozen=True)
class RandomScale:
    """Bounds for the long and the short side, multiplied by a factor drawn evenly (mmsegmentation's `RandomResize`)."""

    scale: tuple[int, int] = (2048, 512)
    factors: tuple[float, float] = (0.5, 2.0)

    def draw(self, size: Size, rng: Generator) -> Size:
        """The size of an image after resizing."""
        low, high = self.factors
        factor = rng.random() * (high - low) + low
        return transforms.fitted_size(size, (int(self.scale[0] * factor), int(self.scale[1] * factor)))


@dataclass(frozen=True)
class RandomShortSide:
    """One of several short sides (Mask2Former's `RandomChoiceResize`)."""

    choices: tuple[int, ...] = tuple(int(51.2 * k) for k in range(5, 21))
    longest: int = 2048

    def draw(self, size: Size, rng: Generator) -> Size:
        """The size of an image after resizing."""
        return transforms.short_side_size(size, self.choices[int(rng.integers(0, len(self.choices)))], self.longest)


@dataclass(frozen=True)
class TrainTransform:
    """What a training pipeline does.

    Attributes:
        resize: how the size is drawn.
        crop: height and width of the crop; smaller images give smaller crops, which are padded in the batch.
        most: no class may have this share of a crop, if ten redraws can help it; 1 takes the first crop.
        flip: probability.
        photometric: whether brightness, contrast, saturation and hue change.
    """

    resize: RandomScale | RandomShortSide = RandomScale()
    crop: Size = (512, 512)
    most: float = 0.75
    flip: float = 0.5
    photometric: bool = True


@dataclass(frozen=True)
class Photometric:
    """What happens to the colours; None leaves a step out.

    Attributes:
        brightness: what is added.
        contrast: the factor.
        contrast_first: whether contrast comes before saturation and hue, or after them.
        saturation: the factor.
        hue: steps of two degrees.
    """

    brightness: float | None = None
    contrast: float | None = None
    contrast_first: bool = True
    saturation: float | None = None
    hue: int | None = None


@dataclass(frozen=True)
class Draws:
    """Everything random about one pass of the pipeline.

    Attributes:
        size: of the resized image.
        corner: row and column of the crop's top left.
        crop: height and width of the crop, before it is cut at the borders.
        flipped: whether left becomes right.
        colours: what happens to them.
    """

    size: Size
    corner: tuple[int, int]
    crop: Size
    flipped: bool
    colours: Photometric


@dataclass(frozen=True)
class Step:
    """A named step of a pipeline: (image, label map) to (image, label map)."""

    name: str
    image: Callable[[Pixels], Pixels] | None = None
    label: Callable[[Pixels], Pixels] | None = None

    def apply(self, image: Pixels, label: Pixels) -> tuple[Pixels, Pixels]:
        """Do it to both."""
        return self.image(image) if self.image else image, self.label(label) if self.label else label


def draw(label: Pixels, settings: TrainTransform, rng: Generator) -> Draws:
    """Draw everything for one image, in mmsegmentation's order.

    Args:
        label: (H, W) uint8, which decides whether a crop is varied enough.
        settings: of the pipeline.
        rng: gives the numbers.
    """
    size = settings.resize.draw(label.shape[:2], rng)
    resized = transforms.resize_label(label, size)

    def corners() -> Iterator[tuple[int, int]]:
        margins = [max(side - window, 0) for side, window in zip(size, settings.crop, strict=True)]
        for _ in range(REDRAWS + 1 if settings.most < 1 else 1):
            yield int(rng.integers(0, margins[0] + 1)), int(rng.integers(0, margins[1] + 1))

    corner = transforms.first_varied(resized, corners(), settings.crop, settings.most)
    flipped = rng.random() < settings.flip
    return Draws(size, corner, settings.crop, flipped, draw_colours(rng) if settings.photometric else Photometric())


def draw_colours(rng: Generator) -> Photometric:
    """Draw a photometric distortion: each part by the toss of a coin, and where contrast comes by another."""

    def coin() -> bool:
        return bool(rng.integers(0, 2))

    brightness = rng.uniform(-BRIGHTNESS, BRIGHTNESS) if coin() else None
    contrast_first = coin()
    contrast = rng.uniform(*CONTRAST) if contrast_first and coin() else None
    saturation = rng.uniform(*SATURATION) if coin() else None
    hue = int(rng.integers(-HUE, HUE)) if coin() else None
    if not contrast_first and coin():
        contrast = rng.uniform(*CONTRAST)
    return Photometric(brightness, contrast, contrast_first, saturation, hue)


def train_pipeline(draws: Draws) -> list[Step]:
    """The steps that follow from what was drawn; those that do nothing are left out."""

    def window(pixels: Pixels) -> Pixels:
        return transforms.crop(pixels, draws.corner, draws.crop)

    height, width = draws.size
    steps = [
        Step(f"resize the image to {width}x{height}, bilinear", image=lambda x: transforms.resize_image(x, draws.size)),
        Step(f"resize the labels to {width}x{height}, nearest", label=lambda x: transforms.resize_label(x, draws.size)),
        Step(f"crop at row {draws.corner[0]}, column {draws.corner[1]}", image=window, label=window),
    ]
    if draws.flipped:
        steps.append(Step("flip", image=transforms.flip, label=transforms.flip))
    return steps + colour_steps(draws.colours)


def colour_steps(colours: Photometric) -> list[Step]:
    """The steps of a photometric distortion."""
    steps: list[Step] = []
    if (brightness := colours.brightness) is not None:
        steps.append(Step(f"brightness {brightness:+.2f}", image=lambda x: transforms.brighten(x, brightness)))
    contrast: list[Step] = []
    if (factor := colours.contrast) is not None:
        contrast.append(Step(f"contrast × {factor:.3f}", image=lambda x: transforms.scale_contrast(x, factor)))
    if colours.contrast_first:
        steps += contrast
    if (saturation := colours.saturation) is not None:
        steps.append(
            Step(
                f"saturation × {saturation:.3f}",
                image=lambda x: transforms.from_hsv(transforms.scale_saturation(transforms.to_hsv(x), saturation)),
            )
        )
    if (hue := colours.hue) is not None:
        steps.append(
            Step(
                f"hue {2 * hue:+d}°",
                image=lambda x: transforms.from_hsv(transforms.shift_hue(transforms.to_hsv(x), hue)),
            )
        )
    return steps if colours.contrast_first else steps + contrast


def apply(steps: Sequence[Step], image: Pixels, label: Pixels) -> tuple[Pixels, Pixels]:
    """Do steps one after the other."""
    for step in steps:
        image, label = step.apply(image, label)
    return image, label


def augment(image: Pixels, label: Pixels, settings: TrainTransform, rng: Generator) -> tuple[Pixels, Pixels]:
    """An image and its label map for training.

    Args:
        image: (H, W, 3) uint8 BGR.
        label: (H, W) uint8 class indices, 255 where ignored.
        settings: of the pipeline.
        rng: gives the random numbers.

    Returns:
        (h, w, 3) uint8 BGR and (h, w) uint8; h and w are those of the crop, or less where the image is smaller.
    """
    image, label = apply(train_pipeline(draw(label, settings, rng)), image, label)
    return np.ascontiguousarray(image), np.ascontiguousarray(label)


def validation_resize(image: Pixels, scale: tuple[int, int] = (2048, 512)) -> Pixels:
    """Resize an image for validation; its label map keeps its own size. (h, w, 3) uint8 BGR."""
    return transforms.resize_image(image, transforms.fitted_size((image.shape[0], image.shape[1]), scale))


def stack(
    images: Sequence[NDArray[np.float32]], labels: Sequence[Pixels], size: Size
) -> tuple[NDArray[np.float32], Pixels]:
    """A batch of one size; see `divisible_size` for one that follows from the images.

    Args:
        images: (3, h, w) float32, normalised.
        labels: (h, w) uint8.
        size: height and width that no image exceeds.

    Returns:
        (N, 3, H, W) float32, 0 where padded, and (N, H, W) uint8, 255 where padded.
    """
    return np.stack([transforms.pad(image, size) for image in images]), np.stack(
        [transforms.pad_label(label, size) for label in labels]
    )
