"""The steps of mmsegmentation's pipelines, bit for bit: pure functions that are given their random numbers.

Images are (H, W, 3) uint8 BGR and label maps (H, W) uint8 class indices with 255 where a pixel is ignored, unless said.
The rules are those of mmsegmentation 1.2.2 with mmcv 2.1 (`RandomResize`, `RandomCrop`, `RandomFlip`,
`PhotoMetricDistortion`, `SegDataPreProcessor`).
"""

import math
from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from tamis.semantic.data.dataset import IGNORE

Pixels = NDArray[np.uint8]
Size = tuple[int, int]
"""Height and width."""

MEAN = (123.675, 116.28, 103.53)
STD = (58.395, 57.12, 57.375)
"""RGB, of ImageNet."""

HUES = 180
"""OpenCV's bytes of hue are half degrees."""


def fitted_size(size: Size, scale: tuple[int, int]) -> Size:
    """The largest size of the same proportions whose long and short side stay within the bounds (mmcv's `imrescale`).

    Args:
        size: of the image.
        scale: two bounds in any order; the larger is for the long side.
    """
    height, width = size
    factor = min(max(scale) / max(size), min(scale) / min(size))
    return int(height * factor + 0.5), int(width * factor + 0.5)


def short_side_size(size: Size, short_side: int, longest: int) -> Size:
    """The size of the same proportions with a given short side, or smaller so that the long side is at most `longest`.

    Mask2Former's training pipeline (`ResizeShortestEdge`), which rounds that size and then fits the image into it, so
    that very long images lose a pixel now and then.
    """
    factor = short_side / min(size)
    height, width = (float(short_side) if side == min(size) else factor * side for side in size)
    if max(height, width) > longest:
        shrink = longest / max(height, width)
        height, width = height * shrink, width * shrink
    return fitted_size(size, (int(height + 0.5), int(width + 0.5)))


def resize_image(image: Pixels, size: Size) -> Pixels:
    """Bilinear, OpenCV's half-pixel rule, without antialiasing."""
    return np.asarray(cv2.resize(image, size[::-1], interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


def resize_window(image: Pixels, size: Size, corner: tuple[int, int], window: Size) -> Pixels:
    """What `crop(resize_image(image, size), corner, window)` gives, without what lies right of and below the window.

    OpenCV finds the place of a pixel in the source from its own number and the factor alone, so that a source cut at
    the right and at the bottom gives the same values, if the factor is given and not taken from the cut source's size.
    """
    ends = [min(side, first + length) for side, first, length in zip(size, corner, window, strict=True)]
    factors = [side / old for side, old in zip(size, image.shape, strict=False)]
    # Two source pixels more than the last one needs, so that the cut border has no part in it.
    kept = [min(old, math.ceil(end / f) + 2) for old, end, f in zip(image.shape, ends, factors, strict=False)]
    source = image[: kept[0], : kept[1]]
    if tuple(round(k * f) for k, f in zip(kept, factors, strict=True)) == source.shape[:2] != image.shape[:2]:
        # OpenCV copies where nothing seems to change, though the factor is not quite one.
        return crop(resize_image(image, size), corner, window)
    resized = cv2.resize(source, None, fx=factors[1], fy=factors[0], interpolation=cv2.INTER_LINEAR)
    return np.asarray(resized[corner[0] : ends[0], corner[1] : ends[1]], dtype=np.uint8)


def resize_label(label: Pixels, size: Size) -> Pixels:
    """The nearest value by OpenCV's rule, which takes the floor."""
    return np.asarray(cv2.resize(label, size[::-1], interpolation=cv2.INTER_NEAREST), dtype=np.uint8)


def resize_label_window(label: Pixels, size: Size, corner: tuple[int, int], window: Size) -> Pixels:
    """What `crop(resize_label(label, size), corner, window)` gives, without what lies around the window."""
    places = [
        np.minimum(np.arange(first, min(first + length, side)) * (1 / (side / old)), old - 1).astype(np.intp)
        for side, old, first, length in zip(size, label.shape, corner, window, strict=True)
    ]
    return np.asarray(label[places[0]][:, places[1]])


def is_varied(label: Pixels, most: float) -> bool:
    """Whether a crop has more than one class, and none with `most` of its pixels or more; ignored ones do not count."""
    counts = cv2.calcHist([label], [0], None, [256], [0, 256]).ravel()[:IGNORE].astype(np.int64)
    present = counts[counts > 0]
    return len(present) > 1 and bool(present.max() / present.sum() < most)


def crop(pixels: Pixels, corner: tuple[int, int], size: Size) -> Pixels:
    """A window of an image or a label map, cut at its borders.

    Args:
        pixels: (H, W) or (H, W, 3).
        corner: row and column of the window's top left.
        size: of the window.
    """
    (row, column), (height, width) = corner, size
    return pixels[row : row + height, column : column + width]


def first_varied(crops: Iterable[tuple[tuple[int, int], Pixels]], most: float) -> tuple[tuple[int, int], Pixels]:
    """The first of several crops of a label map that is varied (see `is_varied`), or the last.

    Args:
        crops: each with its corner; only as many are taken as are needed, and there is at least one.
        most: the share that no class may have.
    """
    found = (0, 0), np.empty((0, 0), np.uint8)
    for found in crops:
        if is_varied(found[1], most):
            break
    return found


def flip(pixels: Pixels) -> Pixels:
    """Left becomes right."""
    return np.asarray(cv2.flip(pixels, 1), dtype=np.uint8)


def look_up(pixels: Pixels, table: Pixels) -> Pixels:
    """Replace every value by the table's; brightness and contrast are such tables (see `linear_table`)."""
    return np.asarray(cv2.LUT(pixels, table), dtype=np.uint8)


def to_hsv(image: Pixels) -> Pixels:
    """BGR to hue (0 to 179), saturation and value, in bytes: every conversion loses a little, the peer's too."""
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2HSV), dtype=np.uint8)


