"""The training pipeline: what is drawn for an image, the list of steps that follows, and the same in fewer passes.

The random numbers come in mmsegmentation's order, and `augment` gives its pixels when its numbers are replayed.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from tamis.semantic.data import transforms
from tamis.semantic.data.transforms import Pixels, Size

REDRAWS = 10
"""How often a crop is drawn again that is not varied enough."""

BRIGHTNESS = 32.0
CONTRAST = (0.5, 1.5)
SATURATION = (0.5, 1.5)
HUE = 18
HUE_CHANNEL, SATURATION_CHANNEL = 0, 1

Number = TypeVar("Number", int, float)


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
class ColourChange:
    """A named table of what values become: those of all channels, or those of one channel in HSV."""

    name: str
    table: Pixels
    hsv_channel: int | None = None


@dataclass(frozen=True)
class Step:
    """A named step of a pipeline.

    Attributes:
        name: for people.
        image: what it does to the image, if anything.
        label: what it does to the label map, if anything.
        gives_hsv: whether the image is then hue, saturation and value instead of BGR.
    """

    name: str
    image: Callable[[Pixels], Pixels] | None = None
    label: Callable[[Pixels], Pixels] | None = None
    gives_hsv: bool = False

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
    return _draw(label, settings, rng)[0]


def _draw(label: Pixels, settings: TrainTransform, rng: Generator) -> tuple[Draws, Pixels]:
    """What is drawn, and the crop of the label map that was looked at for that."""
    size = settings.resize.draw(label.shape[:2], rng)
    margins = [max(side - window, 0) for side, window in zip(size, settings.crop, strict=True)]

    def crops() -> Iterator[tuple[tuple[int, int], Pixels]]:
        for _ in range(REDRAWS + 1 if settings.most < 1 else 1):
            corner = int(rng.integers(0, margins[0] + 1)), int(rng.integers(0, margins[1] + 1))
            yield corner, transforms.resize_label_window(label, size, corner, settings.crop)

    corner, cropped = transforms.first_varied(crops(), settings.most)
    flipped = rng.random() < settings.flip
    colours = draw_colours(rng) if settings.photometric else Photometric()
    return Draws(size, corner, settings.crop, flipped, colours), cropped


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
        Step(f"resize the image to {width}×{height}, bilinear", image=lambda x: transforms.resize_image(x, draws.size)),
        Step(f"resize the labels to {width}×{height}, nearest", label=lambda x: transforms.resize_label(x, draws.size)),
        Step(f"crop at row {draws.corner[0]}, column {draws.corner[1]}", image=window, label=window),
    ]
    if draws.flipped:
        steps.append(Step("flip", image=transforms.flip, label=transforms.flip))
    for change in colour_changes(draws.colours):
        steps += _colour_steps(change)
    return steps


def colour_changes(colours: Photometric) -> list[ColourChange]:
    """What a photometric distortion does, in order."""
    linear = transforms.linear_table
    contrast = [ColourChange(f"contrast × {factor:.3f}", linear(factor, 0)) for factor in _given(colours.contrast)]
    return [
        *(ColourChange(f"brightness {offset:+.2f}", linear(1, offset)) for offset in _given(colours.brightness)),
        *(contrast if colours.contrast_first else ()),
        *(ColourChange(f"saturation × {f:.3f}", linear(f, 0), SATURATION_CHANNEL) for f in _given(colours.saturation)),
        *(ColourChange(f"hue {2 * k:+d}°", transforms.hue_table(k), HUE_CHANNEL) for k in _given(colours.hue)),
        *(() if colours.contrast_first else contrast),
    ]


def _given(value: Number | None) -> tuple[Number, ...]:
    return () if value is None else (value,)


def _colour_steps(change: ColourChange) -> list[Step]:
    channel = change.hsv_channel
    if channel is None:
        return [Step(change.name, image=lambda x: transforms.look_up(x, change.table))]
    return [
        Step("BGR to HSV", image=transforms.to_hsv, gives_hsv=True),
        Step(change.name, image=lambda x: transforms.look_up_channel(x, channel, change.table), gives_hsv=True),
        Step("HSV to BGR", image=transforms.from_hsv),
    ]


def apply(steps: Sequence[Step], image: Pixels, label: Pixels) -> tuple[Pixels, Pixels]:
    """Do steps one after the other."""
    for step in steps:
        image, label = step.apply(image, label)
    return image, label


def augment(image: Pixels, label: Pixels, settings: TrainTransform, rng: Generator) -> tuple[Pixels, Pixels]:
    """An image and its label map for training: what `train_pipeline` gives, in fewer passes over the pixels.

    Args:
        image: (H, W, 3) uint8 BGR.
        label: (H, W) uint8 class indices, 255 where ignored.
        settings: of the pipeline.
        rng: gives the random numbers.

    Returns:
        (h, w, 3) uint8 BGR and (h, w) uint8; h and w are those of the crop, or less where the image is smaller.
    """
    draws, label = _draw(label, settings, rng)
    image = transforms.resize_window(image, draws.size, draws.corner, draws.crop)
    if draws.flipped:
        image, label = transforms.flip(image), transforms.flip(label)
    image = _changed(image, colour_changes(draws.colours))
    return np.ascontiguousarray(image), np.ascontiguousarray(label)


def _changed(image: Pixels, changes: Sequence[ColourChange]) -> Pixels:
    """Do colour changes; tables for all channels that follow each other become one."""
    pending: Pixels | None = None
    for change in changes:
        if change.hsv_channel is None:
            pending = change.table if pending is None else change.table[pending]
            continue
        if pending is not None:
            image, pending = transforms.look_up(image, pending), None
        hsv = transforms.look_up_channel(transforms.to_hsv(image), change.hsv_channel, change.table)
        image = transforms.from_hsv(hsv)
    return image if pending is None else transforms.look_up(image, pending)


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
    batch = np.empty((len(images), 3, *size), np.float32)
    for place, image in zip(batch, images, strict=True):
        transforms.pad_into(place, image)
    return batch, np.stack([transforms.pad_label(label, size) for label in labels])
