"""Opening a picture: by formats that are named, without Pillow's own limit, and what its header says."""

import importlib
import importlib.util
import io
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from tamis.decoding.containers import jpeg_exif, png_exif, without_metadata
from tamis.decoding.tags import exif_orientation
from tamis.decoding.tiff import Bare

HEIF = importlib.util.find_spec("pillow_heif") is not None
"""Whether photographs of iPhones can be read here."""

_KINDS = (
    (re.compile(rb"\xff\xd8\xff"), "JPEG", "JpegImagePlugin"),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "PNG", "PngImagePlugin"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "WEBP", "WebPImagePlugin"),
    (re.compile(rb"II\*\0|MM\0\*|II\+\0|MM\0\+", re.DOTALL), "TIFF", "TiffImagePlugin"),
    (re.compile(rb"GIF8[79]a"), "GIF", "GifImagePlugin"),
    (re.compile(rb"BM"), "BMP", "BmpImagePlugin"),
    (re.compile(rb"....ftypavi[fs]", re.DOTALL), "AVIF", "AvifImagePlugin"),
    (re.compile(rb"\xff\x4f\xff\x51|\0\0\0\x0cjP  "), "JPEG2000", "Jpeg2KImagePlugin"),
    (re.compile(rb"P[1-6fF][\s#]"), "PPM", "PpmImagePlugin"),
)
"""How a file of each format begins, and Pillow's module for it. Nothing else is opened, whatever a file is called:
others of Pillow's formats start programs (EPS), or are seldom tested."""

_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


@dataclass(frozen=True)
class Header:
    """What a picture's header says.

    Attributes:
        shape: (height, width) in pixels, upright.
        orientation: of the stored pixels, as EXIF counts: 1 is upright, 5 to 8 lie on their side.
        format: as Pillow calls it.
    """

    shape: tuple[int, int]
    orientation: int
    format: str


@contextmanager
def open_picture(path: Path) -> Iterator[Image.Image]:
    """Open a file without Pillow's own limit on pixels, which warns first, fails later and knows no --max-pixels.

    Only the header is read; whoever asks for pixels looks at the size before. A file that cannot be opened for its
    metadata is opened without them.

    Raises:
        UnidentifiedImageError: it is no picture of a kind that is opened.
        OSError: it is damaged, or cannot be read.
    """
    with _unlimited:
        file = _opened(path)
        with file:
            yield file


@contextmanager
def open_bare_tiff(path: Path) -> Iterator[Image.Image]:
    """Open a TIFF of the kind that Pillow reads, without tags that turn it or could be damaged.

    Raises:
        UnidentifiedImageError: it is another kind.
    """
    importlib.import_module("PIL.TiffImagePlugin")
    with _unlimited, Bare(path) as bare, Image.open(io.BufferedReader(bare), formats=["TIFF"]) as file:
        yield file


def header_of(file: Image.Image, path: Path) -> Header:
    """The header of an opened picture other than a TIFF; it is not decoded for that."""
    orientation = orientation_of(file, path)
    width, height = file.size
    return Header((width, height) if orientation >= 5 else (height, width), orientation, file.format or "")


def orientation_of(file: Image.Image, path: Path) -> int:
    """How the stored pixels lie, 1 to 8; nothing else of the metadata is looked at."""
    if file.format == "PNG":
        return exif_orientation(png_exif(path))
    if file.format in ("JPEG", "MPO"):
        return exif_orientation(jpeg_exif(path))
    block = file.info.get("exif")
    return exif_orientation(block if isinstance(block, bytes) else None)


def is_heif(path: Path) -> bool:
    """Whether a file is of the kind that iPhones write."""
    with path.open("rb") as file:
        head = file.read(12)
    return head[4:8] == b"ftyp" and head[8:] in _HEIF_BRANDS


def _opened(path: Path) -> Image.Image:
    form = _format_of(path)
    try:
        return Image.open(path, formats=[form])
    except (FileNotFoundError, IsADirectoryError, PermissionError):
        raise
    except Exception as error:
        # Pillow reads metadata while it opens, and what is wrong with them may end in any exception.
        known = error if isinstance(error, OSError) else OSError(f"{type(error).__name__}: {error}")
        bare = without_metadata(path.read_bytes())
        if bare is None:
            raise known from error
        try:
            return Image.open(io.BytesIO(bare), formats=[form])
        except UnidentifiedImageError:
            raise known from error


def _format_of(path: Path) -> str:
    """The format that a file begins like; its module is loaded, and none besides."""
    with path.open("rb") as file:
        head = file.read(16)
    for begins, form, module in _KINDS:
        if begins.match(head):
            importlib.import_module(f"PIL.{module}")
            return form
    if HEIF and is_heif(path):
        import pillow_heif

        pillow_heif.register_heif_opener()
        return "HEIF"
    raise UnidentifiedImageError(f"{path} begins like no picture")


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
