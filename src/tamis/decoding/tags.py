"""The numbers in a TIFF structure, be it a TIFF file or the EXIF block of another; whatever is damaged is not there."""

import io
import struct
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import BinaryIO

ORIENTATION = 0x0112

Tags = Mapping[int, tuple[int, ...]]
"""Values of the numeric tags of an image, by their number."""

MOST_VALUES = 4096
MOST_ENTRIES = 65_536

_TYPES = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
"""Whole numbers without a sign, by the type of an entry."""


@dataclass(frozen=True)
class Directory:
    """Where the tags of the first image of a structure stand.

    Attributes:
        order: of the bytes, "<" or ">".
        big: whether places have 64 bits.
        entries: each as it stands in the file: 12 bytes, or 20 in a big one.
    """

    order: str
    big: bool
    entries: tuple[bytes, ...]


def directory_of(stream: BinaryIO) -> Directory | None:
    """The directory of a classic or big TIFF structure that begins where the stream is; None if there is none."""
    start = stream.tell()
    head = stream.read(16)
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    if order is None or len(head) < 8:
        return None
    big = struct.unpack_from(order + "H", head, 2)[0] == 43 and len(head) == 16
    place = struct.unpack_from(order + ("Q" if big else "I"), head, 8 if big else 4)[0]
    size, count_size = (20, 8) if big else (12, 2)
    block = _at(stream, start + place, count_size)
    if block is None:
        return None
    count = min(struct.unpack(order + ("Q" if big else "H"), block)[0], MOST_ENTRIES)
    table = _at(stream, start + place + count_size, count * size, cut=True) or b""
    entries = tuple(table[first : first + size] for first in range(0, len(table) - size + 1, size))
    return Directory(order, big, entries)


def tags_of(stream: BinaryIO, wanted: Collection[int]) -> Tags:
    """The wanted tags of the first image in a classic or big TIFF structure that begins where the stream is.

    An entry of another type, one that points out of the file, or a structure that is none, gives nothing: no picture is
    lost for a tag.
    """
    start = stream.tell()
    directory = directory_of(stream)
    found: dict[int, tuple[int, ...]] = {}
    if directory is None:
        return found
    order, offset, first = directory.order, *(("Q", 12) if directory.big else ("I", 8))
    for entry in directory.entries:
        tag, kind = struct.unpack_from(order + "HH", entry)
        count = struct.unpack_from(order + offset, entry, 4)[0]
        code = _TYPES.get(kind)
        if tag not in wanted or code is None or not 0 < count <= MOST_VALUES or tag in found:
            continue
        layout = f"{order}{count}{code}"
        value: bytes | None = entry[first:]
        if struct.calcsize(layout) > len(entry) - first:
            value = _at(stream, start + struct.unpack_from(order + offset, entry, first)[0], struct.calcsize(layout))
        if value is not None:
            found[tag] = struct.unpack_from(layout, value)
    return found


def orientation_in(tags: Tags) -> int:
    """The orientation, 1 to 8; 1 where it is not given or makes no sense."""
    value = tags.get(ORIENTATION, (1,))[0]
    return value if 1 <= value <= 8 else 1


def exif_orientation(block: bytes | None) -> int:
    """The orientation that an EXIF block gives, with or without its own heading."""
    if not block:
        return 1
    return orientation_in(tags_of(io.BytesIO(block.removeprefix(b"Exif\0\0")), {ORIENTATION}))


def _at(stream: BinaryIO, place: int, size: int, cut: bool = False) -> bytes | None:
    """Bytes of a stream; None if there are not so many, unless a part will do."""
    if place >= 1 << 62:
        return None
    stream.seek(place)
    found = stream.read(size)
    return found if cut or len(found) == size else None
