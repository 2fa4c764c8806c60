"""Images as a browser shows them: the file itself where browsers see in it what tamis does, otherwise a copy."""

import io
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from tamis.errors import InputError
from tamis.image import MAX_PIXELS, open_picture, read_image

MEDIA_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}

THUMBNAIL = 160
"""Pixels on the long side."""

LOSSLESS = 4_000_000
"""A copy of more pixels than this is a JPEG: a PNG of a photograph would take seconds to make and to send."""

_ORIENTATION = 0x0112


def shown(path: Path, max_pixels: int = MAX_PIXELS) -> tuple[bytes, str]:
    """The bytes of an image for a browser, upright and 8 bits deep, and their media type.

    Raises:
        InputError: the image cannot be read.
    """
    try:
        with open_picture(path) as file:
            form, plain = file.format, _is_plain(file)
        if plain:
            return path.read_bytes(), MEDIA_TYPES[form or ""]
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError):
        form = None  # the sentence comes from reading the pixels
    picture = Image.fromarray(read_image(path, max_pixels))
    content = io.BytesIO()
    if form in ("JPEG", "WEBP", "GIF") or picture.width * picture.height > LOSSLESS:
        picture.save(content, format="JPEG", quality=95, subsampling=0)
        return content.getvalue(), MEDIA_TYPES["JPEG"]
    picture.save(content, format="PNG", compress_level=1)
    return content.getvalue(), MEDIA_TYPES["PNG"]


def thumbnail(path: Path, max_pixels: int = MAX_PIXELS) -> bytes:
    """A small JPEG, at most `THUMBNAIL` pixels on the long side.

    Raises:
        InputError: the image cannot be read.
    """
    picture = _draft(path)
    if picture is None:
        picture = Image.fromarray(read_image(path, max_pixels))
    picture.thumbnail((THUMBNAIL, THUMBNAIL))
    content = io.BytesIO()
    picture.save(content, format="JPEG", quality=80)
    return content.getvalue()


def _is_plain(file: Image.Image) -> bool:
    """Whether a browser shows these bytes as `read_image` reads them."""
    return (
        file.format in MEDIA_TYPES
        and file.mode in ("L", "RGB", "P")
        and not file.has_transparency_data
        and not getattr(file, "is_animated", False)
        and file.getexif().get(_ORIENTATION, 1) in (0, 1)
    )


def _draft(path: Path) -> Image.Image | None:
    """A JPEG read at a fraction of its size, which is many times quicker; None for all others."""
    try:
        with open_picture(path) as file:
            if file.format != "JPEG" or file.mode not in ("L", "RGB"):
                return None
            file.draft("RGB", (2 * THUMBNAIL, 2 * THUMBNAIL))
            return ImageOps.exif_transpose(file).convert("RGB")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError):
        return None


def reading_problem(error: InputError, path: Path) -> str:
    """The sentence of an error about an image, without the folders that lead to it."""
    return str(error).removeprefix(f"{path}: ")
