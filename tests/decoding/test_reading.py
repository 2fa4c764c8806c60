"""One reading of size and pixels: every kind of file against what was written, and against independent readers."""

import struct
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageOps

from tamis.annotation.catalogue import examine
from tamis.errors import InputError
from tamis.image import find_images, passed_over, read_header, read_image

COLOURS = np.random.default_rng(0).integers(0, 256, (12, 18, 3)).astype(np.uint8)
COLOURS[0, :2] = [[0, 0, 0], [255, 255, 255]]

DEPTHS: dict[str, float] = {
    "uint8": 1,
    "uint16": 257,
    "uint32": 16843009,
    "int16": 100,
    "float32": 0.5,
    "float64": 1e-3,
}


@pytest.mark.parametrize("orientation", [1, 3, 5, 6, 7, 8])
@pytest.mark.parametrize("packed", [None, "zlib"])
@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("photometric", ["rgb", "minisblack", "miniswhite"])
@pytest.mark.parametrize("dtype", DEPTHS)
def test_tiffs_of_every_depth_and_layout(
    tmp_path: Path, dtype: str, photometric: str, planar: str, packed: str | None, orientation: int
) -> None:
    stored = (COLOURS.astype(float) * DEPTHS[dtype]).astype(dtype)
    tifffile.imwrite(
        tmp_path / "a.tif",
        stored if planar == "contig" else np.moveaxis(stored, 2, 0),
        photometric=photometric,
        planarconfig=planar,
        compression=packed,
        extratags=[(274, 3, 1, orientation, True)],
    )
    expected = upright((255 - COLOURS if photometric == "miniswhite" else COLOURS).astype(np.uint8), orientation)
    assert (read_image(tmp_path / "a.tif") == expected).all()
    assert read_header(tmp_path / "a.tif").shape == examine(tmp_path / "a.tif").shape == expected.shape[:2]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["a.tif", "lzw.tif", "a.png", "a.webp", "a.jpg", "a.avif"])
