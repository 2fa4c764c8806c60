"""Images in and out: any common file becomes an upright RGB array, and pictures are written safely."""

import glob
import io
import os
import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from tamis.arrays import ImageArray
from tamis.errors import InputError
from tamis.results.files import replacing

MAX_PIXELS = 200_000_000
"""Images with more pixels than this are refused unless the caller says otherwise."""

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif"})
"""What counts as an image when a folder is searched, in lower case."""


def read_image(path: str | Path, max_pixels: int = MAX_PIXELS) -> ImageArray:
    """Read an image file as upright RGB.

    JPEG, PNG, WebP, TIFF, BMP and GIF (first frame); grey, palette, CMYK and alpha (laid over white); the EXIF
    orientation is applied. Grey values of more than 8 bits (16-bit, 32-bit and floating point) are stretched so that
    the smallest becomes 0 and the largest 255, since microscopes and depth cameras rarely use the whole range; colour
    of 16 bits keeps its upper 8.

    Args:
        path: the file.
        max_pixels: the limit on width × height.

    Returns:
        (H, W, 3) uint8.

    Raises:
        InputError: the file is missing, empty, cut off, not an image, has no pixels or too many.
    """
    path = Path(path)
    try:
        with open_picture(path) as file:
            width, height = file.size
            if width * height == 0:
                raise InputError(f"{path}: the image has no pixels ({width}x{height}); export it again")
            if width * height > max_pixels:
                raise InputError(
                    f"{path}: {width}x{height} is {width * height / 1e6:.0f} megapixels, over the limit of "
                    f"{max_pixels / 1e6:g}; raise it with --max-pixels {width * height}"
                )
            file.load()
            return np.array(_upright_rgb(file))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; check the name") from None
    except IsADirectoryError:
        raise InputError(f"{path}: is a folder, not an image") from None
    except PermissionError:
        raise InputError(f"{path}: no permission to read it") from None
    except UnidentifiedImageError:
        if path.stat().st_size == 0:
            raise InputError(f"{path}: the file is empty; copy or download it again") from None
        raise InputError(f"{path}: not an image that can be read (JPEG, PNG, WebP, TIFF, BMP, GIF)") from None
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: the image is damaged or cut off ({error}); copy or download it again") from error


def require_rgb(image: NDArray[Any]) -> ImageArray:
    """An image as segmentors take it.

    Raises:
        InputError: it is no (H, W, 3) uint8 with at least one pixel.
    """
    if not isinstance(image, np.ndarray) or image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        found = f"{image.shape} {image.dtype}" if isinstance(image, np.ndarray) else type(image).__name__
        raise InputError(f"an image must be (H, W, 3) uint8 RGB, not {found}")
    if not image.size:
        raise InputError(f"an image must have at least one pixel, not the shape {image.shape}")
    return image


def write_image(path: str | Path, pixels: NDArray[Any]) -> None:
    """Write a picture, in the format its suffix names, so that a failure leaves no half file.

    Args:
        path: where to; the folder is made if needed.
        pixels: (H, W) bool (written as 0 and 255), uint8 or uint16, or (H, W, 3) uint8 RGB.

    Raises:
        InputError: the suffix names no picture format that can hold the pixels.
        OutputError: it cannot be written.
    """
    path = Path(path)
    form = Image.registered_extensions().get(path.suffix.lower())
    if form not in ("PNG", "JPEG", "WEBP", "TIFF", "BMP"):
        raise InputError(f"{path}: cannot write {path.suffix or 'a file without a suffix'}; use .png")
    if pixels.dtype == np.uint16 and form not in ("PNG", "TIFF"):
        raise InputError(f"{path}: 16-bit pictures need .png or .tiff")
    if pixels.dtype == bool and form in ("JPEG", "WEBP"):
        raise InputError(f"{path}: {path.suffix} would blur the mask; use .png")
    content = io.BytesIO()
    # Pillow's own level of PNG takes twice as long for files as large.
    options = {"compress_level": 3} if form == "PNG" else {}
    shown = Image.fromarray(pixels.astype(np.uint8) * 255 if pixels.dtype == bool else pixels)
    shown.save(content, format=form, **options)
    with replacing(path) as file:
        file.write(content.getbuffer())


