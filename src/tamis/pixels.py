"""What counts as an image in memory: arrays and pictures of any common kind become upright RGB, others are refused."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from tamis.arrays import ImageArray
from tamis.errors import InputError
from tamis.image import MAX_PIXELS


def image_of(source: Image.Image | NDArray[Any], max_pixels: int = MAX_PIXELS) -> ImageArray:
    """A picture or an array as (H, W, 3) uint8 RGB, as `tamis.read_image` would read it from a file.

    Args:
        source: a PIL picture of any mode; or an array (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), the fourth channel
            being opacity over white: bool, uint8, uint16 or floating point from 0 to 1. Grey of 16 bits is stretched to
            the range in use, colour of 16 bits keeps its upper 8.
        max_pixels: the limit on width × height.

    Raises:
        InputError: it is none of these, has no pixels or too many.

    >>> image_of(np.array([[0.0, 0.5, 1.0]])).tolist()
    [[[0, 0, 0], [128, 128, 128], [255, 255, 255]]]
    """
    if isinstance(source, Image.Image):
        _require_size(source.size[1], source.size[0], max_pixels)
        return _rgb_of(ImageOps.exif_transpose(source))
    if not isinstance(source, np.ndarray):
        raise InputError(f"an image is a path, a PIL picture or an array, not a {type(source).__name__}")
    if source.ndim not in (2, 3) or (source.ndim == 3 and source.shape[2] not in (1, 3, 4)):
        raise InputError(f"an image is (H, W), (H, W, 3) or (H, W, 4), not {source.shape}")
    _require_size(source.shape[0], source.shape[1], max_pixels)
    pixels = _bytes(source[..., 0] if source.ndim == 3 and source.shape[2] == 1 else source)
    if pixels.ndim == 2:
        return np.repeat(pixels[..., None], 3, axis=2)
    if pixels.shape[2] == 4:
        return _rgb_of(Image.fromarray(np.ascontiguousarray(pixels)))
    return np.ascontiguousarray(pixels)


def _rgb_of(picture: Image.Image) -> ImageArray:
    """A picture of any mode, alpha laid over white, deep grey stretched."""
    if picture.mode.startswith("I") or picture.mode == "F":
        return np.repeat(_stretched(np.asarray(picture))[..., None], 3, axis=2)
    if picture.has_transparency_data:
        opaque = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(opaque, picture.convert("RGBA"))
    return np.array(picture.convert("RGB"))


def _stretched(values: NDArray[Any]) -> NDArray[np.uint8]:
    """(H, W) of any depth to uint8, the smallest finite value to 0 and the largest to 255, as from a file."""
    finite = values[np.isfinite(values)].astype(np.float64)
    low, high = (finite.min(), finite.max()) if finite.size else (0.0, 0.0)
    known = np.nan_to_num(values.astype(np.float64), nan=low, posinf=high, neginf=low)
    return np.asarray(np.round((known - low) / max(high - low, 1e-12) * 255), np.uint8)


def _bytes(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """The same values as uint8."""
    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype == bool:
        return pixels.astype(np.uint8) * np.uint8(255)
    if pixels.dtype == np.uint16:
        return _stretched(pixels) if pixels.ndim == 2 else (pixels >> 8).astype(np.uint8)
    if not np.issubdtype(pixels.dtype, np.floating):
        raise InputError(f"an image of {pixels.dtype} is not understood: give uint8, uint16, or numbers from 0 to 1")
    low, high = float(pixels.min()), float(pixels.max())
    if not (low >= 0 and high <= 1):
        raise InputError(
            f"an image of floating point must be from 0 to 1, and this one is from {low:g} to {high:g}: scale it, "
            "or give uint8"
        )
    return np.asarray(np.floor(pixels * 255 + 0.5), np.uint8)


def _require_size(height: int, width: int, max_pixels: int) -> None:
    if not height or not width:
        raise InputError(f"the image has no pixels ({width}x{height})")
    if width * height > max_pixels:
        raise InputError(
            f"{width}x{height} is {width * height / 1e6:.0f} megapixels, over the limit of {max_pixels / 1e6:g}"
        )
