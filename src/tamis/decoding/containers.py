"""The chunks of PNG, JPEG and WebP: where their EXIF block is, and the file without any metadata."""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

PNG = b"\x89PNG\r\n\x1a\n"

_NEEDED = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
"""Chunks without which a PNG looks otherwise."""

_BARE = frozenset({*range(0xD0, 0xD9), 0x01})
"""JPEG's markers that have no length."""


def png_exif(path: Path) -> bytes | None:
    """The EXIF block of a PNG, which may stand behind the pixels; they are passed over."""
    with path.open("rb") as file:
        if file.read(8) != PNG:
            return None
        while len(head := file.read(8)) == 8:
            size, kind = struct.unpack(">I4s", head)
            if kind == b"eXIf":
                return file.read(min(size, 1 << 20))
            if kind == b"IEND":
                break
            file.seek(size + 4, 1)
    return None


def png_depth(path: Path) -> tuple[int, int]:
    """Bits and kind of colour of a PNG (0 grey, 2 colour, 3 palette, 4 grey and alpha, 6 colour and alpha)."""
    with path.open("rb") as file:
        head = file.read(26)
    return (head[24], head[25]) if head[:8] == PNG and len(head) == 26 else (8, 2)


def jpeg_exif(path: Path) -> bytes | None:
    """The EXIF block of a JPEG."""
    with path.open("rb") as file:
        content = file.read(1 << 20)
    for marker, start, end in _segments(content):
        if marker == 0xE1 and content[start + 4 : start + 10] == b"Exif\0\0":
            return content[start + 4 : end]
    return None


def without_metadata(content: bytes) -> bytes | None:
    """The same picture without what says things about it; None where that is not known how.

    Args:
        content: a JPEG, PNG or WebP.
    """
    if content[:8] == PNG:
        return PNG + b"".join(_png_chunks(content))
    if content[:2] == b"\xff\xd8":
        return _bare_jpeg(content)
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return _bare_webp(content)
    return None


def _png_chunks(content: bytes) -> Iterator[bytes]:
    place = 8
    while place + 8 <= len(content):
        size, kind = struct.unpack_from(">I4s", content, place)
        body = content[place + 8 : place + 8 + size]
        if kind in _NEEDED:
            sum_ = content[place + 8 + size : place + 12 + size]
            if kind in (b"tRNS", b"PLTE"):
                sum_ = struct.pack(">I", zlib.crc32(kind + body))
            yield struct.pack(">I", size) + kind + body + sum_
        place += 12 + size


def _segments(content: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, start and end of each of JPEG's segments before its pixels."""
    place = 2
    while place + 4 <= len(content) and content[place] == 0xFF:
        marker = content[place + 1]
        if marker == 0xFF or marker in _BARE:
            place += 1 if marker == 0xFF else 2
            continue
        if marker == 0xDA:
            return
        end = place + 2 + struct.unpack_from(">H", content, place + 2)[0]
        yield marker, place, end
        place = end


def _bare_jpeg(content: bytes) -> bytes:
    kept, end = [content[:2]], 2
    for marker, start, end in _segments(content):
        # APP0 and APP14 say which colours the numbers are.
        if not (0xE1 <= marker <= 0xED or marker in (0xEF, 0xFE)):
            kept.append(content[start:end])
    return b"".join([*kept, content[end:]])


def _bare_webp(content: bytes) -> bytes:
    kept, place = [], 12
    while place + 8 <= len(content):
        kind, size = struct.unpack_from("<4sI", content, place)
        end = place + 8 + size + size % 2
        if kind == b"VP8X":
            flags = content[place + 8] & ~0b00101100  # neither profile nor EXIF nor XMP
            kept.append(content[place : place + 8] + bytes([flags]) + content[place + 9 : end])
        elif kind not in (b"EXIF", b"XMP ", b"ICCP"):
            kept.append(content[place:end])
        place = end
    body = b"WEBP" + b"".join(kept)
    return b"RIFF" + struct.pack("<I", len(body)) + body
