"""TIFFs of more than 8 bits, in floating point, or of unusual bands: what Pillow does not read, or not rightly."""

import io
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ImageArray
from tamis.decoding.depth import fill_from_numbers, strips
from tamis.decoding.tags import ORIENTATION, Tags, directory_of, orientation_in, tags_of
from tamis.errors import InputError

WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, BANDS, PLANAR, EXTRA, SAMPLE = (
    256,
    257,
    258,
    259,
    262,
    277,
    284,
    338,
    339,
)

_WANTED = frozenset({WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, BANDS, PLANAR, EXTRA, SAMPLE, ORIENTATION})

_NEEDED = _WANTED - {ORIENTATION} | {
    *(266, 273, 278, 279, 280, 281, 292, 293, 317, 320, 322, 323, 324, 325, 332, 347, 512, 513, 514, 515),
    *(519, 520, 521, 529, 530, 531, 532),
}
"""Tags by which pixels are found and unpacked."""

_HEADS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _CMYK = 0, 1, 2, 3, 5

_PILLOWS = {
    _WHITE_IS_ZERO: (1,),
    _BLACK_IS_ZERO: (1, 2),
    _RGB: (3, 4),
    _PALETTE: (1, 2),
    _CMYK: (4,),
    6: (1, 3),
    8: (3,),
}
"""Numbers of bands of 8 bits or fewer, by the photometric interpretation, that Pillow reads as they are meant."""

_COMPRESSIONS = {
    5: "LZW",
    6: "old JPEG",
    7: "JPEG",
    50000: "Zstandard",
    50001: "WebP",
    34712: "JPEG 2000",
    34887: "LERC",
}
_KINDS = {1: "whole numbers", 2: "signed numbers", 3: "floating point", 5: "complex numbers", 6: "complex numbers"}


