"""Every format, there and back; and what each cannot keep."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tamis.arrays import MaskArray
from tamis.errors import InputError
from tamis.formats.record import Dataset, ImageRecord, Loss, loss_between
from tamis.formats.registry import FORMATS, export, find_format, load, loaded
from tamis.mask import Masks

NAMES = [form.name for form in FORMATS]
EXACT = [form.name for form in FORMATS if form.loses != "masks that overlap"]
PICTURES = [form.name for form in FORMATS if form.loses == "masks that overlap"]


def dataset(*images: tuple[str, list[MaskArray], list[str]]) -> Dataset:
    labels = list(dict.fromkeys(label for _, _, names in images for label in names))
    return Dataset(
        tuple(labels),
        tuple(ImageRecord(name, Masks.from_dense(np.stack(masks)), tuple(names)) for name, masks, names in images),
    )


def shapes(made: Dataset) -> dict[str, tuple[int, int]]:
    return {image.name: image.shape for image in made.images}


@pytest.fixture
def scene() -> Dataset:
    """Three images: a ring and two parts that overlap; one pixel and a whole image; nothing."""
    ring = np.zeros((12, 17), bool)
    ring[1:10, 2:12] = True
    ring[4:7, 5:9] = False
    parts = np.zeros((12, 17), bool)
    parts[0:3, 0:4] = parts[9:12, 13:17] = True
    pixel = np.zeros((5, 6), bool)
    pixel[4, 5] = True
    made = dataset(
        ("a.jpg", [ring, parts], ["cat", 'a "dog", <b>: é']),
        ("sub/b.png", [pixel, ~pixel], ["cat", "cat"]),
    )
    return Dataset((*made.labels, "unused"), (*made.images, ImageRecord("c.jpg", Masks.none((4, 4)), ())))


@pytest.mark.parametrize("name", EXACT)
def test_holes_parts_labels_and_order_survive(name: str, scene: Dataset, tmp_path: Path) -> None:
    loss = export(scene, name, tmp_path)
    assert (loss.mean, loss.worst) == (1.0, 1.0)
    again, unknown = load(tmp_path, name, shapes(scene))
    assert unknown == []
    found = {image.name: image for image in again.images}
    for image in scene.images:
        if image.labels:
            assert found[image.name].masks == image.masks
            assert found[image.name].labels == image.labels


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_keep_all_but_what_is_covered(name: str, scene: Dataset, tmp_path: Path) -> None:
    loss = export(scene, name, tmp_path)
    again, _ = load(tmp_path, name, shapes(scene))
    found = {image.name: image for image in again.images}
    assert found["sub/b.png"].masks == scene.images[1].masks
    covered, on_top = scene.images[0].masks
    assert np.array_equal(found["a.jpg"].masks[0], covered & ~on_top)
    assert np.array_equal(found["a.jpg"].masks[1], on_top)
    assert found["a.jpg"].labels == scene.images[0].labels
    lost = (covered & ~on_top).sum() / covered.sum()
    assert loss.worst == pytest.approx(lost)
    assert f"worst {lost:.4f}" in loss.sentence()
    assert "1 of 4 masks" in loss.sentence()


masks_of_an_image = st.tuples(st.integers(1, 9), st.integers(1, 9)).flatmap(
    lambda shape: st.lists(arrays(np.bool_, shape), min_size=1, max_size=4)
)


@pytest.mark.parametrize("name", EXACT)
@given(masks=masks_of_an_image)
@settings(max_examples=25)
def test_any_masks_come_back_pixel_for_pixel(name: str, masks: list[MaskArray]) -> None:
    full = [mask for mask in masks if mask.any()]
    made = dataset(("x.png", masks, [f"label {number % 2}" for number in range(len(masks))]))
    with TemporaryDirectory() as folder:
        if not full:
            with pytest.raises(InputError, match="nothing to export"):
                export(made, name, Path(folder))
            return
        export(made, name, Path(folder))
        again, _ = load(Path(folder), name, shapes(made))
    assert again.images[0].masks == Masks.from_dense(np.stack(full))


@pytest.mark.parametrize("name", PICTURES)
@given(numbers=arrays(np.int64, (6, 7), elements=st.integers(0, 5)))
@settings(max_examples=25)
def test_masks_side_by_side_come_back_from_pictures(name: str, numbers: MaskArray) -> None:
    masks = [numbers == value for value in range(1, 6) if (numbers == value).any()]
    if not masks:
        return
    made = dataset(("x.png", masks, [f"label {number}" for number in range(len(masks))]))
    with TemporaryDirectory() as folder:
        assert export(made, name, Path(folder)).worst == 1.0
        again, _ = load(Path(folder), name, shapes(made))
    found = dict(zip(again.images[0].labels, again.images[0].masks, strict=True))
    for label, mask in zip(made.images[0].labels, masks, strict=True):
        assert np.array_equal(found[label], mask)


@pytest.mark.parametrize("name", ["coco-polygons", "yolo", "cvat-polygons"])
def test_simplified_outlines_say_what_they_lose(name: str, tmp_path: Path) -> None:
    rows, columns = np.mgrid[:80, :90]
    disc = (rows - 40) ** 2 + (columns - 45) ** 2 < 30**2
    made = dataset(("disc.png", [disc], ["disc"]))
    exact = export(made, name, tmp_path / "exact")
    loose = export(made, name, tmp_path / "loose", tolerance=2.0)
    assert exact.worst == 1.0
    assert 0.85 < loose.worst < 1.0
    (small,) = sorted((tmp_path / "loose").rglob("*disc.txt")) or sorted((tmp_path / "loose").glob("annotations.*"))
    (large,) = sorted((tmp_path / "exact").rglob("*disc.txt")) or sorted((tmp_path / "exact").glob("annotations.*"))
    assert small.stat().st_size < large.stat().st_size


@pytest.mark.parametrize("name", NAMES)
def test_nothing_to_export(name: str, tmp_path: Path) -> None:
    empty = Dataset(("cat",), (ImageRecord("a.png", Masks.none((3, 3)), ()),))
    with pytest.raises(InputError, match="there is nothing to export: no image has a mask yet"):
        export(empty, name, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", NAMES)
def test_damaged_files_get_one_sentence(name: str, scene: Dataset, tmp_path: Path) -> None:
    export(scene, name, tmp_path / "good")
    rng = np.random.default_rng(0)
    sentences: list[str] = []
    for file in sorted(path for path in (tmp_path / "good").rglob("*") if path.is_file()):
        content = file.read_bytes()
        place = int(rng.integers(0, max(len(content) - 1, 1)))
        for broken in (
            b"",
            content[: len(content) // 2],
            content[:place] + b"\x00" + content[place + 1 :],
            b"[]",
            b"{}",
        ):
            file.write_bytes(broken)
            try:
                sentences += loaded(tmp_path / "good", name, shapes(scene)).problems
            except InputError as error:
                sentences.append(str(error))
        file.write_bytes(content)
    assert sentences
    assert not any("\n" in sentence for sentence in sentences)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "yolo"])
def test_images_of_another_size_are_refused(name: str, scene: Dataset, tmp_path: Path) -> None:
    export(scene, name, tmp_path)
    other = {**shapes(scene), "a.jpg": (13, 17)}
    with pytest.raises(InputError, match="17x13 pixels"):
        load(tmp_path, name, other)


@pytest.mark.parametrize("name", NAMES)
def test_images_that_the_project_does_not_have_are_named(name: str, scene: Dataset, tmp_path: Path) -> None:
    export(scene, name, tmp_path)
    again, unknown = load(tmp_path, name, {"sub/b.png": (5, 6)})
    assert [image.name for image in again.images] == ["sub/b.png"]
    assert any(entry.startswith("a") for entry in unknown)


@pytest.mark.parametrize("name", ["yolo", "voc", "labelmap", "labelme"])
def test_images_that_differ_in_their_suffix_alone(name: str, tmp_path: Path) -> None:
    mask = np.ones((2, 2), bool)
    with pytest.raises(InputError, match=r"a\.jpg and a\.png would share one file"):
        export(dataset(("a.jpg", [mask], ["x"]), ("a.png", [mask], ["x"])), name, tmp_path)


def test_pascal_voc_has_room_for_254(tmp_path: Path) -> None:
    masks = [np.arange(300).reshape(15, 20) == number for number in range(260)]
    with pytest.raises(InputError, match="260 masks are more than the 254 of Pascal VOC"):
        export(dataset(("a.jpg", masks, ["x"] * 260)), "voc", tmp_path)
    with pytest.raises(InputError, match="260 labels are more than the 254"):
        export(dataset(("a.jpg", masks, [f"x{number}" for number in range(260)])), "voc", tmp_path)
    assert export(dataset(("a.jpg", masks, ["x"] * 260)), "labelmap", tmp_path / "map").worst == 1.0


def test_unknown_formats_and_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="did you mean 'yolo'"):
        find_format("yolov8")
    with pytest.raises(InputError, match="there are coco, "):
        find_format("zzz")
    with pytest.raises(InputError, match="no such file or folder"):
        load(tmp_path / "none.json", "coco", {})


@pytest.mark.parametrize("name", ["masks", "labelmap"])
def test_lists_lead_nowhere_else(name: str, scene: Dataset, tmp_path: Path, save: Callable[..., Path]) -> None:
    save("secret.png", np.ones((12, 17), np.uint8))
    export(scene, name, tmp_path / "out")
    (index,) = (tmp_path / "out").glob("*.json")
    content = index.read_text().replace("a.jpg/0001.png", "../secret.png").replace('"a.png"', '"../secret.png"')
    assert "../secret.png" in content
    index.write_text(content)
    assert any("leads out of" in problem for problem in loaded(tmp_path / "out", name, shapes(scene)).problems)


def test_xml_with_entities_is_not_read(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><annotations>&b;</annotations>'
    (tmp_path / "annotations.xml").write_text(bomb)
    with pytest.raises(InputError, match="has a document type"):
        load(tmp_path, "cvat", {})


def test_loss_is_the_best_match_of_the_same_label() -> None:
    left, right = np.zeros((2, 2, 4), bool)
    left[:, :2] = True
    right[:, 1:] = True
    before = dataset(("a", [left, right], ["x", "y"]))
    assert loss_between(before, before) == Loss((1.0, 1.0))
    swapped = dataset(("a", [left, right], ["y", "x"]))
    assert loss_between(before, swapped).ious == (0.25, 0.25)
    assert loss_between(before, dataset(("b", [left], ["x"]))).worst == 0.0
    assert Loss().sentence().startswith("nothing is lost")


@pytest.mark.parametrize("name", ["coco", "lvis", "datumaro", "labelstudio"])
def test_files_are_plain_json(name: str, scene: Dataset, tmp_path: Path) -> None:
    export(scene, name, tmp_path)
    (file,) = tmp_path.rglob("*.json")
    json.loads(file.read_bytes())


@pytest.mark.slow
def test_small_files_that_would_fill_the_memory(tmp_path: Path) -> None:
    import base64
    import io

    from PIL import Image

    vast = '<annotations><image id="0" name="{}" width="1000000" height="1000000">'
    vast += '<polygon label="x" points="0,0;9,0;9,9"/>'
    (tmp_path / "annotations.xml").write_text(vast.format("other.png") + "</image></annotations>")
    assert load(tmp_path, "cvat", {"a.png": (5, 5)})[1] == ["other.png"]
    (tmp_path / "annotations.xml").write_text(vast.format("a.png") + "</image></annotations>")
    with pytest.raises(InputError, match="1000000x1000000 in the file"):
        load(tmp_path, "cvat", {"a.png": (5, 5)})
    content = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(content, format="PNG")
    shape = {"label": "x", "shape_type": "mask", "points": [[0, 0], [19_999, 19_999]]}
    bomb = {**shape, "mask": base64.b64encode(content.getvalue()).decode()}
    labelme = {"imagePath": "a.png", "imageHeight": 5, "imageWidth": 5, "shapes": [bomb]}
    (tmp_path / "a.json").write_text(json.dumps(labelme))
    found = loaded(tmp_path / "a.json", "labelme", {"a.png": (5, 5)})
    assert re.search("a mask is damaged|does not fit", found.problems[0])
