"""A mask lands on its own image or on none."""

import json
import unicodedata
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from tamis.errors import InputError
from tamis.formats.names import Names, without_suffix
from tamis.formats.record import Dataset, ImageRecord
from tamis.formats.registry import export, loaded
from tamis.mask import Masks

SIZE = (30, 40)


def found(images: list[str], said: list[str]) -> dict[str, str | None]:
    """What each name means, for formats that name images."""
    names = Names.of_images(dict.fromkeys(images, SIZE), said)
    return {name: names.find(name) for name in said}


@pytest.mark.parametrize(
    ("images", "said"),
    [
        (["cam2/0001.jpg"], {"cam1/0001.jpg": None, "cam2/0001.jpg": "cam2/0001.jpg"}),
        (["cam2/0001.jpg"], {"cam1/0001.jpg": None, "cam3/0001.jpg": None}),
        (["cam1/1.jpg", "cam2/1.jpg"], {"1.jpg": None}),
        (["cam1/1.jpg", "cam2/1.jpg"], {"cam1/1.jpg": "cam1/1.jpg", "1.jpg": None}),
        (["a.jpg"], {"a.jpg": "a.jpg", "a.png": None}),
        (["a.jpg"], {"a.png": "a.jpg"}),
        (["a.jpg", "sub/a.png"], {"a.gif": "a.jpg"}),
        (["a.jpg", "sub/a.png"], {"a.png": None}),
        (["x/a.jpg", "y/a.jpg"], {"x/a.png": "x/a.jpg", "y/a.png": "y/a.jpg"}),
        (["x/a.jpg", "y/a.jpg"], {"z/a.png": None}),
        (["a.jpg", "a?1.jpg"], {"a.jpg": "a.jpg", "a?1.jpg": "a?1.jpg"}),
        (["a.jpg", "b\\a.jpg"], {"b\\a.jpg": "b\\a.jpg", "a.jpg": "a.jpg"}),
        (["x/a.jpg"], {"x\\a.jpg": "x/a.jpg"}),
        (["x/a.jpg"], {"x\\a.jpg": None, "x/a.jpg": "x/a.jpg"}),
        (["a:b.jpg"], {"a:b.jpg": "a:b.jpg"}),
        (["x/a.jpg"], {"C:\\photos\\a.jpg": "x/a.jpg"}),
        (["a b.jpg"], {"https://host/photos/a%20b.jpg?token=1": "a b.jpg"}),
        (["1.jpg", "sub/1.jpg"], {"1": "1.jpg", "sub/1": "sub/1.jpg"}),
        (["a.v1.jpg", "a.v2.jpg"], {"a.v1": "a.v1.jpg", "a.v2": "a.v2.jpg"}),
        (["a.jpg"], {"a.v1": None}),
        (["./a.jpg"[2:]], {"./a.jpg": "a.jpg"}),
        ([unicodedata.normalize("NFD", "Müller.jpg")], {"Müller.jpg": unicodedata.normalize("NFD", "Müller.jpg")}),
        (["Müller.jpg"], {unicodedata.normalize("NFD", "Müller.jpg"): "Müller.jpg"}),
        ([".jpg"], {".jpg": ".jpg"}),
    ],
)
def test_each_name_means_one_image_or_none(images: list[str], said: dict[str, str | None]) -> None:
    assert found(images, list(said)) == said
    assert found(images[::-1], list(said)[::-1]) == said


def test_every_find_by_file_name_is_told() -> None:
    names = Names.of_images(dict.fromkeys(["x/a.jpg", "b.jpg"], SIZE), ["a.jpg", "b.jpg", "zebra.jpg"])
    assert [names.find(name) for name in ("a.jpg", "b.jpg", "zebra.jpg", "zebra.jpg")] == [
        "x/a.jpg",
        "b.jpg",
        None,
        None,
    ]
    assert names.by_name == {"a.jpg": "x/a.jpg"}
    assert names.unknown == ["zebra.jpg"]


def test_files_are_called_like_images_without_their_suffix() -> None:
    images = dict.fromkeys(["1.jpg", "sub/1.jpg", "img.v1.2.png", "images/train/c.jpg", "d.png"], SIZE)
    said = ["1", "sub/1", "img.v1.2", "train/c", "d.png"]
    names = Names.of_files(images, said)
    assert [names.find(name) for name in said] == list(images)
    assert names.by_name == {}
    assert Names.of_files({"other/a.jpg": SIZE}, ["a"]).find("a") == "other/a.jpg"


