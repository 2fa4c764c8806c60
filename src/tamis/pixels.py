"""What counts as an image in memory: arrays and pictures of any common kind become upright RGB, others are refused."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from tamis.arrays import ImageArray
from tamis.decoding.depth import fill_from_numbers, fill_from_picture
from tamis.errors import InputError
from tamis.image import MAX_PIXELS


def image_of(source: Image.Image | NDArray[Any], max_pixels: int = MAX_PIXELS) -> ImageArray:
    """A picture or an array as (H, W, 3) uint8 RGB, as `tamis.read_image` would read it from a file.

    Args:
        source: a PIL picture of any mode; or an array (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), the fourth channel
            being opacity over white: bool, uint8, uint16 or floating point from 0 to 1. Grey of 16 bits is stretched to
            the range in use, of colour of 16 bits the upper bits in use count.
        max_pixels: the limit on width × height.

    Raises:
        InputError: it is none of these, has no pixels or too many.

    >>> image_of(np.array([[0.0, 0.5, 1.0]])).tolist()
    [[[0, 0, 0], [128, 128, 128], [255, 255, 255]]]
    """
    if isinstance(source, Image.Image):
        _require_size(source.size[1], source.size[0], max_pixels)
        return _of_picture(ImageOps.exif_transpose(source))
    if not isinstance(source, np.ndarray):
        raise InputError(f"an image is a path, a PIL picture or an array, not a {type(source).__name__}")
    if source.ndim not in (2, 3) or (source.ndim == 3 and source.shape[2] not in (1, 3, 4)):
        raise InputError(f"an image is (H, W), (H, W, 3) or (H, W, 4), not {source.shape}")
    _require_size(source.shape[0], source.shape[1], max_pixels)
    return _of_array(source[..., 0] if source.ndim == 3 and source.shape[2] == 1 else source)


def _of_picture(picture: Image.Image) -> ImageArray:
    pixels = np.empty((picture.height, picture.width, 3), np.uint8)
    if picture.mode.startswith("I") or picture.mode == "F":
        fill_from_numbers(pixels, np.asarray(picture))
    else:
        fill_from_picture(pixels, picture)
    return pixels


def _of_array(values: NDArray[Any]) -> ImageArray:
    if values.dtype == bool:
        values = values.astype(np.uint8) * np.uint8(255)
    elif np.issubdtype(values.dtype, np.floating):
        values = _bytes_of_shares(values)
    elif values.dtype not in (np.uint8, np.uint16):
        raise InputError(f"an image of {values.dtype} is not understood: give uint8, uint16, or numbers from 0 to 1")
    pixels = np.empty((*values.shape[:2], 3), np.uint8)
    colour, alpha = (values, None) if values.ndim == 2 or values.shape[2] == 3 else (values[..., :3], values[..., 3])
    if values.dtype == np.uint16:
        fill_from_numbers(pixels, colour, alpha, natural=colour.ndim == 3)
    elif alpha is not None:
        fill_from_picture(pixels, Image.fromarray(np.ascontiguousarray(values)))
    else:
        pixels[:] = colour if colour.ndim == 3 else colour[..., None]
    return pixels


def _bytes_of_shares(values: NDArray[Any]) -> NDArray[np.uint8]:
    low, high = float(values.min()), float(values.max())
    if not (low >= 0 and high <= 1):
        raise InputError(
            f"an image of floating point must be from 0 to 1, and this one is from {low:g} to {high:g}: scale it, "
            "or give uint8"
        )
    return np.asarray(np.floor(values * 255 + 0.5), np.uint8)


def _require_size(height: int, width: int, max_pixels: int) -> None:
    if not height or not width:
        raise InputError(f"the image has no pixels ({width}x{height})")
    if width * height > max_pixels:
        raise InputError(
            f"{width}x{height} is {width * height / 1e6:.0f} megapixels, over the limit of {max_pixels / 1e6:g}"
        )
