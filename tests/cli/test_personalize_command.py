import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tamis.annotation.exchange import import_dataset
from tamis.annotation.project import open_project
from tamis.formats.record import Dataset, ImageRecord
from tamis.mask import Masks
from tests.personal.scenes import scene

Tamis = Callable[..., tuple[int, str, str]]


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """A ball and its mask, and a folder with another picture of it and one of a box."""
    (tmp_path / "album").mkdir()
    image, mask = scene("ball", 0)
    Image.fromarray(image).save(tmp_path / "ball.png")
    Image.fromarray(mask.astype(np.uint8) * 255).save(tmp_path / "mask.png")
    Image.fromarray(scene("ball", 3, (120, 120, 140))[0]).save(tmp_path / "album" / "there.png")
    Image.fromarray(scene("box", 4)[0]).save(tmp_path / "album" / "not.png")
    return tmp_path


def test_it_finds_saves_skips_and_finds_again_by_what_it_saved(tamis: Tamis, album: Path) -> None:
    out = album / "out"
    arguments = ["--reference", album / "ball.png", "--mask", album / "mask.png", "--object", "ball"]
    code, said, err = tamis("personalize", album / "album", *arguments, "--out", out)
    assert (code, err) == (0, "")
    assert said.startswith("ball: in 1 of 2 images; highest presence: there.png ")
    with (out / "scores.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["image"], row["present"]) for row in rows] == [("there.png", "True"), ("not.png", "False")]
    with Image.open(out / "masks" / "ball" / "there.png") as file:
        found = np.asarray(file) > 0
    truth = scene("ball", 3)[1]
    assert (found & truth).sum() / (found | truth).sum() > 0.8
    assert not (out / "masks" / "ball" / "not.png").exists()
    for name in ("overlay/there.jpg", "overlay/not.jpg", "contact-sheet-ball.png", "index.html", "run.json"):
        assert (out / name).exists()
    page = (out / "index.html").read_text()
    assert page.index("there.jpg") < page.index("not there: presence below 0.5") < page.index("overlay/not.jpg")
    times = (out / "overlay" / "there.jpg").stat().st_mtime_ns
    assert tamis("personalize", album / "album", *arguments, "--out", out)[0] == 0
    assert (out / "overlay" / "there.jpg").stat().st_mtime_ns == times
    again = json.loads(
        tamis("personalize", album / "album", "--objects", out / "objects.npz", "--out", album / "b", "--json")[1]
    )
    assert [row["image"] for row in again] == ["there.png", "not.png"]
    code, _, err = tamis("personalize", album / "album", *arguments, "--threshold", 0.9, "--out", out)
    assert (code, "holds a run that differs in threshold" in err) == (2, True)


def test_another_models_regions_find_it_and_its_objects_are_not_ours(tamis: Tamis, album: Path) -> None:
    arguments = ["--reference", album / "ball.png", "--mask", album / "mask.png", "--model", "hierarchy", "--json"]
    code, said, err = tamis("personalize", album / "album", *arguments, "--out", album / "out")
    assert (code, err) == (0, "")
    assert [row["image"] for row in json.loads(said)] == ["there.png", "not.png"]
    saved = ["--objects", album / "out" / "objects.npz", "--out", album / "again"]
    code, _, err = tamis("personalize", album / "album", *saved)
    assert (code, "give the --model that it was made with" in err) == (2, True)
    assert tamis("personalize", album / "album", *saved, "--model", "hierarchy")[0] == 0


def test_the_masks_of_a_project_are_references(tamis: Tamis, album: Path) -> None:
    folder = album / "project"
    folder.mkdir()
    (album / "ball.png").rename(folder / "ball.png")
    for name in ("there.png", "not.png"):
        (album / "album" / name).rename(folder / name)
    with open_project(folder, labels=["ball", "nothing"]) as project:
        masks = Masks.from_dense([scene("ball", 0)[1]])
        import_dataset(project, Dataset(("ball",), (ImageRecord("ball.png", masks, ("ball",), True),), folder), "ann")
    code, said, err = tamis("personalize", folder, "--project", folder, "--out", album / "out")
    assert (code, err) == (0, "")
    assert said.startswith("ball: in 2 of 3 images")
    code, said, err = tamis("import", folder, album / "out", "--format", "masks", "--overlap", "skip")
    assert (code, err) == (0, ""), said
    with open_project(folder, create=False) as project:
        assert {image.name: image.labels for image in project.images()} == {
            "ball.png": ["ball"],
            "not.png": [],
            "there.png": ["ball"],
        }
    code, _, err = tamis("personalize", folder, "--project", folder, "--label", "cup", "--out", album / "c")
    assert (code, "has the labels ball, nothing" in err) == (2, True)
    code, _, err = tamis("personalize", folder, "--project", folder, "--label", "nothing", "--out", album / "c")
    assert (code, "no mask was drawn there yet" in err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "in one way: --reference with --mask, --project, or --objects"),
        (["--reference", "ball.png"], "1 --reference and 0 --mask were given: give a mask for each"),
        (["--reference", "ball.png", "--mask", "empty.png"], "its mask is empty; draw the object"),
        (["--reference", "ball.png", "--mask", "small.png"], "its mask is 50x40 but the image 192x192"),
        (["--reference", "ball.png", "--mask", "mask.png"] * 2, "is given 2 times with the same mask"),
        (["--reference", "ball.png", "--mask", "mask.png", "--object", "a/b"], "is no name for a folder"),
        (["--objects", "mask.png"], "holds no remembered objects"),
        (["--method", "sam2.1-tiny", "--reference", "ball.png", "--mask", "mask.png"], "tamis models pull sam2.1-tiny"),
    ],
)
def test_what_cannot_be_done_is_said(
    tamis: Tamis, album: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], sentence: str
) -> None:
    monkeypatch.chdir(album)
    monkeypatch.setenv("TAMIS_CACHE", str(album / "cache"))
    Image.new("L", (192, 192)).save("empty.png")
    Image.new("L", (50, 40), 255).save("small.png")
    code, _, err = tamis("personalize", "album", *arguments, "--out", "out")
    assert (code, sentence in err) == (2, True), err


def test_several_processes_find_the_same(tamis: Tamis, album: Path) -> None:
    arguments = ["--reference", album / "ball.png", "--mask", album / "mask.png"]
    found = []
    for workers in (1, 2):
        out = album / str(workers)
        assert tamis("personalize", album / "album", *arguments, "--workers", workers, "--out", out)[0] == 0
        found.append([(out / name).read_bytes() for name in ("scores.csv", "masks.json", "masks/object/there.png")])
    assert found[0] == found[1]
