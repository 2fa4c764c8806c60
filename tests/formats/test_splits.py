"""Splits, the images themselves, attributes and tags in exports."""

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import yaml
from PIL import Image

from tamis.errors import InputError
from tamis.formats.record import Dataset, ImageRecord
from tamis.formats.registry import FORMATS, dropped, export, loaded
from tamis.formats.splits import shares_in, with_split
from tamis.mask import Masks


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """Ten images, the first lying on its side by its EXIF, one a TIFF; a mask on each."""
    folder = tmp_path / "photos"
    (folder / "cam").mkdir(parents=True)
    images = []
    for number in range(10):
        name = f"cam/{number}.{'tiff' if number == 9 else 'jpg'}"
        picture = Image.fromarray(np.full((6, 8, 3), 20 * number, np.uint8))
        exif = Image.Exif()
        exif[0x0112] = 6 if number == 0 else 1
        turned = picture.rotate(90, expand=True) if number == 0 else picture
        turned.save(folder / name, exif=exif)
        mask = np.zeros((1, 6, 8), bool)
        mask[0, 1:4, 2:5] = True
        attributes = ({"fur": "long", "legs": 4, "asleep": True},) if number == 1 else ()
        images.append(
            ImageRecord(name, Masks.from_dense(mask), ("cat",), attributes=attributes, tags=("night",) * (number == 1))
        )
    kinds = {"cat": {"fur": ["short", "long"], "legs": "number", "asleep": "yes/no"}}
    return Dataset(("cat",), tuple(images), folder, kinds=kinds)


def test_a_split_is_by_names_and_seed_alone_and_keeps_to_its_shares(dataset: Dataset) -> None:
    made = with_split(dataset, shares_in("0.7,0.2,0.1"), 3)
    assert [len(made.part(split).images) for split in ("train", "val", "test")] == [7, 2, 1]
    turned = replace(dataset, images=dataset.images[::-1])
    again = {image.name: image.split for image in with_split(turned, shares_in("70,20,10"), 3).images}
    assert again == {image.name: image.split for image in made.images}
    other = {image.name: image.split for image in with_split(dataset, shares_in("70,20,10"), 4).images}
    assert other != again


@pytest.mark.parametrize("text", ["1", "a,b", "0.5,-0.5", "0,0", "1,1,1,1", "nan,1"])
def test_shares_that_are_none(text: str) -> None:
    with pytest.raises(InputError, match="--split"):
        shares_in(text)


def test_a_trainer_of_yolo_finds_images_and_labels(dataset: Dataset, tmp_path: Path) -> None:
    out = tmp_path / "yolo"
    split = replace(with_split(dataset, shares_in("0.8,0.2"), 0), pixels="copy")
    assert export(split, "yolo", out).worst == 1.0  # read back through the folders of the split
    data = yaml.safe_load((out / "data.yaml").read_text())
    assert "path" not in data
    assert data == {"train": "images/train", "val": "images/val", "names": {0: "cat"}}
    for part, count in (("train", 8), ("val", 2)):
        images = sorted((out / data[part]).rglob("*.*"))
        assert len(images) == count
        for image in images:  # as Ultralytics finds labels: /images/ becomes /labels/, the suffix .txt
            label = Path(str(image).replace("/images/", "/labels/")).with_suffix(".txt")
            assert label.is_file()
            with Image.open(image) as opened:
                assert opened.size == (8, 6)  # upright, as the masks are
                assert opened.getexif().get(0x0112, 1) == 1


def test_links_lead_to_the_images_and_a_validation_set_is_always_named(dataset: Dataset, tmp_path: Path) -> None:
    out = tmp_path / "yolo"
    export(replace(dataset, pixels="link"), "yolo", out)
    assert yaml.safe_load((out / "data.yaml").read_text())["val"] == "images"
    assert (out / "images" / "cam" / "1.jpg").is_symlink()
    assert not (out / "images" / "cam" / "0.png").is_symlink()  # it had to be turned


def test_voc_lists_the_parts_of_a_split(dataset: Dataset, tmp_path: Path) -> None:
    out = tmp_path / "voc"
    export(replace(with_split(dataset, shares_in("6,2,2"), 0), pixels="copy"), "voc", out)
    lists = {file.stem: file.read_text().split() for file in (out / "ImageSets" / "Segmentation").iterdir()}
    assert {name: len(names) for name, names in lists.items()} == {
        "default": 10,
        "train": 6,
        "val": 2,
        "test": 2,
        "trainval": 8,
    }
    assert all((out / "JPEGImages" / f"{name}.jpg").is_file() for name in lists["default"])


def test_other_formats_get_a_folder_for_each_part(dataset: Dataset, tmp_path: Path) -> None:
    out = tmp_path / "coco"
    export(replace(with_split(dataset, shares_in("8,2"), 0), pixels="copy"), "coco", out)
    assert sorted(each.name for each in out.iterdir()) == ["train", "val"]
    assert len(list((out / "val" / "images").rglob("*.*"))) == 2


@pytest.mark.parametrize("name", [form.name for form in FORMATS if form.attributes])
def test_attributes_and_tags_come_back(dataset: Dataset, tmp_path: Path, name: str) -> None:
    assert dropped(dataset, name) == ""
    export(dataset, name, tmp_path / "out")
    again = loaded(tmp_path / "out", name, {image.name: image.shape for image in dataset.images})
    assert (again.left_out, again.problems) == ({}, [])
    found = {image.name: image for image in again.dataset.images}
    assert found["cam/1.jpg"].attributes == ({"fur": "long", "legs": 4, "asleep": True},)
    assert found["cam/1.jpg"].tags == ("night",)
    assert found["cam/2.jpg"].attributes == ()


def test_cvat_is_told_what_attributes_there_are(dataset: Dataset, tmp_path: Path) -> None:
    export(dataset, "cvat", tmp_path)
    root = ElementTree.parse(tmp_path / "annotations.xml").getroot()
    told = {each.findtext("name"): each.findtext("input_type") for each in root.iterfind("meta//attribute")}
    assert told == {"fur": "select", "legs": "number", "asleep": "checkbox"}


def test_a_format_without_a_place_for_them_says_so(dataset: Dataset) -> None:
    assert dropped(dataset, "yolo") == (
        "yolo has no place for attributes of 1 masks and tags of 1 images; "
        "coco, coco-polygons, labelstudio, cvat, cvat-polygons, datumaro keep them"
    )
