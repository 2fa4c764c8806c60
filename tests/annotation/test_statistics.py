"""Sums are those of the events."""

import csv
from collections.abc import Callable
from typing import Any

import pytest

from tamis.annotation import Project
from tamis.annotation.statistics import as_csv, statistics


def test_sums(project: Project, annotator: Callable[..., Any]) -> None:
    anna, ben = annotator(0), annotator(1, "his tab", "ben")
    dog = project.labels()[1].id
    anna.do("mask.set", anna.mask("a"), active_ms=4000, clicks=3)
    anna.do("mask.set", anna.mask("b", label=dog), active_ms=1000, clicks=1)
    anna.do("image.state", {"state": "done"}, active_ms=500)
    ben.do("mask.set", ben.mask("c", label=dog), active_ms=2500, clicks=2)
    ben.do("undo", active_ms=500, clicks=1)
    found = statistics(project)
    assert found["images"] == 3
    assert found["states"] == {
        "todo": 2,
        "progress": 0,
        "done": 1,
        "rejected": 0,
        "reviewed": 0,
        "skipped": 0,
    }
    assert (found["masks"], found["seconds"], found["clicks"]) == (2, 8.5, 7)
    assert (found["seconds_per_image"], found["seconds_per_mask"]) == (4.25, 4.25)
    first = found["per_image"][0]
    assert (first["image"], first["masks"], first["seconds"], first["seconds_per_mask"]) == ("a.png", 2, 5.5, 2.75)
    assert [(label["label"], label["masks"], label["images"]) for label in found["per_label"]] == [
        ("cat", 1, 1),
        ("dog", 1, 1),
    ]
    assert [(each["user"], each["masks"], each["seconds"], each["clicks"]) for each in found["per_user"]] == [
        ("anna", 2, 5.5, 4),
        ("ben", 1, 3.0, 3),
    ]
    # A mask costs what its events cost: 4 s and 3 clicks, 1 s and 1 click, 2.5 s and 2 clicks.
    assert [(each["seconds_per_mask"], each["clicks_per_mask"]) for each in found["per_user"]] == [(2.5, 2), (2.5, 2)]
    assert [(each["label"], each["seconds_per_mask"]) for each in found["per_label"]] == [("cat", 4.0), ("dog", 1.75)]
    assert [(each["tool"], each["masks"]) for each in found["per_tool"]] == [("unknown", 3)]
    # The finished image took 5.5 s; one that nobody has opened is left, and one that 3 s have gone into.
    assert found["seconds_left"] == 5.5 + 2.5


def test_what_is_left_with_the_assistant_is_estimated_from_what_it_has_begun(
    project: Project, annotator: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tamis.annotation.statistics.ENOUGH", 1)
    anna, ben = annotator(0), annotator(1, "his tab", "ben")
    anna.do("mask.set", anna.mask("a"), active_ms=9000)
    anna.do("image.state", {"state": "done"})
    assert statistics(project)["seconds_left_assisted"] is None  # it has begun nothing
    ben.do("mask.set", {**ben.mask("b"), "tool": "assistant"}, active_ms=2000)
    ben.do("mask.set", {**ben.mask("b"), "tool": "brush"}, active_ms=1000)  # its correction
    ben.do("image.state", {"state": "done"})
    assert (statistics(project)["seconds_left_assisted"], statistics(project)["seconds_left"]) == (3.0, 6.0)
    monkeypatch.setattr("tamis.annotation.statistics.ENOUGH", 2)
    assert statistics(project)["seconds_left_assisted"] is None  # one image is a guess


def test_nothing_done_yet(project: Project) -> None:
    found = statistics(project)
    assert (found["masks"], found["seconds"], found["seconds_per_mask"], found["per_user"]) == (0, 0, None, [])


@pytest.mark.parametrize("name", ["=1+2.png", "a,b.png", 'say "hi".png'])
def test_csv_is_one_line_for_each_image(name: str) -> None:
    row = {"image": name, "state": "todo", "masks": 1, "seconds": 1.23456, "clicks": 0, "seconds_per_mask": None}
    head, line = csv.reader(as_csv({"per_image": [row]}).splitlines())
    assert head == ["image", "state", "masks", "seconds", "clicks", "seconds_per_mask"]
    assert line == ["'" + name if name.startswith("=") else name, "todo", "1", "1.235", "0", ""]
