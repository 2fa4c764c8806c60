"""`tamis export` and `tamis import` at the command line."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tamis.annotation import open_project
from tamis.annotation.exchange import import_dataset
from tamis.formats.record import Dataset, ImageRecord
from tamis.mask import Masks

Tamis = Callable[..., tuple[int, str, str]]


@pytest.fixture
def photos(save: Callable[..., Path]) -> Path:
    """Two images, the first with a cat that a dog covers in part."""
    first = save("photos/a.png", np.zeros((20, 30, 3), np.uint8))
    save("photos/b.png", np.zeros((20, 30, 3), np.uint8))
    project = open_project(first.parent, labels=["cat", "dog"])
    project.look([row.id for row in project.rows()])
    masks = np.zeros((2, 20, 30), bool)
    masks[0, 2:12, 2:12] = masks[1, 2:7, 2:12] = True
    record = ImageRecord("a.png", Masks.from_dense(masks), ("cat", "dog"))
    import_dataset(project, Dataset(("cat", "dog"), (record,)), "anna")
    project.close()
    return first.parent


def test_export_says_what_is_lost(tamis: Tamis, photos: Path, tmp_path: Path) -> None:
    code, out, _ = tamis("export", photos, "--format", "coco", "--out", tmp_path / "coco")
    assert (code, "2 masks on 1 images written" in out, "nothing is lost" in out) == (0, True, True)
    code, out, _ = tamis("export", photos, "--format", "voc", "--out", tmp_path / "voc")
    assert code == 0
    assert "1 of 2 masks cannot be kept exactly (masks that overlap): mean IoU 0.7500, worst 0.5000" in out
    report = json.loads(tamis("export", photos, "--format", "yolo", "--out", tmp_path / "yolo", "--json")[1])
    assert (report["masks"], report["images"], report["worst_iou"]) == (2, 1, 1.0)


def test_a_split_with_the_images(tamis: Tamis, photos: Path, tmp_path: Path) -> None:
    options = ("--format", "yolo", "--out", tmp_path / "yolo", "--states", "all", "--split", "1,1", "--images", "copy")
    code, out, _ = tamis("export", photos, *options)
    assert (code, "1 images in train, 1 images in val" in out) == (0, True)
    assert len(list((tmp_path / "yolo" / "images").rglob("*.png"))) == 2
    code, _, err = tamis("export", photos, *options[:2], "--out", tmp_path / "x", "--split", "much")
    assert (code, err) == (
        2,
        "tamis: --split much: give shares of train, val and, if wanted, test, such as 0.8,0.1,0.1\n",
    )


def test_an_export_of_nothing_is_said_and_exits_with_1(tamis: Tamis, photos: Path, tmp_path: Path) -> None:
    code, out, err = tamis("export", photos, "--format", "coco", "--out", tmp_path / "x", "--states", "done")
    assert (code, out) == (1, "")
    assert "there is nothing to export: no image in the states done has a mask" in err
    assert not (tmp_path / "x").exists()


def test_import_after_export(tamis: Tamis, photos: Path, tmp_path: Path) -> None:
    tamis("export", photos, "--format", "cvat", "--out", tmp_path / "cvat")
    code, _, err = tamis("import", photos, tmp_path / "cvat", "--format", "cvat")
    assert code == 2
    assert "2 masks on 1 image, such as a.png, would lie on masks that are there already" in err
    code, out, _ = tamis("import", photos, tmp_path / "cvat", "--format", "cvat", "--overlap", "skip")
    assert (code, out) == (0, f"0 masks on 0 images added to {photos}\n2 masks were there already, and were left out\n")
    fresh = tmp_path / "fresh.sqlite"
    code, _, err = tamis("import", photos, tmp_path / "cvat", "--format", "cvat", "--db", fresh)
    assert (code, "no label 'cat', 'dog'; make them with --add-labels" in err) == (2, True)
    arguments = ("import", photos, tmp_path / "cvat", "--format", "cvat", "--db", fresh, "--add-labels", "--json")
    report = json.loads(tamis(*arguments)[1])
    assert report == {"images": 1, "masks": 2, "skipped": 0, "new_labels": ["cat", "dog"], "unknown_images": []}


def test_images_that_are_not_there_are_named(tamis: Tamis, photos: Path, tmp_path: Path) -> None:
    tamis("export", photos, "--format", "masks", "--out", tmp_path / "masks")
    index = tmp_path / "masks" / "masks.json"
    content = json.loads(index.read_text())
    content["images"].append({"file_name": "zebra.png", "width": 5, "height": 5, "masks": []})
    index.write_text(json.dumps(content))
    code, _, err = tamis("import", photos, tmp_path / "masks", "--format", "masks", "--overlap", "add")
    assert code == 1
    assert f"1 images are not in {photos}, such as zebra.png" in err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["export", "{}", "--format", "coko", "--out", "o"], "did you mean 'coco'?"),
        (["export", "{}", "--out", "o"], "--format"),
        (["export", "{}", "--format", "coco", "--out", "{}"], "is not empty; choose a new folder"),
        (["export", "{}/nowhere", "--format", "coco", "--out", "o"], "no such folder"),
        (
            ["export", "{}", "--format", "coco", "--out", "o", "--states", "good"],
            "--states good: there is no such state",
        ),
        (["export", "{}", "--format", "coco", "--out", "o", "--tolerance", "-1"], "--tolerance"),
        (["export", "{}", "--format", "coco", "--out", "o", "--db", "nowhere.sqlite"], "there is no project yet"),
        (["import", "{}", "nowhere.json", "--format", "coco"], "no such file or folder"),
        (["import", "{}", "{}/a.png", "--format", "coco"], "is no COCO JSON"),
        (["import", "{}", "{}", "--format", "voc"], "is this Pascal VOC?"),
        (["import", "{}", "{}", "--format", "coco", "--overlap", "maybe"], "--overlap"),
        (["annotate", "{}/nowhere"], "no such folder"),
        (["annotate", "{}", "--segmentor", "embeded"], "did you mean 'embedded'?"),
        (["annotate", "{}", "--host", "no.such.host.invalid"], "--host no.such.host.invalid"),
        (["annotate", "{}", "--db", "mysql://x"], "--db takes a file or postgresql://"),
        (["annotate", "{}", "--port", "70000"], "--port"),
    ],
)
def test_bad_input_gets_one_sentence(
    tamis: Tamis, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = tamis(*(argument.replace("{}", str(photos)) for argument in arguments))
    assert code == 2
    assert sentence in err
    assert err.count("\n") == 1


def coco_file(path: Path, *names: str) -> Path:
    """A square on each image."""
    images = [{"id": number, "file_name": name, "width": 30, "height": 20} for number, name in enumerate(names)]
    square = [[2, 2, 10, 2, 10, 10, 2, 10]]
    annotations = [{"id": n, "image_id": n, "category_id": 1, "segmentation": square} for n in range(len(names))]
    content = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "cat"}]}
    path.write_text(json.dumps(content))
    return path


def test_an_image_behind_a_link_is_told(tamis: Tamis, photos: Path, tmp_path: Path, save: Callable[..., Path]) -> None:
    (photos / "link.png").symlink_to(save("elsewhere/c.png", np.zeros((20, 30, 3), np.uint8)))
    file = coco_file(tmp_path / "in.json", "b.png", "link.png")
    code, out, _ = tamis("import", photos, file, "--format", "coco")
    assert code == 1
    assert out.startswith("1 mask on 1 images added")
    assert "1 image cannot be read, and got no mask: link.png (leads out of the project's folder" in out
    code, _, err = tamis("import", photos, coco_file(tmp_path / "in.json", "link.png"), "--format", "coco")
    assert code == 2
    assert "there is nothing to import: 1 image cannot be read" in err


def test_what_is_found_by_name_or_not_at_all_is_told(tamis: Tamis, photos: Path, tmp_path: Path) -> None:
    file = coco_file(tmp_path / "in.json", "old/b.png", "zebra.png")
    code, out, err = tamis("import", photos, file, "--format", "coco")
    assert code == 1
    assert "1 image found by file name alone: b.png for old/b.png" in out
    assert "1 images are not in" in err
    report = json.loads(tamis("import", photos, file, "--format", "coco", "--overlap", "add", "--json")[1])
    assert report["told"] == ["1 image found by file name alone: b.png for old/b.png"]


def test_the_usual_export_says_what_it_leaves_out(tamis: Tamis, photos: Path, tmp_path: Path) -> None:
    code, out, _ = tamis("export", photos, "--format", "yolo", "--out", tmp_path / "yolo")
    assert code == 0
    assert "left out 1 image: 1 todo (nobody has opened them); --states all takes them" in out
    assert sorted(path.name for path in (tmp_path / "yolo" / "labels").iterdir()) == ["a.txt"]
    tamis("export", photos, "--format", "yolo", "--out", tmp_path / "all", "--states", "all")
    assert sorted(path.name for path in (tmp_path / "all" / "labels").iterdir()) == ["a.txt", "b.txt"]


def test_an_export_is_whole_or_not_there(
    tamis: Tamis, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    out = tmp_path / "exports" / "coco"
    out.mkdir(parents=True)
    monkeypatch.setattr("tamis.formats.registry.loss_between", full)
    code, _, err = tamis("export", photos, "--format", "voc", "--out", out)
    assert (code, "the disk is full" in err) == (2, True)
    assert list(out.parent.iterdir()) in ([], [out])
    monkeypatch.undo()
    assert tamis("export", photos, "--format", "voc", "--out", out)[0] == 0
    assert [path.name for path in out.parent.iterdir()] == ["coco"]


def test_a_name_that_is_no_text_is_a_sentence(tamis: Tamis, photos: Path, tmp_path: Path) -> None:
    file = coco_file(tmp_path / "in.json", "b.png")
    code, _, err = tamis("import", photos, file, "--format", "coco", "--user", "\udcff")
    assert (code, "is no text that can be kept" in err, err.count("\n")) == (2, True, 1)
