"""Classes keep their identity: names in every script, numbers, colours."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from tamis.errors import InputError
from tamis.formats.record import Dataset, ImageRecord
from tamis.formats.registry import FORMATS, dropped, export, loaded
from tamis.formats.voc_classes import palette
from tamis.mask import Masks

IMAGES = {"a.jpg": (30, 40)}

CAT, DOG = (48, 112, 32), (176, 112, 32)


def picture() -> np.ndarray:
    """64 pixels of cat, 80 of dog."""
    pixels = np.zeros((30, 40, 3), np.uint8)
    pixels[2:10, 2:10], pixels[2:10, 20:30] = CAT, DOG
    return pixels


def voc(folder: Path, labelmap: str, image: Image.Image) -> dict[str, int]:
    (folder / "SegmentationClass").mkdir(parents=True, exist_ok=True)
    (folder / "labelmap.txt").write_text(labelmap, encoding="utf-8-sig")
    image.save(folder / "SegmentationClass" / "a.png")
    return {
        label: area
        for found in loaded(folder, "voc", IMAGES).dataset.images
        for label, area in zip(found.labels, found.masks.areas.tolist(), strict=True)
    }


def indexed(numbers: tuple[int, int, int], colours: np.ndarray) -> Image.Image:
    """The same with numbers of background, cat and dog, and a palette."""
    pixels = picture()
    indices = np.full((30, 40), numbers[0], np.uint8)
    indices[(pixels == CAT).all(axis=2)], indices[(pixels == DOG).all(axis=2)] = numbers[1:]
    made = Image.fromarray(indices).convert("P")
    made.frombytes(indices.tobytes())
    made.putpalette(colours.astype(np.uint8).ravel().tolist())
    return made


def scrambled() -> Image.Image:
    colours = np.zeros((256, 3))
    colours[[7, 3, 200]] = (0, 0, 0), CAT, DOG
    return indexed((7, 3, 200), colours)


PICTURES = {
    "colour": lambda: Image.fromarray(picture()),
    "colour and alpha": lambda: Image.fromarray(picture()).convert("RGBA"),
    "a palette of its own": lambda: Image.fromarray(picture()).quantize(3),
    "a palette in any order": scrambled,
}


@pytest.mark.parametrize("order", [[0, 1, 2], [1, 0, 2], [2, 1, 0], [1, 2, 0]])
@pytest.mark.parametrize("kind", PICTURES)
def test_colours_decide_in_whatever_order(tmp_path: Path, order: list[int], kind: str) -> None:
    lines = ["background:0,0,0::", "Cat:48,112,32::", "Dog:176,112,32::"]
    labelmap = "\n".join(["# label:color_rgb:parts:actions", *(lines[place] for place in order), ""])
    assert voc(tmp_path, labelmap, PICTURES[kind]()) == {"Cat": 64, "Dog": 80}


def test_numbers_decide_where_there_are_no_colours(tmp_path: Path) -> None:
    labelmap = "background:0,0,0::\nCat:48,112,32::\nDog:176,112,32::\n"
    greys = np.arange(256).repeat(3)
    for made in (indexed((0, 1, 2), greys), indexed((0, 1, 2), greys).convert("L"), indexed((0, 1, 2), palette())):
        assert voc(tmp_path, labelmap, made) == {"Cat": 64, "Dog": 80}
    assert voc(tmp_path, "background:::\nCat:::\nDog:::\n", indexed((0, 1, 2), palette())) == {"Cat": 64, "Dog": 80}
    assert voc(tmp_path, "background:0,0,0::\nCat:48,112,32::\n", scrambled()) == {}
    told = loaded(tmp_path, "voc", {"a.jpg": (30, 40)}).problems
    assert "the colour #b07020 stands for nothing in labelmap" in told[0]


@pytest.mark.parametrize(
    ("labelmap", "sentence"),
    [
        ("Cat:1,2,3::\nCat:4,5,6::", "'Cat' stands there twice"),
        ("Cat:1,2,3::\nDog:1,2,3::", "two classes have the colour 1,2,3"),
        ("Cat:1,2::", "'1,2' is no colour of 'Cat'"),
        ("Cat:1,2,999::", "'1,2,999' is no colour of 'Cat'"),
    ],
)
def test_a_list_of_classes_that_cannot_be_right(tmp_path: Path, labelmap: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        voc(tmp_path, labelmap, Image.fromarray(picture()))


def of(*labels: str, numbers: dict[str, dict[str, int]] | None = None, unused: tuple[str, ...] = ()) -> Dataset:
    masks = np.zeros((len(labels), 30, 40), bool)
    for number in range(len(labels)):
        masks[number, 2 * number : 2 * number + 2] = True
    record = ImageRecord("a.jpg", Masks.from_dense(masks), labels)
    return Dataset((*labels, *unused), (record,), numbers=numbers or {})


STRANGE = (
    "#1 screw",
    "a: b",
    "no",
    "1.0",
    "😀 smile",
    "👩\u200d🌾",
    "می\u200cخواهم",
    'it\'s, "so"',
    "- x",
    "Ünï",
    "~",
    "# x",
)


@pytest.mark.parametrize(
    "name", ["coco", "yolo", "voc", "cvat", "datumaro", "labelmap", "masks", "labelstudio", "labelme"]
)
def test_names_in_every_script_come_back(tmp_path: Path, name: str) -> None:
    assert export(of(*STRANGE), name, tmp_path).worst == 1.0
    (image,) = loaded(tmp_path, name, IMAGES).dataset.images
    assert image.labels == STRANGE


def test_what_yaml_reads_is_the_label(tmp_path: Path) -> None:
    export(of(*STRANGE), "yolo", tmp_path)
    names = yaml.safe_load((tmp_path / "data.yaml").read_text("utf-8"))["names"]
    assert names == dict(enumerate(STRANGE))


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("names: ['bolt, small', 'nut']\n", ("bolt, small", "nut")),
        ("names: [cat, dog]  # two classes\n", ("cat", "dog")),
        ("names:\n  0: cat  # a pet\n  1: dog  # a pet\n", ("cat", "dog")),
        ("names:\n- cat\n- 'it''s'\n", ("cat", "it's")),
        ("{nc: 2, names: {1: dog, 0: cat}}", ("cat", "dog")),
        ("nc: 2\nnames: [no, 1]\n", ("no", "1")),
        ("names: &n [a, b]\nothers: *n\n", ("a", "b")),
    ],
)
def test_yaml_as_others_write_it(tmp_path: Path, text: str, labels: tuple[str, ...]) -> None:
    (tmp_path / "labels").mkdir()
    (tmp_path / "data.yaml").write_text(text, encoding="utf-8-sig")
    (tmp_path / "labels" / "a.txt").write_text("1 .1 .1 .3 .1 .3 .4\n")
    found = loaded(tmp_path, "yolo", IMAGES).dataset
    assert (found.labels, found.images[0].labels) == (labels, labels[1:])


@pytest.mark.parametrize("text", ["", "names: 3", "names: [", "names: [[a]]", "names: {a: b}", "[" * 20_000, "\x00"])
def test_yaml_without_names_is_a_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "data.yaml").write_text(text)
    with pytest.raises(InputError, match=r"data\.yaml: |yolo|YOLO"):
        loaded(tmp_path, "yolo", IMAGES)


@pytest.mark.parametrize(
    ("name", "family", "first"), [("coco", "coco", 1), ("coco-polygons", "coco", 1), ("yolo", "yolo", 0)]
)
def test_numbers_survive_and_others_take_what_is_free(tmp_path: Path, name: str, family: str, first: int) -> None:
    numbers = {family: {"cat": first + 2, "gone": first + 5}}
    export(of("new", "cat", numbers=numbers, unused=("gone",)), name, tmp_path)
    found = loaded(tmp_path, name, IMAGES).dataset
    assert found.numbers[family] == {"new": first, "cat": first + 2, "gone": first + 5}
    assert found.labels == ("new", "cat", "gone")
    assert found.images[0].labels == ("new", "cat")


def test_categories_of_coco_in_any_order(tmp_path: Path) -> None:
    export(of("a", "b"), "coco", tmp_path)
    content = json.loads((tmp_path / "annotations.json").read_text())
    content["categories"].reverse()
    (tmp_path / "annotations.json").write_text(json.dumps(content))
    assert loaded(tmp_path, "coco", IMAGES).dataset.labels == ("a", "b")


def test_two_categories_with_one_id_are_refused(tmp_path: Path) -> None:
    export(of("a", "b"), "coco", tmp_path)
    content = json.loads((tmp_path / "annotations.json").read_text())
    content["categories"][1]["id"] = 1
    (tmp_path / "annotations.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match="two categories have the id 1"):
        loaded(tmp_path, "coco", IMAGES)


def test_a_file_without_what_it_needs_says_what(tmp_path: Path) -> None:
    (tmp_path / "in.json").write_text('{"annotations": [], "categories": []}')
    with pytest.raises(InputError, match=r"in\.json: is no COCO JSON.*there is no 'images' where one is needed"):
        loaded(tmp_path / "in.json", "coco", IMAGES)


def test_classes_of_the_same_name_are_told(tmp_path: Path) -> None:
    (tmp_path / "data.yaml").write_text("names: [cat, dog, cat]\n")
    (tmp_path / "a.txt").write_text("2 .1 .1 .3 .1 .3 .4\n")
    found = loaded(tmp_path, "yolo", IMAGES)
    assert found.dataset.labels == ("cat", "dog")
    assert found.sentences() == ["several classes are called cat, and become one label each"]


def test_gaps_between_the_numbers_of_yolo_are_told() -> None:
    image = ImageRecord("a.jpg", Masks.from_dense(np.ones((1, 30, 40), bool)), ("dog",))
    with_gaps = Dataset(("cat", "dog"), (image,), numbers={"yolo": {"cat": 2, "dog": 5}})
    assert dropped(with_gaps, "yolo") == (
        "2 classes have the numbers 2 to 5, as they came, and Ultralytics trains only on 0 to 1"
    )
    assert dropped(Dataset(("cat", "dog"), (image,)), "yolo") == dropped(with_gaps, "coco") == ""


def test_two_classes_with_one_number_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("0 .1 .1 .3 .1 .3 .4\n")
    (tmp_path / "data.yaml").write_text("names: {0: cat, 1: dog, 00: cow}\n")
    with pytest.raises(InputError, match="two classes have the number 0"):
        loaded(tmp_path, "yolo", IMAGES)


def test_classes_go_through_every_format_in_turn(tmp_path: Path) -> None:
    """Each reads what the one before it wrote, and knows all names, those without a mask too, in their order."""
    names = (
        "zebra",
        "Äpfel #1",
        "cat: big",
        "no",
        "1.0",
        "~",
        "- a",
        "Cat",
        "cat",
        "a,b;c|d",
        "<b>&amp;",
        "007",
        "unused",
    )
    masks = np.zeros((len(names) - 1, 30, 40), bool)
    for i, mask in enumerate(masks):
        mask[i // 4 * 9 : i // 4 * 9 + 5, i % 4 * 9 : i % 4 * 9 + 6] = True
    made = Dataset(names, (ImageRecord("a.jpg", Masks.from_dense(masks), names[:-1]),))
    for form in FORMATS:
        export(made, form.name, tmp_path / form.name)
        found = loaded(tmp_path / form.name, form.name, IMAGES)
        assert (found.dataset.labels, found.sentences()) == (names, []), form.name
        (image,) = found.dataset.images
        of = dict(zip(image.labels, image.masks, strict=True))
        assert all((of[name] == mask).all() for name, mask in zip(names, masks, strict=False)), form.name
        made = found.dataset
