"""Images as a browser shows them: the file itself where browsers see in it what tamis does, otherwise a copy."""

import io
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from tamis.arrays import ImageArray
from tamis.decoding.depth import blank, fill_from_picture
from tamis.decoding.opening import Header, open_picture
from tamis.errors import InputError
from tamis.image import MAX_PIXELS, read_header, read_image, require_size, resize_to_fit

MEDIA_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}

THUMBNAIL = 160
"""Pixels on the long side."""

LOSSLESS = 4_000_000
"""A copy of more pixels than this is a JPEG: a PNG of a photograph would take seconds to make and to send."""

LONGEST = 32_767
"""Pixels along a side that browsers draw; of longer images they are given a smaller copy, shown at the same size."""


def shown(path: Path, max_pixels: int = MAX_PIXELS) -> tuple[bytes, str]:
    """The bytes of an image for a browser, upright and 8 bits deep, and their media type.

    Raises:
        InputError: the image cannot be read.
    """
    header = read_header(path)
    require_size(path, header.shape, max_pixels)
    if header.format in MEDIA_TYPES and header.orientation == 1 and max(header.shape) <= LONGEST and _is_plain(path):
        return path.read_bytes(), MEDIA_TYPES[header.format]
    pixels = resize_to_fit(read_image(path, max_pixels), LONGEST)
    if pixels.shape[0] * pixels.shape[1] > LOSSLESS:
        return _large_jpeg(pixels), MEDIA_TYPES["JPEG"]
    content = io.BytesIO()
    picture = Image.fromarray(pixels)
    if header.format in ("JPEG", "MPO", "WEBP", "GIF", "AVIF", "JPEG2000", "HEIF"):
        picture.save(content, format="JPEG", quality=95, subsampling=0)
        return content.getvalue(), MEDIA_TYPES["JPEG"]
    picture.save(content, format="PNG", compress_level=1)
    return content.getvalue(), MEDIA_TYPES["PNG"]


def _large_jpeg(pixels: ImageArray) -> bytes:
    """A JPEG of (H, W, 3) uint8, whose colours change places in it: a copy would be hundreds of megabytes."""
    import cv2

    for first in range(0, len(pixels), 1024):
        pixels[first : first + 1024] = pixels[first : first + 1024, :, ::-1].copy()
    options = (cv2.IMWRITE_JPEG_QUALITY, 95, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444)
    return cv2.imencode(".jpg", pixels, options)[1].tobytes()


def thumbnail(path: Path, max_pixels: int = MAX_PIXELS, side: int = THUMBNAIL) -> bytes:
    """A small JPEG, at most so many pixels on the long side.

    Raises:
        InputError: the image cannot be read.
    """
    header = read_header(path)
    require_size(path, header.shape, max_pixels)
    picture = _draft(path, header, side)
    if picture is None:
        picture = Image.fromarray(resize_to_fit(read_image(path, max_pixels), 4 * side))
    picture.thumbnail((side, side))
    content = io.BytesIO()
    picture.save(content, format="JPEG", quality=80)
    return content.getvalue()


def _is_plain(path: Path) -> bool:
    """Whether a browser shows these bytes as `read_image` reads them, if they lie upright."""
    try:
        with open_picture(path) as file:
            animated = getattr(file, "is_animated", False)
            return file.mode in ("L", "RGB", "P") and not file.has_transparency_data and not animated
    except (UnidentifiedImageError, OSError):
        return False


def _draft(path: Path, header: Header, side: int) -> Image.Image | None:
    """A JPEG read at a fraction of its size, at least twice the side, many times quicker; None for all others."""
    if header.format != "JPEG":
        return None
    try:
        with open_picture(path) as file:
            if file.mode not in ("L", "RGB"):
                return None
            file.draft("RGB", (2 * side, 2 * side))
            upright, view = blank(file.height, file.width, header.orientation)
            fill_from_picture(view, file)
            return Image.fromarray(upright)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError):
        return None


def reading_problem(error: InputError, path: Path) -> str:
    """The sentence of an error about an image, without the folders that lead to it."""
    return str(error).removeprefix(f"{path}: ")