@dataclass(frozen=True)
class Layout:
    """How the first image of a TIFF is stored, in TIFF's own numbers.

    Attributes:
        width: in pixels, as stored.
        height: likewise.
        orientation: as EXIF counts, 1 to 8.
        bits: of a number; of the largest where bands differ.
        kind: 1 unsigned, 2 signed, 3 floating point.
        photometric: what the numbers mean.
        bands: how many.
        planar: whether each band is stored by itself.
        extra: what the bands after the colours are; 1 and 2 are alpha.
        compression: how it is packed.
    """

    width: int
    height: int
    orientation: int
    bits: int
    kind: int
    photometric: int
    bands: int
    planar: bool
    extra: tuple[int, ...]
    compression: int

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) in pixels, upright."""
        return (self.width, self.height) if self.orientation >= 5 else (self.height, self.width)

    @property
    def is_pillows(self) -> bool:
        """Whether Pillow reads it as it is meant."""
        if self.bits > 8 or self.kind not in (1, 4) or (self.planar and self.bands > 1):
            return False
        known = _PILLOWS.get(self.photometric)
        return known is None or self.bands in known

    def described(self) -> str:
        """For a sentence."""
        packed = _COMPRESSIONS.get(self.compression, f"compression {self.compression}")
        parts = [
            f"a TIFF of {self.bands} band{'s' * (self.bands > 1)} of {self.bits}-bit {_KINDS.get(self.kind, 'data')}"
        ]
        if self.planar and self.bands > 1:
            parts.append("stored in separate planes")
        if self.compression in _COMPRESSIONS:
            parts.append(f"packed by {packed}")
        return ", ".join(parts)


def is_tiff(path: Path) -> bool:
    """Whether a file begins as TIFFs do."""
    with path.open("rb") as stream:
        return stream.read(4) in _HEADS


def layout_of(path: Path) -> Layout:
    """The layout of a TIFF's first image; what its tags do not say is as the standard has it.

    Raises:
        InputError: it does not say how large it is.
    """
    with path.open("rb") as stream:
        tags: Tags = tags_of(stream, _WANTED)
    if WIDTH not in tags or HEIGHT not in tags:
        raise InputError(f"{path}: the image is damaged or cut off (a TIFF without a size); copy or download it again")

    def first(tag: int, otherwise: int) -> int:
        return tags.get(tag, (otherwise,))[0]

    return Layout(
        width=first(WIDTH, 0),
        height=first(HEIGHT, 0),
        orientation=orientation_in(tags),
        bits=max(tags.get(BITS, (1,))),
        kind=first(SAMPLE, 1),
        photometric=first(PHOTOMETRIC, _BLACK_IS_ZERO),
        bands=first(BANDS, 1),
        planar=first(PLANAR, 1) == 2,
        extra=tags.get(EXTRA, ()),
        compression=first(COMPRESSION, 1),
    )


class Bare(io.RawIOBase):
    """A TIFF file with a directory of its own behind it that holds nothing but what pixels need.

    Pillow turns TIFFs by itself, goes through all of their tags for that, and fails on any that is damaged.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        directory = directory_of(self._file)
        self._place = 0
        self._size = self._file.seek(0, 2)
        self._start = self._tail = b""
        if directory is not None:
            order, big = directory.order, directory.big
            kept = [entry for entry in directory.entries if struct.unpack_from(order + "H", entry)[0] in _NEEDED]
            count, place = struct.pack(order + "HQ"[big], len(kept)), "IQ"[big]
            self._tail = b"".join([count, *kept, struct.pack(order + place, 0)])
            self._file.seek(0)
            head = self._file.read(8 if big else 4)
            self._start = head + struct.pack(order + place, self._size)

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place."""
        self._place = max(0, offset + (0, self._place, self._size + len(self._tail))[whence])
        return self._place

    def tell(self) -> int:
        """The place."""
        return self._place

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer with what comes next."""
        wanted = memoryview(buffer)
        if self._place < len(self._start):
            found = self._start[self._place : self._place + len(wanted)]
        elif self._place < self._size:
            self._file.seek(self._place)
            found = self._file.read(min(len(wanted), self._size - self._place))
        else:
            found = self._tail[self._place - self._size :][: len(wanted)]
        wanted[: len(found)] = found
        self._place += len(found)
        return len(found)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()


def numbers_of(path: Path, layout: Layout) -> NDArray[Any]:
    """(H, W) or (H, W, bands): the numbers of the first image as they stand in the file.

    Raises:
        InputError: it cannot be unpacked here, or is damaged; the sentence says what it is.
    """
    import tifffile

    try:
        with tifffile.TiffFile(path) as file:
            page = file.pages.first
            values: NDArray[Any] = page.asarray()
            axes = page.axes
    except Exception as error:
        # tifffile fails on damaged files in ways of its own, and on packed ones for want of a decoder.
        unpacked = _by_opencv(path, layout)
        if unpacked is None:
            raise InputError(_refusal(path, layout, error)) from error
        return unpacked
    while axes and axes[0] not in "SYX":  # of a volume the first slice
        values, axes = values[0], axes[1:]
    if "S" in axes:
        values = np.moveaxis(values, axes.index("S"), -1)
    return values


