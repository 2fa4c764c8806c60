import os
import struct
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tamis.errors import InputError, OutputError
from tamis.image import find_images, read_image, resize_to_fit, write_image

Save = Callable[..., Path]

RED_AND_BLUE = np.array(
    [[[255, 0, 0], [255, 0, 0]], [[0, 0, 255], [0, 0, 255]], [[9, 9, 9], [9, 9, 9]]], dtype=np.uint8
)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tiff", "gif"])
def test_lossless_formats_keep_every_pixel(save: Save, suffix: str) -> None:
    assert (read_image(save(f"a.{suffix}", RED_AND_BLUE)) == RED_AND_BLUE).all()


@pytest.mark.parametrize("suffix", ["jpg", "webp"])
def test_lossy_formats_keep_colours_nearly(save: Save, suffix: str) -> None:
    flat = np.full((32, 48, 3), (180, 90, 40), dtype=np.uint8)
    read = read_image(save(f"a.{suffix}", flat, quality=95))
    assert read.shape == flat.shape
    assert np.abs(read.astype(int) - flat).max() <= 4


def test_grey_and_palette_and_bilevel_become_rgb(save: Save, tmp_path: Path) -> None:
    grey = np.array([[0, 100], [200, 255]], dtype=np.uint8)
    assert (read_image(save("grey.png", grey)) == grey[..., None]).all()
    Image.fromarray(RED_AND_BLUE).convert("P", palette=Image.Palette.ADAPTIVE).save(tmp_path / "palette.png")
    assert (read_image(tmp_path / "palette.png") == RED_AND_BLUE).all()
    Image.fromarray(grey > 150).save(tmp_path / "bilevel.png")
    assert read_image(tmp_path / "bilevel.png")[..., 0].tolist() == [[0, 0], [255, 255]]


@pytest.mark.parametrize("suffix", ["png", "tiff"])
def test_sixteen_bits_are_stretched_over_the_range_in_use(save: Save, suffix: str) -> None:
    twelve_bit_camera = np.array([[100, 1100], [2100, 4100]], dtype=np.uint16)
    assert read_image(save(f"deep.{suffix}", twelve_bit_camera))[..., 1].tolist() == [[0, 64], [128, 255]]


def test_floating_point_with_holes_is_stretched(save: Save) -> None:
    depth = np.array([[1.0, 3.0], [np.nan, 2.0]], dtype=np.float32)
    assert read_image(save("depth.tiff", depth))[..., 0].tolist() == [[0, 255], [0, 128]]


def test_a_constant_deep_image_is_black_not_an_error(save: Save) -> None:
    assert read_image(save("flat.png", np.full((2, 2), 777, dtype=np.uint16))).max() == 0


def test_transparency_is_laid_over_white(save: Save) -> None:
    rgba = np.array([[[10, 20, 30, 255], [10, 20, 30, 0]]], dtype=np.uint8)
    assert read_image(save("alpha.png", rgba)).tolist() == [[[10, 20, 30], [255, 255, 255]]]


def test_cmyk_becomes_rgb(tmp_path: Path) -> None:
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "print.jpg", quality=100)
    red, green, blue = read_image(tmp_path / "print.jpg")[4, 4]
    assert red > 240
    assert max(green, blue) < 15


