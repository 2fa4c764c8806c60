"""Pixels of any depth, number of bands and range as 8-bit RGB, a few rows at a time."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tamis.arrays import ImageArray

AT_ONCE = 1 << 20
"""Pixels of a strip, about."""

_DEPTHS = (8, 10, 12, 14)
"""Bits that cameras use of 16."""


def strips(height: int, width: int) -> Iterator[slice]:
    """Rows of a picture, about a million pixels at a time."""
    step = max(1, AT_ONCE // max(width, 1))
    for first in range(0, height, step):
        yield slice(first, min(first + step, height))


def blank(height: int, width: int, orientation: int) -> tuple[ImageArray, ImageArray]:
    """An upright picture to be filled, and a view of it that lies as the stored pixels (height, width) do.

    Args:
        height: of the stored pixels.
        width: likewise.
        orientation: as EXIF counts, 1 to 8.
    """
    turned = orientation >= 5
    upright = np.empty((width, height, 3) if turned else (height, width, 3), np.uint8)
    view = upright
    if orientation in (2, 7, 3, 6):
        view = view[:, ::-1]
    if orientation in (3, 4, 7, 8):
        view = view[::-1]
    return upright, view.transpose(1, 0, 2) if turned else view


def fill_from_picture(view: ImageArray, file: Image.Image) -> None:
    """Fill a view (H, W, 3) with a picture of at most 8 bits a band; what is transparent is laid over white."""
    for rows in strips(*view.shape[:2]):
        strip = file.crop((0, rows.start, view.shape[1], rows.stop))
        view[rows] = np.asarray(_rgb(strip))


def fill_from_numbers(
    view: ImageArray,
    values: NDArray[Any],
    alpha: NDArray[Any] | None = None,
    inverted: bool = False,
    natural: bool = False,
) -> None:
    """Fill a view (H, W, 3) with numbers of any kind.

    Args:
        view: to be filled.
        values: (H, W) grey, or (H, W, 3).
        alpha: (H, W), whole numbers to the largest of their type, or floating point from 0 to 1.
        inverted: 0 is white.
        natural: colour as cameras and scanners give it, whose upper bits count, instead of measurements that are
            stretched so that the smallest becomes 0 and the largest 255.
    """
    low, high = _natural_range(values) if natural else _range(values)
    scale = 255 / max(float(high) - float(low), 1e-12)
    for rows in strips(*view.shape[:2]):
        if natural:
            strip = np.minimum(values[rows] >> (int(high + 1).bit_length() - 9), 255).astype(np.float64)
        else:
            known = np.nan_to_num(values[rows].astype(np.float64), nan=low, posinf=high, neginf=low)
            strip = np.round((known - low) * scale)
        if inverted:
            strip = 255 - strip
        if strip.ndim == 2:
            strip = strip[..., None]
        if alpha is not None:
            share = _share(alpha[rows])[..., None]
            strip = np.round(strip * share + 255 * (1 - share))
        view[rows] = strip.astype(np.uint8)


def _range(values: NDArray[Any]) -> tuple[float, float]:
    """The smallest and the largest finite value; 0 and 0 where there is none."""
    found: list[tuple[float, float]] = []
    for rows in strips(*values.shape[:2]):
        strip = values[rows]
        if strip.dtype.kind == "f":
            strip = strip[np.isfinite(strip)]
        if strip.size:
            found.append((float(strip.min()), float(strip.max())))
    return (min(low for low, _ in found), max(high for _, high in found)) if found else (0.0, 0.0)


def _natural_range(values: NDArray[Any]) -> tuple[float, float]:
    """From 0 to the most that the bits in use can say: 12-bit cameras in 16-bit files would be black."""
    largest = int(_range(values)[1])
    whole = 8 * values.dtype.itemsize
    bits = next((bits for bits in _DEPTHS if largest < 1 << bits and bits < whole), whole)
    return 0.0, float((1 << bits) - 1)


def _share(alpha: NDArray[Any]) -> NDArray[np.float64]:
    if alpha.dtype.kind == "f":
        return np.clip(np.nan_to_num(alpha.astype(np.float64), nan=1.0), 0, 1)
    return alpha.astype(np.float64) / np.iinfo(alpha.dtype).max


def _rgb(strip: Image.Image) -> Image.Image:
    if strip.mode == "La":
        strip = strip.convert("LA")
    if strip.has_transparency_data:
        strip = strip.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", strip.size, "white"), strip).convert("RGB")
    return strip.convert("RGB")
