"""Broken metadata never costs the picture, and no damage gives more than a sentence."""

import contextlib
import io
import os
import random
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tamis.annotation.catalogue import examine
from tamis.annotation.pixels import shown, thumbnail
from tamis.errors import InputError
from tamis.image import read_image

TRIES = int(os.environ.get("TAMIS_FUZZ", "200"))
"""Mutations of each kind; `make fuzz` makes ten thousand."""

TAGS = (0x010F, 0x0110, 0x0112, 0x011A, 0x011B, 0x0128, 0x0131, 0x0132, 0x013B, 0x0213, 0x8298, 0x8769, 0x8825, 0xA005)
SIZES = (0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4)


def exif_of(entries: list[tuple[int, int, int, bytes]], order: str = "<") -> bytes:
    """An EXIF block whose entries (tag, type, count, value) need not make sense."""
    packed = b"".join(
        struct.pack(order + "HHI", tag, kind, count) + value[:4].ljust(4, b"\0") for tag, kind, count, value in entries
    )
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return b"Exif\0\0" + mark + struct.pack(order + "IH", 8, len(entries)) + packed + b"\0" * 4


def jpeg_with(block: bytes) -> bytes:
    content = io.BytesIO()
    Image.fromarray(PICTURE).save(content, "JPEG", quality=95)
    plain = content.getvalue()
    return plain[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + plain[2:]


PICTURE = np.full((40, 60, 3), (90, 120, 60), np.uint8)
PICTURE[:20] = 200


@pytest.mark.parametrize("seed", [0])
def test_any_damage_to_a_tag_leaves_the_picture_upright(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    path = tmp_path / "a.jpg"
    for _ in range(TRIES):
        order = chance.choice("<>")
        entries = [(0x0112, 3, 1, struct.pack(order + "H", 6))]
        for _ in range(chance.randrange(5)):
            tag = chance.choice([tag for tag in TAGS if tag != 0x0112])
            entries.append((tag, chance.randrange(20), chance.choice((0, 1, 2, 7, 4000, 2**31)), chance.randbytes(4)))
        path.write_bytes(jpeg_with(exif_of(entries, order)))
        read = read_image(path)
        assert read.shape == (60, 40, 3)
        assert examine(path).shape == (60, 40)
        assert shown(path)[1] == "image/jpeg"
        thumbnail(path)


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_an_orientation_that_is_none_is_upright(tmp_path: Path, value: int) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg_with(exif_of([(0x0112, 3, 1, struct.pack("<H", value))])))
    assert read_image(tmp_path / "a.jpg").shape == (40, 60, 3)


SEEDS: dict[str, dict[str, Any]] = {
    "jpeg": {},
    "png": {"pnginfo": None},
    "tiff": {"tiffinfo": {0x0112: 6}, "compression": "tiff_lzw"},
    "webp": {},
    "gif": {},
    "bmp": {},
    "avif": {},
    "jpeg2000": {},
}


@pytest.mark.parametrize("kind", SEEDS)
def test_damaged_headers_give_a_picture_or_a_sentence(tmp_path: Path, kind: str) -> None:
    chance = random.Random(f"headers of {kind}")
    content = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112], exif[0x010F], exif[0x011A] = 6, "maker", 72.0
    more = {} if kind in ("tiff", "gif", "bmp", "jpeg2000") else {"exif": exif}
    Image.fromarray(PICTURE).save(content, kind, **SEEDS[kind], **more)
    whole = content.getvalue()
    path = tmp_path / "a.img"
    for _ in range(max(20, TRIES // len(SEEDS))):
        damaged = bytearray(whole)
        for _ in range(chance.randrange(1, 5)):
            damaged[chance.randrange(min(len(damaged), 400))] = chance.choice((0, 1, 255, chance.randrange(256)))
        if chance.random() < 0.2:
            del damaged[chance.randrange(len(damaged)) :]
        path.write_bytes(damaged)
        found = examine(path, 10_000)
        assert "\n" not in (found.problem or "")
        with contextlib.suppress(InputError):
            assert read_image(path, 10_000).shape[:2] == found.shape


@pytest.mark.parametrize("name", ["a.png", "a.webp"])
def test_a_damaged_block_of_metadata_is_left_out(tmp_path: Path, name: str) -> None:
    exif = Image.Exif()
    exif[0x010F] = "maker"
    Image.fromarray(PICTURE).save(tmp_path / name, exif=exif, lossless=True)
    content = bytearray((tmp_path / name).read_bytes())
    place = content.index(b"eXIf" if name == "a.png" else b"EXIF")
    content[place + 8 : place + 20] = b"\xff" * 12
    (tmp_path / name).write_bytes(content)
    assert (read_image(tmp_path / name) == PICTURE).all()