def test_header_and_pixels_agree_on_what_is_up(tmp_path: Path, name: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    kind: dict[str, Any] = {"exif": exif, "quality": 100}
    if name.endswith("tif"):
        kind = {"tiffinfo": {0x0112: orientation}, "compression": "tiff_lzw" if name.startswith("lzw") else None}
    smooth = np.asarray(cv2.resize(COLOURS, (90, 60), interpolation=cv2.INTER_CUBIC), np.uint8)
    Image.fromarray(smooth).save(tmp_path / name, **kind)
    read = read_image(tmp_path / name)
    assert read_header(tmp_path / name).shape == read.shape[:2]
    assert np.abs(read.astype(int) - upright(smooth, orientation)).mean() < 6


@pytest.mark.parametrize("alpha", [1, 2])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("bands", [1, 3])
def test_alpha_of_every_depth_is_laid_over_white(tmp_path: Path, bands: int, dtype: str, alpha: int) -> None:
    most = np.iinfo(dtype).max
    stored = (COLOURS[..., :bands].astype(float) * (most // 255)).astype(dtype)
    opacity = np.full((12, 18, 1), most, dtype)
    opacity[5:] = 0
    photometric = "rgb" if bands == 3 else "minisblack"
    path = tmp_path / "a.tif"
    stored[5:] = 0
    tifffile.imwrite(path, np.dstack([stored, opacity]), photometric=photometric, extrasamples=[alpha])
    read = read_image(path)
    assert (read[5:] == 255).all()
    assert (read[:5] == COLOURS[:5, :, :bands]).all()


@pytest.mark.parametrize("alpha", [1, 2])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_half_of_a_colour_is_half_white(tmp_path: Path, dtype: str, alpha: int, planar: str) -> None:
    """Associated alpha (1) has been multiplied into the colours already, other alpha (2) not."""
    most, half = np.iinfo(dtype).max, np.full((12, 18, 1), 128 / 255)
    stored = np.dstack([COLOURS / 255 * (half if alpha == 1 else 1), half]) * most
    stored = np.round(stored).astype(dtype)
    tifffile.imwrite(
        tmp_path / "a.tif",
        stored if planar == "contig" else np.moveaxis(stored, 2, 0),
        photometric="rgb",
        planarconfig=planar,
        extrasamples=[alpha],
    )
    expected = COLOURS * half + 255 * (1 - half)
    assert np.abs(read_image(tmp_path / "a.tif") - expected).max() < 2


def png(pixels: NDArray[np.uint16], kind: int) -> bytes:
    """A 16-bit PNG of a kind of colour that Pillow does not write."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 16, kind, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("kind", "bands"), [(4, 2), (2, 3), (6, 4)])
def test_twelve_bits_in_a_png_of_sixteen_are_not_black(tmp_path: Path, kind: int, bands: int) -> None:
    stored = COLOURS.astype(np.uint16) << 4
    stored[0, 1] = 4095
    opaque = np.full((12, 18, 1), 65535, np.uint16)
    layers = [stored[..., :1], opaque] if kind == 4 else [stored, opaque] if kind == 6 else [stored]
    (tmp_path / "a.png").write_bytes(png(np.concatenate(layers, axis=2), kind))
    read = read_image(tmp_path / "a.png")
    wanted = COLOURS[..., :1] if kind == 4 else COLOURS
    assert np.abs(read.astype(int) - wanted).max() <= 1
    assert bands == sum(layer.shape[2] for layer in layers)


def test_twelve_bit_colour_in_a_tiff_of_sixteen_is_not_black(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", COLOURS.astype(np.uint16) << 4, photometric="rgb")
    assert (read_image(tmp_path / "a.tif") == COLOURS).all()


@pytest.mark.parametrize("bands", [2, 5, 12])
def test_of_many_bands_the_first_are_shown(tmp_path: Path, bands: int) -> None:
    stack = np.random.default_rng(1).integers(0, 4000, (bands, 12, 18)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", stack, photometric="minisblack", planarconfig="separate")
    shown = np.moveaxis(stack[: 3 if bands > 2 else 1], 0, 2).astype(float)
    expected = np.round((shown - shown.min()) * 255 / (shown.max() - shown.min()))
    assert (read_image(tmp_path / "a.tif") == expected).all()


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "CMYK"])
@pytest.mark.parametrize("packed", [None, "tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_what_pillow_writes_is_read_as_it_is_meant(tmp_path: Path, mode: str, packed: str | None) -> None:
    picture = Image.fromarray(COLOURS).convert(mode)
    picture.save(tmp_path / "a.tif", compression=packed)
    assert (read_image(tmp_path / "a.tif") == np.asarray(picture.convert("RGB"))).all()


@pytest.mark.parametrize("packed", [1, 5, 8, 32773])
@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_what_opencv_packs_is_unpacked(tmp_path: Path, dtype: str, packed: int) -> None:
    stored = (COLOURS.astype(float) * DEPTHS[dtype]).astype(dtype)
    cv2.imwrite(str(tmp_path / "a.tif"), stored[..., ::-1], [cv2.IMWRITE_TIFF_COMPRESSION, packed])
    assert (read_image(tmp_path / "a.tif") == COLOURS).all()


def test_a_tiff_that_cannot_be_read_says_what_it_is(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", COLOURS[..., 0] * (1 + 2j), photometric="minisblack")
    with pytest.raises(InputError, match=r"a\.tif: is a TIFF of 1 band of 128-bit complex numbers, which cannot be"):
        read_image(tmp_path / "a.tif")


def test_a_header_costs_no_pixels(tmp_path: Path) -> None:
    picture = Image.new("L", (9000, 9000))
    picture.save(tmp_path / "a.png")
    tracemalloc.start()
    assert read_header(tmp_path / "a.png").shape == (9000, 9000)
    assert examine(tmp_path / "a.png", 1000).problem is not None
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


def test_a_picture_is_what_its_bytes_say_and_starts_no_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called = tmp_path / "called"
    for name in ("gs", "gswin32c"):
        (tmp_path / name).write_text(f"#!/bin/sh\ntouch {called}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    heading = "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n%%EndComments\nshowpage\n%%EOF\n"
    (tmp_path / "photo.jpg").write_text(heading)
    with pytest.raises(InputError, match=r"photo\.jpg: not an image"):
        read_image(tmp_path / "photo.jpg")
    assert not called.exists()


def test_folders_take_what_can_be_read_and_name_the_rest(tmp_path: Path) -> None:
    for name, form in [("a.jfif", "JPEG"), ("b.jpe", "JPEG"), ("c.avif", "AVIF"), ("d.jp2", "JPEG2000")]:
        Image.fromarray(COLOURS).save(tmp_path / name, format=form)
    for name in ("notes.txt", "more.txt", "e.psd", ".hidden"):
        (tmp_path / name).touch()
    assert [path.name for path in find_images([tmp_path])] == ["a.jfif", "b.jpe", "c.avif", "d.jp2"]
    assert all(read_image(path).shape == (12, 18, 3) for path in find_images([tmp_path]))
    assert passed_over([tmp_path]) == "left out 3 files that by name are no image: 2 .txt (more.txt), 1 .psd (e.psd)"


def upright(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Pixels as they are meant to be seen, by Pillow's own turning of a PNG."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = Image.fromarray(pixels)
    picture.info["exif"] = exif.tobytes()
    return np.asarray(ImageOps.exif_transpose(picture))