@pytest.mark.parametrize(("orientation", "turns", "mirrored"), [(1, 0, 0), (2, 0, 1), (3, 2, 0), (6, 3, 0), (8, 1, 0)])
def test_exif_orientation_is_applied(tmp_path: Path, orientation: int, turns: int, mirrored: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(RED_AND_BLUE).save(tmp_path / "turned.png", exif=exif)
    upright = RED_AND_BLUE[:, ::-1] if mirrored else np.rot90(RED_AND_BLUE, turns)
    assert (read_image(tmp_path / "turned.png") == upright).all()


def test_a_gif_gives_its_first_frame(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    assert read_image(tmp_path / "moving.gif")[0, 0].tolist() == [255, 0, 0]


def zero_width_bmp(path: Path) -> None:
    header = struct.pack("<2sIHHI", b"BM", 54, 0, 0, 54)
    path.write_bytes(header + struct.pack("<IiiHHIIiiII", 40, 0, 5, 1, 24, 0, 0, 0, 0, 0, 0))


def truncated_jpeg(path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path, format="JPEG")
    path.write_bytes(path.read_bytes()[:1000])


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda path: None, "no such file"),
    "a folder": (lambda path: path.mkdir(), "is a folder"),
    "empty": (lambda path: path.touch(), "the file is empty"),
    "text": (lambda path: path.write_text("not a photograph"), "not an image"),
    "truncated": (truncated_jpeg, "damaged or cut off"),
    "no pixels": (zero_width_bmp, "no pixels|not an image"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_what_cannot_be_read_is_named_in_one_sentence(tmp_path: Path, kind: str) -> None:
    make, message = BROKEN[kind]
    path = tmp_path / "bad.jpg"
    make(path)
    with pytest.raises(InputError, match=f"bad.jpg: .*({message})") as caught:
        read_image(path)
    assert "\n" not in str(caught.value)


def test_the_pixel_limit_is_ours_and_said(save: Save) -> None:
    path = save("large.png", np.zeros((20, 30), np.uint8))
    with pytest.raises(InputError, match=r"over the limit of 0\.0005; raise it with --max-pixels 600"):
        read_image(path, max_pixels=500)
    assert read_image(path, max_pixels=600).shape == (20, 30, 3)
    assert Image.MAX_IMAGE_PIXELS is not None  # Pillow's own limit is back for everybody else


@pytest.mark.parametrize("name", ["large.tiff", "large.png", "large.gif"])
def test_pillows_own_limit_holds_for_no_format(save: Save, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(name, np.zeros((20, 30), np.uint8), **({"compression": "tiff_lzw"} if "tiff" in name else {}))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with ThreadPoolExecutor(4) as pool:
        assert [image.shape for image in pool.map(read_image, [path] * 20)] == [(20, 30, 3)] * 20
    assert Image.MAX_IMAGE_PIXELS == 100


@pytest.mark.parametrize("pixels", [np.eye(3, dtype=bool), np.eye(3, dtype=np.uint8), np.eye(3, dtype=np.uint16) * 999])
def test_written_pictures_read_back(tmp_path: Path, pixels: np.ndarray) -> None:
    write_image(tmp_path / "new" / "a.png", pixels)
    with Image.open(tmp_path / "new" / "a.png") as file:
        assert (np.asarray(file) == (pixels * 255 if pixels.dtype == bool else pixels)).all()


def test_a_suffix_that_cannot_hold_the_pixels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.txt: cannot write \.txt; use \.png"):
        write_image(tmp_path / "a.txt", np.eye(3, dtype=bool))
    with pytest.raises(InputError, match=r"16-bit pictures need \.png"):
        write_image(tmp_path / "a.jpg", np.eye(3, dtype=np.uint16))


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mask.png"
    write_image(path, np.eye(3, dtype=bool))
    before = path.read_bytes()

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"mask\.png: the disk is full"):
        write_image(path, np.zeros((3, 3), bool))
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["mask.png"]


def test_images_are_found_in_folders_and_by_patterns(save: Save, tmp_path: Path) -> None:
    for name in ("b.png", "a.jpg", "deep/c.png", ".hidden.png"):
        save(name, RED_AND_BLUE)
    (tmp_path / "notes.txt").touch()
    assert [path.name for path in find_images([tmp_path])] == ["a.jpg", "b.png"]
    assert [path.name for path in find_images([f"{tmp_path}/**/*.png"])] == ["b.png", "c.png"]
    assert [path.name for path in find_images([tmp_path / "b.png", tmp_path])] == ["b.png", "a.jpg"]
    (tmp_path / "none").mkdir()
    with pytest.raises(InputError, match="no images in this folder"):
        find_images([tmp_path / "none"])
    with pytest.raises(InputError, match="no image matches this pattern"):
        find_images([f"{tmp_path}/*.webp"])


def test_an_image_named_in_two_ways_is_found_once(save: Save, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save("a/b.png", RED_AND_BLUE)
    monkeypatch.chdir(tmp_path)
    assert find_images(["a/b.png", tmp_path / "a" / "b.png", "a/../a/b.png", "a"]) == [Path("a/b.png")]


def test_patterns_find_nothing_in_folders_left_out(save: Save, tmp_path: Path) -> None:
    for name in ("a.png", "out/overlay/a.png", "out/overlays.png"):
        save(name, RED_AND_BLUE)
    out = tmp_path / "out" / "overlay"
    assert [path.name for path in find_images([f"{tmp_path}/**/*.png"], [out])] == ["a.png", "overlays.png"]
    assert find_images([out, out / "a.png"], [out]) == [out / "a.png"]


def test_a_name_too_long_for_any_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot be searched \(.*\); check the name"):
        find_images(["photo.jpg " * 500])


def test_a_deep_image_is_stretched_in_little_memory(save: Save) -> None:
    rows = np.arange(3000, dtype=np.uint16)[:, None].repeat(1000, axis=1)
    path = save("deep.tiff", rows + 500)
    tracemalloc.start()
    read = read_image(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (read[..., 0] == np.round(rows / 2999 * 255)).all()
    assert peak < 10 * rows.nbytes


def test_resizing_keeps_the_shape_and_never_enlarges() -> None:
    image = np.zeros((300, 1000, 3), np.uint8)
    assert resize_to_fit(image, 500).shape == (150, 500, 3)
    assert resize_to_fit(image, 1000) is image
    assert resize_to_fit(np.zeros((1, 1000, 3), np.uint8), 100).shape == (1, 100, 3)


def test_images_come_in_the_order_in_which_people_read_names(tmp_path: Path) -> None:
    for name in ("10.png", "2.png", "B.png", "a.png", "x².png", "x2.png"):
        Image.new("RGB", (2, 2)).save(tmp_path / name)
    expected = ["2.png", "10.png", "a.png", "B.png", "x2.png", "x².png"]
    for source in (tmp_path, f"{tmp_path}/*.png"):
        assert [path.name for path in find_images([source])] == expected
