"""What is made of the bytes of an image of a collection; where they come from, `tamis.scale.sources` knows."""

import io

import numpy as np
from PIL import Image, UnidentifiedImageError

from tamis.arrays import ImageArray
from tamis.errors import InputError
from tamis.pixels import image_of


def decoded(name: str, content: bytes) -> ImageArray:
    """The pixels (H, W, 3) uint8 RGB of a file's bytes.

    Raises:
        InputError: they cannot be decoded.
    """
    try:
        with Image.open(io.BytesIO(content)) as picture:
            return image_of(picture)
    except (OSError, UnidentifiedImageError, ValueError, SyntaxError) as error:
        raise InputError(f"{name}: cannot be read as an image ({error})") from None


def crop(image: ImageArray, box: tuple[float, float, float, float] | None) -> ImageArray:
    """The part of an image (H, W, 3) in a box (left, top, right, bottom) in pixels; all of it without one."""
    if box is None:
        return image
    left, top = max(0, int(box[0])), max(0, int(box[1]))
    right, bottom = max(left + 1, round(box[2])), max(top + 1, round(box[3]))
    return np.ascontiguousarray(image[top:bottom, left:right])