def from_hsv(hsv: Pixels) -> Pixels:
    """Hue, saturation and value in bytes to BGR."""
    return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR), dtype=np.uint8)


def look_up_channel(pixels: Pixels, channel: int, table: Pixels) -> Pixels:
    """Replace the values of one channel of an image (H, W, 3) by the table's; the image itself stays as it is."""
    channels = list(cv2.split(pixels))
    channels[channel] = cv2.LUT(channels[channel], table)
    return np.asarray(cv2.merge(channels), dtype=np.uint8)


def linear_table(factor: float, offset: float) -> Pixels:
    """(256,) uint8: what each value becomes, `value * factor + offset` in single precision, cut and truncated.

    A factor of contrast or saturation, or an offset of brightness.
    """
    values = np.arange(256, dtype=np.float32) * np.float32(factor) + np.float32(offset)
    return np.asarray(np.clip(values, 0, 255), dtype=np.uint8)


def hue_table(steps: int) -> Pixels:
    """(256,) uint8: hues turned by steps of two degrees."""
    return ((np.arange(256) + steps) % HUES).astype(np.uint8)


def normalise(image: Pixels) -> NDArray[np.float32]:
    """Subtract the mean and divide by the deviation of ImageNet; (3, H, W) float32 RGB from (H, W, 3) uint8 BGR."""
    result = np.empty((3, *image.shape[:2]), np.float32)
    for channel, (values, table) in enumerate(zip(reversed(cv2.split(image)), _NORMALISED, strict=True)):
        cv2.LUT(values, table, dst=result[channel])
    return result


def pad(image: NDArray[np.float32], size: Size) -> NDArray[np.float32]:
    """Fill up an image (3, H, W) on the right and at the bottom with 0, which is the mean colour once normalised."""
    result = np.empty((len(image), *size), np.float32)
    pad_into(result, image)
    return result


def pad_into(place: NDArray[np.float32], image: NDArray[np.float32]) -> None:
    """Write a padded image to a place (3, H, W), which may be a part of a batch."""
    height, width = image.shape[1:]
    place[:, :height, :width] = image
    place[:, :height, width:] = 0
    place[:, height:] = 0


def pad_label(label: Pixels, size: Size) -> Pixels:
    """Fill up a label map (H, W) on the right and at the bottom with 255."""
    result = np.full(size, IGNORE, np.uint8)
    result[: label.shape[0], : label.shape[1]] = label
    return result


def divisible_size(sizes: Iterable[Size], divisor: int = 1) -> Size:
    """The size that holds several images, rounded up to multiples of a number."""
    height, width = (max(sides) for sides in zip(*sizes, strict=True))
    return math.ceil(height / divisor) * divisor, math.ceil(width / divisor) * divisor


_NORMALISED = tuple(
    (np.arange(256, dtype=np.float32) - np.float32(mean)) / np.float32(std) for mean, std in zip(MEAN, STD, strict=True)
)
