"""A mask lands on its own image or on none."""

import json
import unicodedata
from pathlib import Path

import pytest

from tamis.errors import InputError
from tamis.formats.names import Names, without_suffix
from tamis.formats.registry import loaded

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
