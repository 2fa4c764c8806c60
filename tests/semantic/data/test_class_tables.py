import json
from pathlib import Path

import numpy as np
import pytest

from tamis.errors import InputError
from tamis.semantic.data.class_tables import (
    ClassTable,
    ade20k,
    camvid,
    cityscapes,
    named_class_table,
    pascal_voc,
    read_class_table,
    write_class_table,
)


@pytest.mark.parametrize(
    ("table", "count", "some"),
    [
        (ade20k(), 150, {0: "wall", 7: "bed", 12: "person", 149: "flag"}),
        (camvid(), 11, {0: "sky", 10: "bicyclist"}),
        (pascal_voc(), 21, {0: "background", 15: "person", 20: "tvmonitor"}),
        (cityscapes(True), 19, {0: "road", 13: "car", 18: "bicycle"}),
    ],
    ids=["ade20k", "camvid", "pascal-voc", "cityscapes"],
)
def test_known_tables(table: ClassTable, count: int, some: dict[int, str]) -> None:
    assert len(table.names) == len(set(table.names)) == count
    assert table.palette.shape == (count, 3)
    assert len({tuple(colour) for colour in table.palette.tolist()}) == count
    assert {index: table.names[index] for index in some} == some


def test_the_ids_of_cityscapes_that_are_no_class_are_ignored() -> None:
    table = cityscapes(False)
    assert len(table.values) == 19
    assert sorted([*table.values, *table.ignored]) == list(range(34))


def test_names_stand_on_lines(tmp_path: Path) -> None:
    path = tmp_path / "classes.txt"
    path.write_text("road\r\n traffic light \n\ncar\n")
    assert read_class_table(path).names == ("road", "traffic light", "car")


def test_a_table_is_written_and_read_again(tmp_path: Path) -> None:
    table = ClassTable(("a", "b"), np.array([[1, 2, 3], [4, 5, 6]], np.uint8), ignored=(9,), values=(7, 26))
    write_class_table(tmp_path / "classes.json", table)
    again = read_class_table(tmp_path / "classes.json")
    assert np.array_equal(again.palette, table.palette)
    assert (again.names, again.ignored, again.values) == (table.names, table.ignored, table.values)


def test_a_list_of_names_is_enough(tmp_path: Path) -> None:
    path = tmp_path / "classes.json"
    path.write_text('["a", "b"]')
    assert read_class_table(path).names == ("a", "b")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "no list of class names"),
        ({"classes": []}, "no list of class names"),
        ({"classes": ["a", 3]}, "no list of class names"),
        ({"classes": ["a", "b", "a"]}, "two classes 'a'"),
        ({"classes": [str(k) for k in range(255)]}, "255 classes, over the limit of 254"),
        ({"classes": ["a"], "ignored": [300]}, r"ignored is \[300\]"),
        ({"classes": ["a"], "values": [1, 2]}, "2 values for 1 classes"),
        ({"classes": ["a", "b"], "values": [1, 1]}, "2 values for 2 classes; give each class one of its own"),
        ({"classes": ["a"], "zero_is_ignored": 1}, "zero_is_ignored is 1"),
        ({"classes": ["a"], "values": [1], "zero_is_ignored": True}, "put 0 into ignored"),
        ({"classes": ["a"], "palette": [[1, 2]]}, r"no list of 1 colours \[r, g, b\]"),
        ({"classes": ["a"], "palette": [[1, 2, 256]]}, "no list of 1 colours"),
        ({"classes": ["a"], "palette": "red"}, "no list of 1 colours"),
    ],
)
def test_what_is_wrong_with_a_table_is_said(tmp_path: Path, content: object, message: str) -> None:
    path = tmp_path / "classes.json"
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=rf"classes\.json: .*{message}"):
        read_class_table(path)


def test_files_that_are_no_tables(tmp_path: Path) -> None:
    path = tmp_path / "classes.json"
    path.write_text("{")
    with pytest.raises(InputError, match="is no JSON"):
        read_class_table(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_class_table(tmp_path / "none.txt")


def test_tables_by_name(tmp_path: Path) -> None:
    assert named_class_table("camvid").names == camvid().names
    (tmp_path / "my.txt").write_text("a\nb\n")
    assert named_class_table(str(tmp_path / "my.txt")).names == ("a", "b")
    with pytest.raises(InputError, match="no class table is called 'coco': there are ade20k, camvid, cityscapes"):
        named_class_table("coco")
