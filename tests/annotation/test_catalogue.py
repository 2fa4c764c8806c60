"""The list of images follows the folder, and masks follow the bytes that they were made on."""

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tamis.annotation import Project, open_project
from tamis.annotation.catalogue import ImageRow, accept_change, examine, inside, left_out
from tamis.annotation.pixels import shown
from tamis.annotation.problems import RequestError
from tamis.decoding.opening import Header
from tamis.errors import InputError
from tamis.image import read_header


def rows(project: Project) -> dict[str, ImageRow]:
    project.refresh()
    project.look([row.id for row in project.rows()])
    return {row.name: row for row in project.rows()}


def test_reading_order_sizes_and_hidden_files(folder: Path, save_picture: Callable[..., None]) -> None:
    for name in ("10.png", "2.png", ".hidden.png", ".cache/d.png", "notes.txt"):
        if name.endswith("png"):
            save_picture(folder / name, 1)
        else:
            (folder / name).write_text("no image")
    project = open_project(folder)
    found = rows(project)
    assert list(found) == ["2.png", "10.png", "a.png", "b.png", "sub/c.jpg"]
    assert found["2.png"].shape == (6, 8)
    assert (folder / ".tamis" / "project.sqlite").is_file()
    project.close()


def test_a_turned_photograph_has_its_upright_size(folder: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (20, 10)).save(folder / "turned.jpg", exif=exif)
    assert examine(folder / "turned.jpg").shape == (20, 10)


def test_unreadable_images_stay_in_the_list_with_a_sentence(folder: Path) -> None:
    (folder / "empty.png").touch()
    (folder / "text.jpg").write_text("this is no image")
    Image.new("L", (300, 200)).save(folder / "large.png")
    project = open_project(folder, max_pixels=50_000)
    found = rows(project)
    assert found["empty.png"].problem == "the file is empty; copy or download it again"
    assert "not an image" in str(found["text.jpg"].problem)
    assert "over the limit of 0.05; raise it with --max-pixels" in str(found["large.png"].problem)
    assert all(found[name].shape is None for name in ("empty.png", "text.jpg", "large.png"))
    project.close()


def test_a_name_that_is_no_text_is_listed_with_a_sentence(folder: Path, save_picture: Callable[..., None]) -> None:
    try:
        (folder / "a.png").rename(folder / "caf\udce9.png")
    except (OSError, UnicodeError):
        pytest.skip("this disk takes no name that is not text")
    project = open_project(folder)
    found = rows(project)
    assert found["caf\\udce9.png"].problem == "its name is no text; rename it"
    assert found["b.png"].problem is None
    project.close()


def test_a_changed_file_is_flagged_and_keeps_its_masks(
    project: Project, annotator: Callable[..., Any], save_picture: Callable[..., None]
) -> None:
    anna = annotator(0)
    anna.do("mask.set", anna.mask("m"))
    before = rows(project)["a.png"]
    save_picture(project.folder / "a.png", 77)
    changed = rows(project)["a.png"]
    assert changed.changed
    assert changed.problem is None
    assert (changed.sha256, changed.masks) == (before.sha256, 1)
    anna.do("mask.set", anna.mask("n"))
    accepted = accept_change(project.database, anna.image_id)
    assert not accepted.changed
    assert accepted.sha256 == changed.found_sha256
    with pytest.raises(RequestError, match="has not changed"):
        accept_change(project.database, anna.image_id)


def test_a_file_of_another_size_cannot_take_over_masks(
    project: Project, annotator: Callable[..., Any], save_picture: Callable[..., None]
) -> None:
    anna = annotator(0)
    anna.do("mask.set", anna.mask("m"))
    save_picture(project.folder / "a.png", 77, (5, 5))
    changed = rows(project)["a.png"]
    assert changed.shape == (6, 8)
    assert changed.problem == "the file is now 5x5, but its masks are of 8x6; put the old file back"
    with pytest.raises(RequestError, match="put the old file back"):
        accept_change(project.database, anna.image_id)
    save_picture(project.folder / "a.png", 0)
    restored = rows(project)["a.png"]
    assert not restored.changed
    assert restored.problem is None


def test_a_changed_file_without_work_on_it_is_simply_another(
    project: Project, save_picture: Callable[..., None]
) -> None:
    save_picture(project.folder / "a.png", 77, (5, 7))
    row = rows(project)["a.png"]
    assert not row.changed
    assert row.shape == (5, 7)


def test_deleted_images_stay_and_come_back(project: Project, annotator: Callable[..., Any]) -> None:
    anna = annotator(0)
    anna.do("mask.set", anna.mask("m"))
    kept = (project.folder / "a.png").read_bytes()
    (project.folder / "a.png").unlink()
    assert rows(project)["a.png"].problem == "the file is gone; put it back to work on it"
    assert rows(project)["a.png"].masks == 1
    (project.folder / "a.png").write_bytes(kept)
    assert rows(project)["a.png"].problem is None


def test_a_file_that_disappears_between_two_looks_at_the_folder(project: Project) -> None:
    row = project.rows()[0]
    (project.folder / row.name).unlink()
    assert project.look([row.id])[0].missing


def test_renamed_images_keep_their_masks(project: Project, annotator: Callable[..., Any]) -> None:
    anna = annotator(0)
    anna.do("mask.set", anna.mask("m"))
    (project.folder / "a.png").rename(project.folder / "sub" / "new name.png")
    (project.folder / "b.png").rename(project.folder / "untouched.png")
    found = rows(project)
    assert "a.png" not in found
    assert (found["sub/new name.png"].id, found["sub/new name.png"].masks) == (anna.image_id, 1)
    assert found["b.png"].missing
    assert found["untouched.png"].masks == 0


