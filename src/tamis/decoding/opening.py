"""Opening a picture: by formats that are named, without Pillow's own limit, and what its header says."""

import importlib.util
import io
import threading
import warnings
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

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "DIB", "GIF", "AVIF", "JPEG2000", "PPM", *(("HEIF",) if HEIF else ()))
"""What is opened, whatever a file is called: others of Pillow's formats start programs (EPS) or are seldom tested."""

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
        UnidentifiedImageError: it is no picture in one of `FORMATS`.
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
    if HEIF and is_heif(path):
        import pillow_heif

        pillow_heif.register_heif_opener()
    try:
        return Image.open(path, formats=FORMATS)
    except (FileNotFoundError, IsADirectoryError, PermissionError):
        raise
    except Exception as error:
        # Pillow reads metadata while it opens, and what is wrong with them may end in any exception.
        bare = without_metadata(path.read_bytes())
        if bare is None:
            raise error
        try:
            return Image.open(io.BytesIO(bare), formats=FORMATS)
        except UnidentifiedImageError:
            raise error from None


class _Unlimited:
    """Lifts Pillow's limit and silences its warnings while any thread is inside: both are global."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._limit: int | None = None
        self._quiet = warnings.catch_warnings()

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
                self._quiet = warnings.catch_warnings()
                self._quiet.__enter__()
                warnings.filterwarnings("ignore", module=r"PIL\.")
            self._inside += 1

    def __exit__(self, *exception: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                Image.MAX_IMAGE_PIXELS = self._limit
                self._quiet.__exit__(None, None, None)


_unlimited = _Unlimited()