def find_images(sources: Iterable[str | Path], leave_out: Iterable[Path] = ()) -> list[Path]:
    """The image files that files, folders and glob patterns name, each once, in natural reading order.

    A folder gives its own images in reading order, hidden files left out; folders inside it are not searched (use the
    pattern 'FOLDER/**/*.jpg'). A file named outright is taken whatever its suffix.

    Args:
        sources: files, folders and patterns.
        leave_out: folders in which patterns find nothing, such as those that an earlier run has written pictures to.

    Raises:
        InputError: a file is missing, or a folder or pattern holds no image or cannot be searched.
    """
    unwanted = tuple(os.path.join(os.path.abspath(folder), "") for folder in leave_out)
    found: dict[str, Path] = {}
    for source in sources:
        try:
            images = _images_of(source, unwanted)
        except OSError as error:
            raise InputError(f"{source}: cannot be searched ({error.strerror}); check the name") from error
        for image in images:
            found.setdefault(os.path.abspath(image), image)
    return list(found.values())


def reading_order(name: str) -> list[tuple[int, int | str]]:
    """A key that sorts names as people do: 2.jpg before 10.jpg, capitals like small letters.

    >>> sorted(["10.jpg", "B.jpg", "2.jpg", "a.jpg"], key=reading_order)
    ['2.jpg', '10.jpg', 'a.jpg', 'B.jpg']
    """
    # Every other part is a number; a superscript is a digit to Python and none to the pattern.
    parts = re.split(r"([0-9]+)", name)
    return [(0, int(part)) if place % 2 else (1, part.casefold()) for place, part in enumerate(parts)]


def resize_to_fit(image: ImageArray, long_side: int) -> ImageArray:
    """Shrink an image so that its longer side is at most `long_side` pixels; smaller images are returned as they are.

    Each new pixel is the mean of the area that it covers, so that fine texture does not alias.
    """
    import cv2

    height, width = image.shape[:2]
    factor = long_side / max(height, width)
    if factor >= 1:
        return image
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _images_of(source: str | Path, unwanted: tuple[str, ...]) -> list[Path]:
    """The images that one file, folder or pattern names; of a pattern without those whose path begins as unwanted."""
    path = Path(source)
    if path.is_dir():
        images = _in_order(file for file in path.iterdir() if _looks_like_image(file))
        if not images:
            raise InputError(f"{path}: no images in this folder (looked for {', '.join(sorted(SUFFIXES))})")
        return images
    if path.exists():
        return [path]
    if not glob.has_magic(str(source)):
        raise InputError(f"{path}: no such file; check the name")
    matches = map(Path, glob.iglob(str(source), recursive=True))
    images = _in_order(
        file for file in matches if _looks_like_image(file) and not os.path.abspath(file).startswith(unwanted)
    )
    if not images:
        raise InputError(f"{source}: no image matches this pattern")
    return images


def _in_order(files: Iterable[Path]) -> list[Path]:
    return sorted(files, key=lambda file: reading_order(file.as_posix()))


def _looks_like_image(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()


@contextmanager
def open_picture(path: Path) -> Iterator[Image.Image]:
    """Open a file without Pillow's own limit on pixels, which warns first, fails later and knows no --max-pixels.

    Only the header is read; whoever asks for pixels looks at the size before.
    """
    with _unlimited, Image.open(path) as file:
        yield file


class _Unlimited:
    """Lifts Pillow's limit while any thread is inside: it is global, and some formats heed it when pixels are read."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._limit: int | None = None

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
            self._inside += 1

    def __exit__(self, *exception: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                Image.MAX_IMAGE_PIXELS = self._limit


_unlimited = _Unlimited()


def _upright_rgb(file: Image.Image) -> Image.Image:
    picture = ImageOps.exif_transpose(file)
    if picture.mode.startswith("I") or picture.mode == "F":
        return Image.fromarray(_stretched(np.asarray(picture))).convert("RGB")
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
    return picture.convert("RGB")


def _stretched(values: NDArray[Any]) -> NDArray[np.uint8]:
    """(H, W) of any depth to uint8, the smallest finite value to 0 and the largest to 255."""
    finite = np.isfinite(values)
    # In double precision, which holds every value of 32 bits; some rows at a time, since that takes much memory.
    low, high = (np.float64(f(values[finite])) for f in (np.min, np.max)) if finite.any() else (0.0, 0.0)
    result = np.empty(values.shape, np.uint8)
    for rows, stretched in zip(_strips(values), _strips(result), strict=True):
        known = np.nan_to_num(rows.astype(np.float64), nan=low, posinf=high, neginf=low)
        stretched[:] = np.round((known - low) / max(high - low, 1e-12) * 255)
    return result


def _strips(picture: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Views of a few rows each, about a million pixels."""
    step = max(1, (1 << 20) // picture.shape[1])
    for first in range(0, len(picture), step):
        yield picture[first : first + step]
