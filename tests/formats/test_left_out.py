"""Nothing is left out in silence: shapes that are no masks, and annotations that cannot be right."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tamis.errors import InputError
from tamis.formats.registry import all_drawn, loaded

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
    assert any("1 annotation passed over: annotation 2" in told for told in found.sentences())


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
    assert found.problems == ["annotation 4 of a.jpg: list index out of range"]


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