def test_nothing_outside_of_the_folder_is_read(folder: Path, save_picture: Callable[..., None]) -> None:
    save_picture(folder.parent / "secret.png", 3)
    os.symlink(folder.parent / "secret.png", folder / "link.png")
    os.symlink(folder / "a.png", folder / "fine.png")
    (folder.parent / "photos-beside").mkdir()
    for name in ("../secret.png", "/etc/passwd", "link.png", "sub/../../secret.png", "..", "../photos-beside/x.png"):
        with pytest.raises(InputError, match="leads out of the project's folder"):
            inside(folder, name)
    assert inside(folder, "fine.png") == (folder / "a.png").resolve()
    project = open_project(folder)
    found = rows(project)
    assert found["link.png"].problem == "leads out of the project's folder, and is not read"
    assert found["link.png"].sha256 is None
    assert found["fine.png"].problem is None
    project.close()


def test_links_to_folders_are_not_followed(folder: Path, save_picture: Callable[..., None]) -> None:
    save_picture(folder.parent / "elsewhere" / "x.png", 3)
    os.symlink(folder.parent / "elsewhere", folder / "way out")
    os.symlink(folder, folder / "circle")
    project = open_project(folder)
    assert [row.name for row in project.rows()] == ["a.png", "b.png", "sub/c.jpg"]
    project.close()


@pytest.mark.parametrize(("name", "sentence"), [("nowhere", "no such folder"), ("photos/a.png", "is a file")])
def test_no_folder(folder: Path, name: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        open_project(folder.parent / name)


def test_a_folder_without_images(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no images in this folder"):
        open_project(tmp_path)


def test_pixels_are_the_file_itself_only_where_browsers_agree(folder: Path) -> None:
    import io

    from tamis.annotation.pixels import shown, thumbnail
    from tamis.image import read_image

    pixels = np.random.default_rng(0).integers(0, 256, (30, 50, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels).save(folder / "plain.jpg")
    Image.fromarray(pixels).save(folder / "turned.jpg", exif=exif, quality=95)
    Image.fromarray(pixels).convert("CMYK").save(folder / "cmyk.jpg")
    Image.fromarray(pixels).convert("RGBA").save(folder / "clear.png")
    Image.fromarray(pixels[..., 0].astype(np.uint16) * 200).save(folder / "deep.png")
    Image.fromarray(pixels).save(folder / "scan.tif")
    Image.fromarray(pixels).save(folder / "web.webp", lossless=True)
    for name in ("plain.jpg", "web.webp", "a.png"):
        assert shown(folder / name)[0] == (folder / name).read_bytes()
    for name, kind in (("clear.png", "png"), ("deep.png", "png"), ("scan.tif", "png"), ("turned.jpg", "jpeg")):
        content, media_type = shown(folder / name)
        assert media_type == f"image/{kind}"
        with Image.open(io.BytesIO(content)) as picture:
            assert 0x0112 not in picture.getexif()
            seen = np.asarray(picture.convert("RGB"))
        wanted = read_image(folder / name)
        assert seen.shape == wanted.shape
        if kind == "png":
            assert np.array_equal(seen, wanted)
        else:
            assert np.abs(seen.astype(int) - wanted).mean() < 8
        with Image.open(io.BytesIO(thumbnail(folder / name))) as small:
            assert small.size == wanted.shape[1::-1]
    Image.fromarray(np.zeros((400, 800, 3), np.uint8)).save(folder / "wide.jpg", exif=exif)
    with Image.open(io.BytesIO(thumbnail(folder / "wide.jpg"))) as small:
        assert small.size == (80, 160)


def test_an_image_that_breaks_the_reader_is_its_own_problem(
    project: Project, monkeypatch: pytest.MonkeyPatch, save_picture: Callable[..., None]
) -> None:
    save_picture(project.folder / "a.png", 9)

    def reading(path: Path) -> Header:
        if path.name == "a.png":
            raise ZeroDivisionError("division by zero")
        return read_header(path)

    monkeypatch.setattr("tamis.annotation.catalogue.read_header", reading)
    first, *others = project.look([row.id for row in project.rows()])
    assert first.problem == "cannot be read (ZeroDivisionError: division by zero)"
    assert all(row.problem is None for row in others)


def test_a_side_longer_than_browsers_draw_is_shown_smaller(folder: Path) -> None:
    Image.new("L", (40, 70_000), 200).save(folder / "tall.png")
    content, _ = shown(folder / "tall.png")
    with Image.open(io.BytesIO(content)) as picture:
        assert max(picture.size) == 32_767
    assert examine(folder / "tall.png").shape == (70_000, 40)


def test_files_that_are_no_images_are_counted(folder: Path) -> None:
    assert left_out(folder) == ""
    for name in ("notes.txt", "sub/more.txt", "sub/a.psd", ".hidden/a.txt", "sub/.b.txt"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    assert left_out(folder) == "left out 3 files that by name are no image: 2 .txt (notes.txt), 1 .psd (a.psd)"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_a_pipe_is_no_image_and_nobody_waits_for_it(folder: Path) -> None:
    os.mkfifo(folder / "pipe.png")
    project = open_project(folder)
    found = rows(project)
    assert found["pipe.png"].problem == "is a pipe or a device, not an image"
    assert found["a.png"].problem is None
    (folder / "a.png").rename(folder / "other.png")  # which looks for it under all other names
    assert "other.png" in rows(project)
    project.close()
    with pytest.raises(InputError, match=r"pipe\.png: is a pipe or a device"):
        read_header(folder / "pipe.png")