def test_an_image_of_another_size_and_one_that_cannot_be_read() -> None:
    images = {"a.jpg": None, "sub/a.jpg": SIZE, "y/b.png": (3, 4), "y/c.png": (3, 4)}
    names = Names.of_images(images, ["a.jpg", "b.png", "y/c.png"])
    assert names.find("a.jpg") is None
    assert (names.unreadable, names.unknown) == (["a.jpg"], [])
    with pytest.raises(InputError, match=r"is 9x9 in the file, but y/c\.png has 4x3 pixels"):
        names.find("y/c.png", (9, 9))
    assert names.find("b.png", (9, 9)) is None  # called like it, but another image
    assert (names.by_name, names.unknown) == ({}, ["b.png"])


def test_only_suffixes_of_images_are_suffixes() -> None:
    assert [without_suffix(name) for name in ("a.JPG", "a.v1", "x.y/a", ".png")] == ["a", "a.v1", "x.y/a", ".png"]


def test_labelme_files_of_two_folders_with_the_same_image_name(tmp_path: Path) -> None:
    for folder in ("cam1", "cam2"):
        (tmp_path / folder).mkdir()
        shape = {"label": folder, "points": [[2, 2], [10, 2], [10, 10]], "shape_type": "polygon"}
        content = {"imagePath": "1.jpg", "imageHeight": 30, "imageWidth": 40, "shapes": [shape]}
        (tmp_path / folder / "1.json").write_text(json.dumps(content))
    both = loaded(tmp_path, "labelme", {"cam1/1.jpg": SIZE, "cam2/1.jpg": SIZE})
    assert {image.name: image.labels for image in both.dataset.images} == {
        "cam1/1.jpg": ("cam1",),
        "cam2/1.jpg": ("cam2",),
    }
    elsewhere = loaded(tmp_path, "labelme", {"photos/1.jpg": SIZE})
    assert elsewhere.dataset.images == ()
    assert elsewhere.unknown == ["cam1/1.jpg", "cam2/1.jpg"]


def coco(images: list[dict[str, object]], *of: int) -> dict[str, object]:
    """A file with a square on each image of `of`."""
    square = [[2, 2, 10, 2, 10, 10, 2, 10]]
    annotations = [{"id": i, "image_id": image, "category_id": 1, "segmentation": square} for i, image in enumerate(of)]
    return {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "x"}]}


def test_images_of_a_file_with_the_same_id_or_the_same_name_get_no_mask(tmp_path: Path) -> None:
    def read(content: dict[str, object]) -> tuple[list[str], list[str]]:
        (tmp_path / "in.json").write_text(json.dumps(content))
        both = loaded(tmp_path / "in.json", "coco", {"a.jpg": SIZE, "a.png": SIZE})
        return [image.name for image in both.dataset.images], both.problems

    jpg, png = {"id": 1, "file_name": "a.jpg"}, {"id": 1, "file_name": "a.png"}
    assert read(coco([jpg, png], 1)) == ([], ["a.jpg and a.png have the same id 1, and get no mask"])
    twice = [jpg, {"id": 2, "file_name": "a.jpg"}]
    assert read(coco(twice, 1, 2)) == ([], ["2 images of the file are called a.jpg: rename them, or import them apart"])
    assert read(coco(twice, 2)) == (["a.jpg"], [])  # nothing is drawn on the other


def test_images_of_two_tasks_of_cvat_with_the_same_name_get_no_mask(tmp_path: Path) -> None:
    shape = '<polygon label="x" points="2,2;10,2;10,10"/>'
    task = '<image id="{0}" task_id="{0}" name="frame_0.png" width="40" height="30">{1}</image>'
    content = f"<annotations>{task.format(0, shape)}{task.format(1, shape)}</annotations>"
    (tmp_path / "annotations.xml").write_text(content)
    both = loaded(tmp_path, "cvat", {"frame_0.png": SIZE})
    assert (both.dataset.images, len(both.problems)) == ((), 1)


def label_studio(path: Path, data: Mapping[str, object], *results: Mapping[str, object]) -> dict[str, tuple[str, ...]]:
    """The labels on each image of a task."""
    value = {"points": [[10, 10], [30, 10], [30, 40]]}
    sides = {"type": "polygonlabels", "original_width": 40, "original_height": 30}
    drawn = [{**sides, "id": i, "value": {**value, "polygonlabels": [f"{i}"]}, **r} for i, r in enumerate(results)]
    (path / "t.json").write_text(json.dumps([{"data": data, "annotations": [{"result": drawn}]}]))
    found = loaded(path, "labelstudio", {"a.jpg": SIZE, "b.jpg": SIZE})
    return {image.name: image.labels for image in found.dataset.images}