def fill(view: ImageArray, path: Path, layout: Layout) -> None:
    """Fill a view (H, W, 3) with the first image of a TIFF.

    Grey and measurements are stretched; of several bands the first three are red, green and blue, of two the first is
    grey; an alpha band is laid over white.

    Raises:
        InputError: it cannot be read; the sentence says what kind of TIFF it is.
    """
    values = numbers_of(path, layout)
    if values.dtype.kind not in "uifb" or values.shape[:2] != view.shape[:2] or values.ndim not in (2, 3):
        raise InputError(f"{path}: is {layout.described()}, which cannot be shown; save it as PNG, or as 8-bit RGB")
    if layout.photometric == _PALETTE:
        raise InputError(f"{path}: is {layout.described()} with a palette, which cannot be read; save it as RGB")
    values = values.astype(np.uint8) * 255 if values.dtype == np.bool_ else values
    inverted = layout.photometric == _WHITE_IS_ZERO
    if layout.photometric == _CMYK and values.ndim == 3 and values.shape[2] >= 4:
        values, inverted = _from_cmyk(values[..., :4]), True
        fill_from_numbers(view, values, None, inverted, natural=values.dtype.kind == "u")
        return
    colours = 3 if layout.photometric == _RGB else 1
    bands = 1 if values.ndim == 2 else values.shape[2]
    alpha, is_multiplied = _alpha(values, layout, colours)
    if alpha is not None and is_multiplied:
        values = _straight(values, alpha)
    if bands >= 3 and (colours == 3 or bands - (alpha is not None) >= 3):
        # Bands that are not called colours are measurements of their own.
        natural = values.dtype.kind == "u" and colours == 3
        natural = natural or values.dtype == np.uint8
        fill_from_numbers(view, values[..., :3], alpha, inverted, natural)
        return
    grey = values if values.ndim == 2 else values[..., 0]
    fill_from_numbers(view, grey, alpha, inverted, natural=grey.dtype == np.uint8)


def _alpha(values: NDArray[Any], layout: Layout, colours: int) -> tuple[NDArray[Any] | None, bool]:
    """The band of opacity, the first after the colours that is called so, and whether colours are multiplied by it."""
    if values.ndim == 2:
        return None, False
    first = values.shape[2] - len(layout.extra)
    for place, meaning in enumerate(layout.extra, start=first):
        if meaning in (1, 2) and colours <= place < values.shape[2] and values.dtype.kind in "uf":
            return values[..., place], meaning == 1
    return None, False


def _straight(values: NDArray[Any], alpha: NDArray[Any]) -> NDArray[Any]:
    """Numbers as they were before they were multiplied by their opacity (TIFF's associated alpha)."""
    most = np.iinfo(values.dtype).max if values.dtype.kind == "u" else 1
    made = np.empty_like(values)
    for rows in strips(*values.shape[:2]):
        share = alpha[rows].astype(np.float64)[..., None] / most
        strip = np.divide(values[rows], share, out=np.zeros(values[rows].shape), where=share > 0)
        made[rows] = np.minimum(np.round(strip), most) if values.dtype.kind == "u" else strip
    return made


def _from_cmyk(values: NDArray[Any]) -> NDArray[Any]:
    """(H, W, 3) how dark red, green and blue are, of cyan, magenta, yellow and black."""
    most = np.iinfo(values.dtype).max if values.dtype.kind == "u" else 1
    dark = np.empty((*values.shape[:2], 3), values.dtype)
    black = values[..., 3].astype(np.float32) / most
    for band in range(3):
        dark[..., band] = values[..., band] + (most - values[..., band]) * black
    return dark


def _by_opencv(path: Path, layout: Layout) -> NDArray[Any] | None:
    """What OpenCV's own TIFF library unpacks: one, three or four bands beside each other."""
    import cv2

    if (
        layout.planar
        or layout.bands not in (1, 3, 4)
        or layout.photometric not in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB)
    ):
        return None
    try:
        values = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    bands = 1 if values is None or values.ndim == 2 else values.shape[2]
    if values is None or bands != layout.bands or values.dtype.itemsize * 8 != layout.bits:
        return None
    return values if values.ndim == 2 else values[..., [2, 1, 0, 3][:bands]]


def _refusal(path: Path, layout: Layout, error: Exception) -> str:
    if layout.compression in _COMPRESSIONS or layout.kind > 3 or "imagecodecs" in str(error):
        return f"{path}: is {layout.described()}, which cannot be read; save it as PNG, or as TIFF without compression"
    return f"{path}: the image is damaged or cut off ({_line(error)}); it is {layout.described()}"


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
