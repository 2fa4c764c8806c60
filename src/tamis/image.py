"""Images in and out: any common file becomes an upright RGB array, and pictures are written safely."""

import glob
import io
import os
import re
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from tamis.arrays import ImageArray
from tamis.decoding.containers import png_depth
from tamis.decoding.depth import blank, fill_from_numbers, fill_from_picture
from tamis.decoding.opening import HEIF, Header, header_of, is_heif, open_bare_tiff, open_picture
from tamis.decoding.tiff import fill, is_tiff, layout_of
from tamis.errors import InputError
from tamis.results.files import replacing

MAX_PIXELS = 200_000_000
"""Images with more pixels than this are refused unless the caller says otherwise."""

LARGE = 40_000_000
"""Pixels from which on images are decoded one at a time, by however many threads: each takes half a gigabyte."""

NO_FILE = "is a pipe or a device, not an image"
"""Whoever opens a pipe waits until somebody writes into it."""

SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jfif", ".jpe", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".avif", ".jp2"}
    | ({".heic", ".heif"} if HEIF else set())
)
"""What counts as an image when a folder is searched, in lower case."""


def read_image(path: str | Path, max_pixels: int = MAX_PIXELS) -> ImageArray:
    """Read an image file as upright RGB.

    JPEG, PNG, WebP, TIFF, BMP, GIF (first frame), AVIF, JPEG 2000 and PPM, HEIC where pillow-heif is installed; grey,
    palette, CMYK and alpha (laid over white); the EXIF orientation is applied, and nothing else of the metadata is
    looked at, so that damage there costs nothing. Grey values of more than 8 bits (16-bit, 32-bit and floating point)
    are stretched so that the smallest becomes 0 and the largest 255, since microscopes and depth cameras rarely use the
    whole range; so are bands of TIFFs that are not called colours, of which the first three are taken. Colour of 16
    bits keeps the upper 8 of those in use: 10, 12, 14 or 16.

    Memory: the result, and once more as much while it is made.

    Args:
        path: the file.
        max_pixels: the limit on width × height.

    Returns:
        (H, W, 3) uint8.

    Raises:
        InputError: the file is missing, empty, cut off, not an image, has no pixels or too many, or there is not enough
            memory for it.
    """
    path = Path(path)
    with _explained(path), _in_turn(path, max_pixels):
        if is_tiff(path):
            return _tiff(path)
        with open_picture(path) as file:
            header = header_of(file, path)
            upright, view = blank(file.height, file.width, header.orientation)
            _fill(view, file, path)
            return upright


def read_header(path: str | Path) -> Header:
    """What the header of an image says, without its pixels: cheap, whatever size it claims.

    Raises:
        InputError: the file is missing, empty or not an image.
    """
    path = Path(path)
    with _explained(path):
        if is_tiff(path):
            layout = layout_of(path)
            return Header(layout.shape, layout.orientation, "TIFF")
        with open_picture(path) as file:
            return header_of(file, path)


def require_size(path: Path, shape: tuple[int, int], max_pixels: int) -> None:
    """Refuse an image of (height, width) that has no pixels, or too many.

    Raises:
        InputError: the sentence names the limit.
    """
    height, width = shape
    if width * height == 0:
        raise InputError(f"{path}: the image has no pixels ({width}x{height}); export it again")
    if width * height > max_pixels:
        raise InputError(
            f"{path}: {width}x{height} is {width * height / 1e6:.0f} megapixels, over the limit of "
            f"{max_pixels / 1e6:g}; raise it with --max-pixels {width * height}"
        )


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


def passed_over(sources: Iterable[str | Path]) -> str:
    """A sentence on the files in folders that `find_images` does not take for images, "" if there are none."""
    kinds: Counter[str] = Counter()
    first: dict[str, str] = {}
    for folder in (Path(source) for source in sources if Path(source).is_dir()):
        for file in sorted(folder.iterdir()):
            if file.is_file() and not file.name.startswith(".") and not _looks_like_image(file):
                kinds[file.suffix.lower()] += 1
                first.setdefault(file.suffix.lower(), file.name)
    if not kinds:
        return ""
    named = ", ".join(f"{count} {kind or 'without a suffix'} ({first[kind]})" for kind, count in kinds.most_common(5))
    more = " and others" if len(kinds) > 5 else ""
    total = sum(kinds.values())
    return (
        f"left out {total} file{'s' * (total > 1)} that by name {'are' if total > 1 else 'is'} no image: {named}{more}"
    )


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
def _explained(path: Path) -> Iterator[None]:
    """Whatever goes wrong with an image becomes one sentence about it.

    The one place where any exception is taken: decoders fail on damaged files in every way that there is, and one bad
    image must not end a run over a thousand.
    """
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            raise InputError(f"{path}: {NO_FILE}")
        yield
    except InputError:
        raise
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; check the name") from None
    except IsADirectoryError:
        raise InputError(f"{path}: is a folder, not an image") from None
    except PermissionError:
        raise InputError(f"{path}: no permission to read it") from None
    except UnidentifiedImageError:
        raise InputError(f"{path}: {_what_it_is(path)}") from None
    except MemoryError:
        raise InputError(f"{path}: there is not enough memory to read it; close other programs, or shrink it") from None
    except Exception as error:
        said = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(f"{path}: the image is damaged or cut off ({said}); copy or download it again") from error


def _what_it_is(path: Path) -> str:
    if path.stat().st_size == 0:
        return "the file is empty; copy or download it again"
    if is_heif(path):
        return "is a HEIC photograph, which needs a decoder: run pip install pillow-heif"
    return "not an image that can be read (JPEG, PNG, WebP, TIFF, BMP, GIF, AVIF, JPEG 2000, PPM)"


_one_large = threading.Lock()


@contextmanager
def _in_turn(path: Path, max_pixels: int) -> Iterator[None]:
    """Wait for other threads that decode a large image, if this is one; too large ones are refused before."""
    shape = read_header(path).shape
    require_size(path, shape, max_pixels)
    with _one_large if shape[0] * shape[1] > LARGE else nullcontext():
        yield


def _tiff(path: Path) -> ImageArray:
    layout = layout_of(path)
    upright, view = blank(layout.height, layout.width, layout.orientation)
    if layout.is_pillows:
        try:
            with open_bare_tiff(path) as file:
                _fill(view, file, path)
            return upright
        except UnidentifiedImageError:
            pass  # bands that are not known to it
    fill(view, path, layout)
    return upright


def _fill(view: ImageArray, file: Image.Image, path: Path) -> None:
    """The pixels of an opened picture into a view (H, W, 3) that lies as they are stored."""
    if file.format == "PNG":
        bits, kind = png_depth(path)
        if bits == 16 and kind in (2, 4, 6):
            _fill_from_deep_png(view, path)
            return
    file.load()
    if file.mode.startswith("I") or file.mode == "F":
        fill_from_numbers(view, np.asarray(file))
    else:
        fill_from_picture(view, file)


def _fill_from_deep_png(view: ImageArray, path: Path) -> None:
    """Of colour and alpha of 16 bits Pillow keeps the upper 8, which are empty in files of 12-bit cameras."""
    import cv2

    values = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    if values is None or values.dtype != np.uint16 or values.shape[:2] != view.shape[:2]:
        raise OSError("the pixels end early")
    alpha = values[..., 3] if values.shape[2] == 4 else None
    if png_depth(path)[1] == 4:
        fill_from_numbers(view, values[..., 0], alpha)
    else:
        fill_from_numbers(view, values[..., 2::-1], alpha, natural=True)
