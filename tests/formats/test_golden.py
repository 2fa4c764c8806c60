"""Files that other programs wrote, and other programs that read ours."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO

from tamis.arrays import MaskArray
from tamis.formats.record import Dataset, ImageRecord
from tamis.formats.registry import export, load, loaded
from tamis.formats.voc_classes import palette
from tamis.mask import Masks

GOLDEN = Path(__file__).parent / "golden"

ROWS, COLUMNS = np.mgrid[:12, :16]
RING = ((ROWS - 5) ** 2 + (COLUMNS - 6) ** 2 < 20) & ~((ROWS - 5) ** 2 + (COLUMNS - 6) ** 2 < 5)
PARTS = (COLUMNS > 12) & ((ROWS < 3) | (ROWS > 8))
NOISE = np.random.default_rng(0).random((12, 16)) < 0.5


@pytest.mark.parametrize("name", ["datumaro", "cvat", "voc", "coco", "labelstudio"])
def test_what_others_wrote_is_read_pixel_for_pixel(name: str) -> None:
    read, unknown = load(GOLDEN / name, name, {"photos/a.png": (12, 16)})
    assert unknown == []
    (image,) = read.images
    assert image.name == "photos/a.png"
    found = dict(zip(image.labels, image.masks, strict=True))
    assert np.array_equal(found["cat"], RING)
    assert np.array_equal(found["dog"], PARTS)
    if name == "labelstudio":
        assert np.array_equal(found["noise"], NOISE)


def iou(a: Any, b: MaskArray) -> float:
    mask = np.asarray(a, bool)
    return float((mask & b).sum() / (mask | b).sum())


@pytest.fixture
def large() -> Dataset:
    """A ring and two parts of some size: other programs draw outlines their own way, which matters less there."""
    rows, columns = np.mgrid[:120, :160]
    away = (rows - 50) ** 2 + (columns - 60) ** 2
    ring = (away < 40**2) & (away >= 15**2)
    parts = ((rows - 90) ** 2 + (columns - 130) ** 2 < 20**2) | ((rows < 25) & (columns > 130))
    record = ImageRecord("a.png", Masks.from_dense(np.stack([ring, parts])), ("cat", "dog"))
    return Dataset(("cat", "dog"), (record,))


@pytest.mark.parametrize(("name", "worst"), [("coco", 1.0), ("lvis", 1.0), ("coco-polygons", 0.93)])
def test_pycocotools_reads_them(name: str, worst: float, large: Dataset, tmp_path: Path) -> None:
    export(large, name, tmp_path)
    coco = COCO(str(tmp_path / "annotations.json"))
    for annotation, mask in zip(coco.loadAnns(coco.getAnnIds()), large.images[0].masks, strict=True):
        if name == "lvis":
            annotation = {"iscrowd": 0, **annotation}
        assert iou(coco.annToMask(annotation), mask) >= worst
    assert [category["name"] for category in coco.loadCats(coco.getCatIds())] == ["cat", "dog"]


@pytest.mark.parametrize(("name", "worst"), [("coco", 1.0), ("lvis", 1.0), ("coco-polygons", 0.9), ("yolo", 0.9)])
def test_supervision_reads_them(name: str, worst: float, large: Dataset, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from supervision import DetectionDataset
    (tmp_path / "images").mkdir()
    Image.new("RGB", (160, 120)).save(tmp_path / "images" / "a.png")
    out = tmp_path / "out"
    export(large, name, out)
    images = str(tmp_path / "images")
    if name == "yolo":
        read = DetectionDataset.from_yolo(images, str(out / "labels"), str(out / "data.yaml"), force_masks=True)
    else:
        read = DetectionDataset.from_coco(images, str(out / "annotations.json"), force_masks=True)
    ((_, _, found),) = list(read)
    assert found.mask is not None
    assert found.class_id is not None
    assert read.classes == ["cat", "dog"]
    assert found.class_id.tolist() == [0, 1]
    for theirs, mine in zip(found.mask, large.images[0].masks, strict=True):
        assert iou(theirs, mine) >= worst


def test_colours_of_pascal_voc_are_those_of_its_authors() -> None:
    colours = palette().reshape(-1, 3).tolist()
    assert colours[:4] == [[0, 0, 0], [128, 0, 0], [0, 128, 0], [128, 128, 0]]
    assert colours[20] == [0, 64, 128]  # tvmonitor
    assert colours[255] == [224, 224, 192]  # the border


def test_parquet_says_what_its_columns_are(large: Dataset, tmp_path: Path) -> None:
    import json

    from pyarrow import parquet

    (tmp_path / "images").mkdir()
    Image.new("RGB", (160, 120)).save(tmp_path / "images" / "a.png")
    export(Dataset(large.labels, large.images, tmp_path / "images"), "parquet", tmp_path / "out")
    table = parquet.read_table(tmp_path / "out" / "train.parquet")
    (row,) = table.to_pylist()
    assert row["image"] == {"bytes": (tmp_path / "images" / "a.png").read_bytes(), "path": "a.png"}
    assert row["objects"]["category"] == [0, 1]
    assert row["objects"]["area"] == large.images[0].masks.areas.tolist()
    features = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]
    assert features["image"] == {"_type": "Image"}
    assert features["objects"]["category"]["feature"]["names"] == ["cat", "dog"]
    assert set(features) == set(table.schema.names)


def test_what_people_have_lying_about(tmp_path: Path) -> None:
    """Boxes without masks, polygons, groups and files of old versions."""
    import json

    square = [[1, 1], [5, 1], [5, 4], [1, 4]]
    more = [[8, 1], [10, 1], [10, 3], [8, 3]]
    flat = [value for point in square for value in point]
    expected = np.zeros((12, 16), bool)
    expected[1:4, 1:5] = True
    both = expected.copy()
    both[1:3, 8:10] = True
    coco = {
        "images": [{"id": 7, "file_name": "C:\\photos\\a.png", "width": 16, "height": 12}],
        "categories": [{"id": 3, "name": "cat"}],
        "annotations": [
            {"image_id": 7, "category_id": 3, "bbox": [0, 0, 3, 3]},
            {"image_id": 7, "category_id": 3, "segmentation": []},
            {"image_id": 7, "category_id": 3, "segmentation": [flat, [v for point in more for v in point]]},
            {"image_id": 7, "category_id": 3, "segmentation": {"size": [12, 16], "counts": [0, 192]}},
        ],
    }
    labelme = {
        "imagePath": "..\\a.png",
        "shapes": [
            {"label": "cat", "points": square, "group_id": 1},
            {"label": "cat", "points": more, "group_id": 1, "shape_type": "polygon"},
            {"label": "cat", "points": [[0, 0], [3, 3]], "shape_type": "line"},
            {"label": "dog", "points": square, "group_id": None},
        ],
    }
    polygon = {"points": [[x / 16 * 100, y / 12 * 100] for x, y in square], "polygonlabels": ["cat"]}
    result = {"type": "polygonlabels", "original_width": 16, "original_height": 12, "value": polygon}
    studio = [
        {"data": {"image": "/data/local-files/?d=photos/a.png"}, "annotations": [{"result": [result]}]},
        {"data": {"image": "b.png"}, "annotations": []},
    ]
    item = {
        "id": "photos/a",
        "annotations": [
            {"type": "polygon", "label_id": 0, "group": 4, "points": flat},
            {"type": "polygon", "label_id": 0, "group": 4, "points": [v for point in more for v in point]},
            {"type": "bbox", "label_id": 0, "group": 4, "bbox": [0, 0, 1, 1]},
        ],
    }
    datumaro = {"categories": {"label": {"labels": [{"name": "cat"}]}}, "items": [item]}
    images = {"photos/a.png": (12, 16)}
    for name, content, wanted in (
        ("coco", coco, [("cat", both), ("cat", np.ones((12, 16), bool))]),
        ("labelme", labelme, [("cat", both), ("dog", expected)]),
        ("labelstudio", studio, [("cat", expected)]),
        ("datumaro", datumaro, [("cat", both)]),
    ):
        file = tmp_path / f"{name}.json"
        file.write_text(json.dumps(content))
        (image,) = load(file, name, images)[0].images
        assert list(image.labels) == [label for label, _ in wanted], name
        for mask, (_, pixels) in zip(image.masks, wanted, strict=True):
            assert np.array_equal(mask, pixels), name
    yolo = tmp_path / "yolo"
    yolo.mkdir()
    (yolo / "data.yaml").write_text("nc: 2\nnames: ['cat', \"it's\"]  \n")
    (yolo / "a.txt").write_text("1 " + " ".join(f"{x / 16} {y / 12}" for x, y in square) + "\n\n")
    (image,) = load(yolo, "yolo", images)[0].images
    assert (image.labels, bool((image.masks[0] == expected).all())) == (("it's",), True)
    (yolo / "a.txt").write_text("0 0.5 0.5 0.1 0.1\n")
    assert loaded(yolo, "yolo", images).left_out == {"boxes": 1}
