"""Nothing is left out in silence: shapes that are no masks, and annotations that cannot be right."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tamis.errors import InputError
from tamis.formats.record import Dataset, ImageRecord
from tamis.formats.registry import all_drawn, export, loaded
from tamis.mask import Masks

SQUARE = [[2, 2, 10, 2, 10, 10, 2, 10]]
IMAGES = {"a.jpg": (30, 40)}


def coco(path: Path, annotations: list[dict[str, Any]], **image: Any) -> Path:
    entry = {"id": 1, "file_name": "a.jpg", "width": 40, "height": 30} | image
    usual = {"image_id": 1, "category_id": 1, "segmentation": SQUARE}
    annotations = [{"id": number, **usual, **each} for number, each in enumerate(annotations, start=1)]
    content = {"images": [entry], "annotations": annotations, "categories": [{"id": 1, "name": "x"}]}
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"image_id": 99}, "annotation 2 is of the image 99, which the file does not list"),
        ({"category_id": 7}, "annotation 2 has the category 7, which the file does not list"),
        ({"segmentation": {"size": [30, 40], "counts": [5]}}, "annotation 2: the counts of RLE 0 add up to 5"),
        ({"segmentation": {"size": [9, 9], "counts": "4"}}, "annotation 2: a mask of 9x9 pixels"),
        ({"segmentation": [[1, 2, 3]]}, "annotation 2: a polygon has x and y of each corner, but this one 3"),
        ({"segmentation": [["a", 2]]}, "annotation 2: could not convert"),
        ({"segmentation": [[float("inf"), 2, 3, 4, 5, 6]]}, "annotation 2: a corner of a polygon is no finite"),
    ],
)
def test_one_wrong_annotation_is_named_and_the_rest_is_read(
    tmp_path: Path, wrong: dict[str, Any], sentence: str
) -> None:
    found = loaded(coco(tmp_path / "in.json", [{}, wrong]), "coco", IMAGES)
    assert found.dataset.images[0].masks.areas.tolist() == [64]
    assert sentence in found.problems[0]
    assert any("1 entry passed over: annotation 2" in told for told in found.sentences())


def test_what_can_be_understood_is_taken(tmp_path: Path) -> None:
    flat = coco(tmp_path / "flat.json", [{"segmentation": SQUARE[0]}, {"image_id": "1"}], width=None, height=None)
    found = loaded(flat, "coco", IMAGES)
    assert found.dataset.images[0].masks.areas.tolist() == [64, 64]
    assert found.sentences() == []


def test_boxes_crowds_and_masks_without_a_pixel_are_counted(tmp_path: Path) -> None:
    crowd = {"size": [30, 40], "counts": [0, 300, 900]}
    outside, line = [[50, 50, 60, 50, 60, 60]], [[2, 2, 10, 10]]
    several: list[dict[str, Any]] = [
        {},
        {"segmentation": []},
        {"segmentation": crowd, "iscrowd": 1},
        {"segmentation": outside},
    ]
    found = loaded(coco(tmp_path / "in.json", [*several, {"segmentation": line}]), "coco", IMAGES)
    assert found.dataset.images[0].masks.areas.tolist() == [64, 300]
    assert found.sentences() == [
        "1 annotation is a crowd (iscrowd), and from now on objects like others",
        "left out: 2 masks without a pixel, 1 boxes without a mask",
    ]


def test_shapes_of_labelme(tmp_path: Path) -> None:
    points = {
        "polygon": [[2, 2], [10, 2], [10, 10]],
        "rectangle": [[30, 28], [20, 20]],
        "circle": [[20, 15], [25, 15]],
        "line": [[1, 1], [2, 2]],
        "point": [[1, 1]],
    }
    shapes = [{"label": kind, "points": where, "shape_type": kind} for kind, where in points.items()]
    shapes.append({"label": "x", "points": [["a", 1]], "shape_type": "polygon"})
    content = {"imagePath": "a.jpg", "imageHeight": 30, "imageWidth": 40, "shapes": shapes}
    (tmp_path / "a.json").write_text(json.dumps(content), encoding="utf-8-sig")
    found = loaded(tmp_path / "a.json", "labelme", IMAGES)
    (image,) = found.dataset.images
    areas = dict(zip(image.labels, image.masks.areas.tolist(), strict=True))
    assert areas["rectangle"] == 80
    assert areas["circle"] == int((((np.mgrid[:30, :40] + 0.5 - [[[15]], [[20]]]) ** 2).sum(axis=0) <= 25).sum())
    assert found.taken == {"rectangles": 1, "circles": 1}
    assert found.left_out == {"of kind line": 1, "of kind point": 1}
    assert "a.json, shape 6" in found.problems[0]


def test_shapes_of_cvat(tmp_path: Path) -> None:
    shapes = (
        '<polygon label="x" points="2,2;10,2;10,10"/><box label="x" xtl="20" ytl="20" xbr="30" ybr="28"/>'
        '<box label="x" xtl="10" ytl="10" xbr="14" ybr="20" rotation="90"/>'
        '<ellipse label="x" cx="20" cy="15" rx="6" ry="3"/><polyline label="x" points="1,1;2,2"/><tag label="x"/>'
        '<polygon points="2,2;10,2;10,10"/>'
    )
    image = f'<image id="0" name="a.jpg" width="40" height="30">{shapes}</image>'
    track = '<track id="0" label="x"><box frame="0" xtl="1" ytl="1" xbr="2" ybr="2"/></track>'
    (tmp_path / "annotations.xml").write_text(f"<annotations>{image}{track}</annotations>")
    found = loaded(tmp_path, "cvat", IMAGES)
    masks = found.dataset.images[0].masks
    assert masks.areas.tolist()[1:3] == [80, 40]
    assert masks.boxes[2].tolist() == [7, 13, 17, 17]
    assert masks.boxes[3].tolist() == [14, 12, 26, 18]
    assert found.taken == {"boxes": 2, "ellipses": 1}
    assert found.left_out == {"polylines": 1, "tracks of a video": 1}
    assert found.problems == ["a.jpg, polygon 7: has no label"]


def test_shapes_of_datumaro(tmp_path: Path) -> None:
    shapes = [
        {"type": "bbox", "label_id": 0, "bbox": [20, 20, 10, 8]},
        {"type": "ellipse", "label_id": 0, "points": [14, 12, 26, 18]},
        {"type": "points", "label_id": 0, "points": [1, 1]},
        {"type": "bbox", "label_id": 9, "bbox": [20, 20, 10, 8], "id": 4},
    ]
    items = [{"id": "a", "annotations": shapes, "image": {"path": "a.jpg", "size": [30, 40]}}]
    content = {"categories": {"label": {"labels": [{"name": "x"}]}}, "items": items}
    (tmp_path / "default.json").write_text(json.dumps(content))
    found = loaded(tmp_path, "datumaro", IMAGES)
    assert found.dataset.images[0].masks.boxes.tolist() == [[20, 20, 30, 28], [14, 12, 26, 18]]
    assert (found.taken, found.left_out) == ({"boxes": 1, "ellipses": 1}, {"of kind points": 1})
    assert found.problems == ["annotation 4 of a.jpg: has the label 9, which the file does not list"]


def drawn(label: str, **more: Any) -> dict[str, Any]:
    """An annotation of a Label Studio task."""
    value = {"points": [[10, 10], [30, 10], [30, 40], [10, 40]], "polygonlabels": [label]}
    result = {"type": "polygonlabels", "original_width": 40, "original_height": 30, "value": value}
    return {"was_cancelled": False, "result": [result], **more}


def test_the_finished_annotation_of_a_task(tmp_path: Path) -> None:
    def labels(*annotations: dict[str, Any]) -> tuple[str, ...]:
        (tmp_path / "t.json").write_text(json.dumps([{"data": {"image": "a.jpg"}, "annotations": annotations}]))
        return loaded(tmp_path / "t.json", "labelstudio", IMAGES).dataset.images[0].labels

    assert labels(drawn("wrong", was_cancelled=True), drawn("right")) == ("right",)
    assert labels(drawn("first"), drawn("second")) == ("second",)
    assert labels(drawn("first", ground_truth=True), drawn("second")) == ("first",)
    found = all_drawn(tmp_path / "t.json", "labelstudio", IMAGES)
    assert found.dataset.images[0].labels == ("first", "second")
    assert labels(drawn("a", was_cancelled=True), drawn("b"), drawn("c")) == ("c",)
    told = loaded(tmp_path / "t.json", "labelstudio", IMAGES).sentences()
    assert told == [
        "left out: 1 cancelled annotations, 1 further annotations of the same task (--annotations all takes them)"
    ]
    with pytest.raises(InputError, match="--annotations all: is for labelstudio; coco has one"):
        all_drawn(tmp_path / "t.json", "coco", IMAGES)


def test_shapes_of_label_studio(tmp_path: Path) -> None:
    box = {"x": 50, "y": 50, "width": 25, "height": 20, "rotation": 0}
    round_ = {"x": 50, "y": 50, "radiusX": 15, "radiusY": 10}
    sides = {"original_width": 40, "original_height": 30}
    results = [
        {"id": "1", "type": "rectanglelabels", "value": box | {"rectanglelabels": ["x"]}, **sides},
        {"id": "2", "type": "ellipse", "value": round_, **sides},
        {"id": "2", "type": "labels", "value": round_ | {"labels": ["y"]}, **sides},
        {"id": "3", "type": "keypointlabels", "value": {"x": 1, "y": 1}, **sides},
        {"id": "4", "type": "choices", "value": {"choices": ["good"]}},
        {"id": "5", "type": "rectangle", "value": box, **sides},
    ]
    tasks = [{"data": {"image": "a.jpg"}, "annotations": [{"result": results}]}]
    (tmp_path / "t.json").write_text(json.dumps(tasks))
    found = loaded(tmp_path / "t.json", "labelstudio", IMAGES)
    assert found.dataset.images[0].labels == ("x", "y")
    assert found.dataset.images[0].masks.boxes.tolist() == [[20, 15, 30, 21], [14, 12, 26, 18]]
    assert found.taken == {"rectangles": 1, "ellipses": 1}
    assert found.left_out == {"of kind keypointlabels": 1, "of kind choices": 1}
    assert found.problems == ["a.jpg, result 5: has no label"]


def test_lines_of_yolo(tmp_path: Path) -> None:
    (tmp_path / "labels").mkdir()
    (tmp_path / "data.yaml").write_text("names: [cat, dog]\n")
    corners = "0.1 0.1 0.3 0.1 0.3 0.4 0.1 0.4"
    pixels = "0 4 4 20 4 20 20 4 20"
    lines = [f"1.0 {corners}", "0 .5 .5 .2 .2", f"9 {corners}", f"1.5 {corners}", "0 .1 .1 .2", f"x {corners}", pixels]
    (tmp_path / "labels" / "a.txt").write_text("\n".join(lines), encoding="utf-8-sig")
    found = loaded(tmp_path, "yolo", IMAGES)
    assert [(image.labels, image.masks.areas.tolist()) for image in found.dataset.images] == [(("dog",), [72])]
    assert found.left_out == {"boxes": 1}
    assert [problem.partition(":")[0] for problem in found.problems] == [
        f"a.txt, line {line}" for line in (3, 4, 5, 6, 7)
    ]


def test_corners_a_little_over_the_edge_are_cut(tmp_path: Path) -> None:
    (tmp_path / "data.yaml").write_text("names: [x]")
    (tmp_path / "a.txt").write_text("0 -0.01 0 1.0002 -0.001 1.0 1.01 0 1\n")
    found = loaded(tmp_path, "yolo", IMAGES)
    assert found.dataset.images[0].masks.areas.tolist() == [1200]
    assert found.sentences() == []


@pytest.mark.parametrize("address", ["/data/local-files/?d=images%2Fa.jpg", "/data/local-files/?d\\images\\a.jpg"])
def test_local_files_of_label_studio(tmp_path: Path, address: str) -> None:
    (tmp_path / "t.json").write_text(json.dumps([{"data": {"image": address}, "annotations": [drawn("x")]}]))
    found = loaded(tmp_path / "t.json", "labelstudio", {"images/a.jpg": (30, 40)})
    assert [image.name for image in found.dataset.images] == ["images/a.jpg"]


def test_sides_that_changed_places_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="as it lay before it was turned upright"):
        loaded(coco(tmp_path / "in.json", [{}], width=30, height=40), "coco", IMAGES)


@pytest.mark.parametrize(
    "segmentation",
    [SQUARE[0], [[[2, 2], [10, 2], [10, 10], [2, 10]]], [[2, 2], [10, 2], [10, 10], [2, 10]]],
)
def test_polygons_in_every_way_that_they_are_written(tmp_path: Path, segmentation: Any) -> None:
    found = loaded(coco(tmp_path / "in.json", [{"segmentation": segmentation}]), "coco", IMAGES)
    assert found.dataset.images[0].masks.areas.tolist() == [64]


def test_ids_of_tables_are_numbers_with_a_point(tmp_path: Path) -> None:
    found = loaded(coco(tmp_path / "in.json", [{"image_id": 1.0, "category_id": 1.0}], id=1.0), "coco", IMAGES)
    assert found.dataset.images[0].masks.areas.tolist() == [64]


def test_captions_and_panoptic_pictures_are_no_boxes(tmp_path: Path) -> None:
    others: list[dict[str, Any]] = [{"caption": "a dog"}, {"segments_info": [{"id": 1}]}]
    annotations = [{}, *({"segmentation": [], **each} for each in others)]
    found = loaded(coco(tmp_path / "in.json", annotations), "coco", IMAGES)
    assert found.left_out == {"captions": 1, "pictures of panoptic segments": 1}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32-be"])
def test_json_in_every_encoding_of_json(tmp_path: Path, encoding: str) -> None:
    file = coco(tmp_path / "in.json", [{}])
    file.write_bytes(file.read_text().encode(encoding))
    assert loaded(file, "coco", IMAGES).dataset.masks == 1


def test_attributes_and_tags_that_cannot_be_kept_are_counted(tmp_path: Path) -> None:
    given = {"ok": 1.5, "nan": float("nan"), "list": [1], "none": None, "half": "\ud83d", "long": "x" * 2000}
    file = coco(tmp_path / "in.json", [{"attributes": given}], tags=["night", "\ud83d", ""])
    found = loaded(file, "coco", IMAGES)
    (image,) = found.dataset.images
    assert (dict(image.attributes_of(0)), image.tags) == ({"ok": 1.5}, ("night",))
    assert found.left_out == {
        "attributes that are no short text, number, true or false": 4,
        "tags that are no short text": 2,
    }


def test_tags_of_an_image_without_a_mask_are_read(tmp_path: Path) -> None:
    found = loaded(coco(tmp_path / "in.json", [], tags=["empty"]), "coco", IMAGES)
    assert [(image.name, image.tags, len(image.masks)) for image in found.dataset.images] == [("a.jpg", ("empty",), 0)]


def test_corners_of_three_numbers_are_no_corners(tmp_path: Path) -> None:
    spatial = [[2, 2, 0], [10, 2, 0], [10, 10, 0], [2, 10, 0]]
    shape = {"label": "x", "points": spatial, "shape_type": "polygon"}
    (tmp_path / "a.json").write_text(json.dumps({"imagePath": "a.jpg", "shapes": [shape, {**shape, "label": None}]}))
    found = loaded(tmp_path, "labelme", IMAGES)
    assert found.dataset.masks == 0
    assert found.problems == [
        "a.json, shape 1: a polygon has x and y of each corner, but this one 3 numbers for each",
        "a.json, shape 2: has no label",
    ]


def test_other_files_beside_those_of_labelme_are_named(tmp_path: Path) -> None:
    shape = {"label": "x", "points": [[2, 2], [10, 2], [10, 10]], "flags": {"occluded": True}}
    good = {"imagePath": "a.jpg", "flags": {"night": True, "rain": False}, "shapes": [shape]}
    files: dict[str, Any] = {"a": good, "copy": good, "settings": {"theme": "dark"}, "list": []}
    for name, content in files.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    found = loaded(tmp_path, "labelme", IMAGES)
    (image,) = found.dataset.images
    assert (len(image.masks), image.tags) == (2, ("night",))
    assert [problem.split()[0] for problem in found.problems] == ["list.json", "settings.json"]
    assert found.left_out == {"descriptions and flags of shapes": 2}
    assert "masks of several files or tasks come together on a.jpg" in found.sentences()


def test_results_of_label_studio_that_would_be_elsewhere(tmp_path: Path) -> None:
    good, turned, larger = (drawn(name)["result"][0] for name in ("good", "turned", "larger"))
    turned["image_rotation"], larger["original_width"] = 90, 400
    good["value"]["polygonlabels"].append("second")
    tasks: list[Any] = [{"data": {"image": "a.jpg"}, "annotations": [{"result": [good, turned, larger, "x"]}]}, "y", {}]
    (tmp_path / "t.json").write_text(json.dumps(tasks))
    found = loaded(tmp_path, "labelstudio", IMAGES)
    assert found.dataset.images[0].labels == ("good",)
    assert found.left_out == {"further labels of the same region": 1}
    assert len(found.problems) == 5


def test_a_skipped_task_is_not_given_what_a_model_guessed(tmp_path: Path) -> None:
    task: dict[str, Any] = {"data": {"image": "a.jpg"}, "predictions": [drawn("guess")]}
    (tmp_path / "t.json").write_text(json.dumps([task]))
    assert loaded(tmp_path, "labelstudio", IMAGES).taken == {"first predictions of a task": 1}
    (tmp_path / "t.json").write_text(json.dumps([{**task, "annotations": [drawn("x", was_cancelled=True)]}]))
    assert loaded(tmp_path, "labelstudio", IMAGES).dataset.masks == 0


def test_keypoints_of_yolo_are_no_corners(tmp_path: Path) -> None:
    (tmp_path / "data.yaml").write_text("kpt_shape: [2, 3]\nnames: [x]\n")
    (tmp_path / "a.txt").write_text("0 .5 .5 .1 .1 .5 .5 2 .4 .4 2\n0 .1 .1 .3 .1 .3 .4\n")
    found = loaded(tmp_path, "yolo", IMAGES)
    assert (found.dataset.masks, found.left_out) == (1, {"boxes with keypoints": 1})


def test_one_file_in_another_encoding_costs_itself(tmp_path: Path) -> None:
    (tmp_path / "classes.txt").write_text("x\n")  # and no data.yaml
    (tmp_path / "a.txt").write_text("0 .1 .1 .3 .1 .3 .4\n")
    (tmp_path / "b.txt").write_bytes(b"\xff\xfe0\0")
    found = loaded(tmp_path, "yolo", {**IMAGES, "b.jpg": (30, 40)})
    assert (found.dataset.masks, len(found.problems)) == (1, 1)
    with pytest.raises(InputError, match="is no list of classes; name the folder"):
        loaded(tmp_path / "a.txt", "yolo", IMAGES)


def test_what_belongs_to_no_object_is_a_mask_of_its_class(tmp_path: Path) -> None:
    classes, objects = np.zeros((30, 40), np.uint8), np.zeros((30, 40), np.uint8)
    classes[2:10, 2:10], classes[20:25, :], objects[2:10, 2:10] = 1, 2, 1
    for folder, pixels in (("SegmentationClass", classes), ("SegmentationObject", objects)):
        (tmp_path / folder).mkdir()
        Image.fromarray(pixels).save(tmp_path / folder / "a.PNG", format="PNG")
    (tmp_path / "SegmentationClass" / "b.png").write_bytes(b"no picture")
    (tmp_path / "labelmap.txt").write_text("background:::\ncat:::\ngrass:::\n")
    found = loaded(tmp_path, "voc", IMAGES)
    (image,) = found.dataset.images
    assert dict(zip(image.labels, image.masks.areas.tolist(), strict=True)) == {"cat": 64, "grass": 200}
    assert found.taken == {"areas of a class that belong to no object": 1}
    assert found.problems[0].startswith(str(tmp_path / "SegmentationClass" / "b.png"))


def test_a_category_that_parquet_does_not_know_is_none(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    from pyarrow import parquet

    masks = Masks.from_dense(np.ones((2, 30, 40), bool))
    export(Dataset(("x", "y"), (ImageRecord("a.jpg", masks, ("x", "y")),)), "parquet", tmp_path)
    table = parquet.read_table(tmp_path / "train.parquet")
    rows = table.to_pylist()
    rows[0]["objects"]["category"] = [-1, 1]
    parquet.write_table(table.from_pylist(rows, schema=table.schema), tmp_path / "train.parquet")
    found = loaded(tmp_path, "parquet", IMAGES)
    assert found.dataset.images[0].labels == ("y",)
    assert found.problems == ["row 1, mask 1: has the label -1, which the file does not list"]


def test_text_of_cvat_stays_text(tmp_path: Path) -> None:
    texts = {"code": "007", "price": "1.50", "count": "7", "share": "0.5", "seen": "true", "sign": "+5"}
    told = "".join(f'<attribute name="{name}">{text}</attribute>' for name, text in texts.items())
    shape = f'<polygon label="x" points="2,2;10,2;10,10">{told}</polygon><polygon label="" points="2,2;10,2;10,10"/>'
    image = f'<image id="0" name="a.jpg" width="40" height="30">{shape}</image><image id="1" width="1" height="1"/>'
    (tmp_path / "annotations.xml").write_text(f"<annotations>{image}</annotations>")
    found = loaded(tmp_path, "cvat", IMAGES)
    kept = {**texts, "count": 7, "share": 0.5, "seen": True}
    assert found.dataset.images[0].attributes == (kept,)
    assert found.problems == ["1 images without a name", "a.jpg, polygon 2: has no label"]


def test_a_document_type_is_seen_in_every_encoding(tmp_path: Path) -> None:
    bomb = '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE x [<!ENTITY a "aa">]><annotations>&a;</annotations>'
    (tmp_path / "annotations.xml").write_bytes(bomb.encode("utf-16"))
    with pytest.raises(InputError, match="has a document type"):
        loaded(tmp_path, "cvat", IMAGES)