def test_results_of_a_task_with_several_images_are_each_of_their_own(tmp_path: Path) -> None:
    both = {"a.jpg": ("0",), "b.jpg": ("1",)}
    pages = {"pages": ["a.jpg", "b.jpg"]}
    assert label_studio(tmp_path, pages, {"to_name": "image"}, {"to_name": "image", "item_index": 1}) == both
    assert label_studio(tmp_path, {"l": "a.jpg", "r": "b.jpg"}, {"to_name": "l"}, {"to_name": "r"}) == both
    assert label_studio(tmp_path, pages, {"item_index": 7}) == {}
    assert label_studio(tmp_path, {"title": "b", "photo": "a.jpg"}, {"to_name": "image"}) == {"a.jpg": ("0",)}
    assert label_studio(tmp_path, {"one": "a.jpg", "other": "b.jpg"}, {"to_name": "image"}) == {}
    interface = '<View><Image name="image" value="$other"/><Label value="unused"/></View>'
    (tmp_path / "labels.xml").write_text(interface)
    assert label_studio(tmp_path, {"one": "a.jpg", "other": "b.jpg"}, {"to_name": "image"}) == {"b.jpg": ("0",)}


@pytest.mark.parametrize("address", ["/data/upload/1/{}-a.jpg", "s3://{}/a.jpg", "https://{}/a.jpg"])
def test_addresses_that_come_to_the_same_name_mean_no_image(tmp_path: Path, address: str) -> None:
    value = {"points": [[10, 10], [30, 10], [30, 40]], "polygonlabels": ["x"]}
    results = [{"type": "polygonlabels", "original_width": 40, "original_height": 30, "value": value}]
    addresses = [address.format(part) for part in ("0a1b2c3d", "4e5f6a7b")]
    tasks = [{"data": {"image": each}, "annotations": [{"result": results}]} for each in addresses]
    (tmp_path / "t.json").write_text(json.dumps(tasks))
    found = loaded(tmp_path, "labelstudio", {"a.jpg": SIZE})
    assert (found.dataset.images, found.unknown) == ((), addresses)
    (tmp_path / "t.json").write_text(json.dumps(tasks[:1]))
    assert [image.name for image in loaded(tmp_path, "labelstudio", {"a.jpg": SIZE}).dataset.images] == ["a.jpg"]


@pytest.mark.parametrize(
    ("files", "images", "found"),
    [
        (["labels/train/a", "labels/val/a"], ["a"], []),
        (["labels/train/a", "labels/val/b"], ["a", "b"], ["a", "b"]),
        (["labels/train/a", "labels/val/a"], ["images/train/a", "images/val/a"], ["images/train/a", "images/val/a"]),
        (
            ["train/labels/a", "valid/labels/a"],
            ["train/images/a", "valid/images/a"],
            ["train/images/a", "valid/images/a"],
        ),
        (["labels/a", "labels/classes", "README.roboflow"], ["a"], ["a"]),
        (["labels/a", "labels/classes"], ["a", "classes"], ["a", "classes"]),
    ],
)
def test_files_of_yolo_in_splits(tmp_path: Path, files: list[str], images: list[str], found: list[str]) -> None:
    (tmp_path / "data.yaml").write_text("names: [x]")
    for split in ("train", "val"):
        (tmp_path / "images" / split).mkdir(parents=True)
    for file in files:
        (tmp_path / f"{file}.txt").parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / f"{file}.txt").write_text("0 0.1 0.1 0.3 0.1 0.3 0.4\n")
    read = loaded(tmp_path, "yolo", dict.fromkeys([f"{image}.jpg" for image in images], SIZE))
    assert sorted(image.name for image in read.dataset.images) == [f"{image}.jpg" for image in found]


def test_items_of_datumaro_have_ids_of_their_own(tmp_path: Path) -> None:
    names = ["a.jpg", "a.png", "a.jpg.tif"]  # the last is called a.jpg without its suffix
    masks = Masks.from_dense(np.ones((1, *SIZE), bool))
    export(Dataset(("x",), tuple(ImageRecord(name, masks, ("x",)) for name in names)), "datumaro", tmp_path)
    items = json.loads((tmp_path / "annotations" / "default.json").read_text())["items"]
    assert len({item["id"] for item in items}) == len(items)
