"""Masks follow the content of files that were renamed."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.annotation import Project
from tamis.annotation.renames import Entry, planned_renames


def plan(known: dict[str, tuple[int, str | None]], files: dict[str, str]) -> dict[int, str]:
    """What is planned when `files` (contents by name) are found where `known` (id and content worked on) was."""
    before = {name: sha for name, (_, sha) in known.items()}
    entries = {
        name: Entry(image_id, sha, sha is None or files.get(name) != before[name])
        for name, (image_id, sha) in known.items()
    }
    return planned_renames(entries, set(files), files.get)


@pytest.mark.parametrize(
    ("known", "files", "wanted"),
    [
        ({"a": (1, "x")}, {"a": "x", "b": "y"}, {}),
        ({"a": (1, "x")}, {"b": "x"}, {1: "b"}),
        ({"a": (1, "x")}, {"a": "y"}, {}),
        ({"a": (1, "x")}, {"a": "y", "b": "x"}, {1: "b"}),
        ({"a": (1, "x"), "b": (2, "y")}, {"a": "y", "b": "x"}, {1: "b", 2: "a"}),
        ({"a": (1, "x"), "b": (2, "y"), "c": (3, "z")}, {"b": "x", "c": "y", "d": "z"}, {1: "b", 2: "c", 3: "d"}),
        ({"a": (1, "x"), "b": (2, None)}, {"a": "new", "b": "x"}, {1: "b", 2: "a"}),
        ({"a": (1, "x"), "b": (2, "y")}, {"b": "x"}, {}),  # b's own content is nowhere: both stay as they are
        ({"a": (1, "x"), "b": (2, "y"), "c": (3, "z")}, {"b": "x", "c": "y"}, {}),  # and so along a chain
        ({"a": (1, "x"), "b": (2, "x")}, {"c": "x", "d": "x"}, {1: "c", 2: "d"}),
        ({"a": (1, "x"), "b": (2, "x")}, {"c": "x"}, {1: "c"}),
    ],
)
def test_plans(known: dict[str, tuple[int, str | None]], files: dict[str, str], wanted: dict[int, str]) -> None:
    assert plan(known, files) == wanted


@given(
    st.lists(st.sampled_from("abcdef"), unique=True, min_size=1).flatmap(
        lambda names: st.tuples(
            st.just(names), st.permutations(names), st.lists(st.booleans(), min_size=len(names), max_size=len(names))
        )
    )
)
def test_any_shuffle_of_names_is_followed(shuffle: tuple[list[str], list[str], list[bool]]) -> None:
    names, places, worked_on = shuffle
    known: dict[str, tuple[int, str | None]] = {
        name: (number, f"content {number}" if work else None)
        for number, (name, work) in enumerate(zip(names, worked_on, strict=True))
    }
    files = {place: f"content {number}" for number, place in enumerate(places)}
    planned = plan(known, files)
    after = {number: planned.get(number, name) for name, (number, _) in known.items()}
    assert len(set(after.values())) == len(after)
    for _, (number, content) in known.items():
        if content is not None:
            assert files[after[number]] == content


def test_a_swap_on_disk(project: Project, annotator: Callable[..., Any], save_picture: Callable[..., None]) -> None:
    anna, ben = annotator(0), annotator(1)
    anna.do("mask.set", anna.mask("hers"))
    ben.do("mask.set", ben.mask("his"))
    (project.folder / "a.png").rename(project.folder / "keep.png")
    (project.folder / "b.png").rename(project.folder / "a.png")
    (project.folder / "keep.png").rename(project.folder / "b.png")
    project.refresh()
    rows = {row.name: row for row in project.look([row.id for row in project.rows()])}
    assert list(project.drawing(rows["b.png"].id).masks) == ["hers"]
    assert list(project.drawing(rows["a.png"].id).masks) == ["his"]
    assert not any(row.changed or row.problem for row in rows.values())


def test_a_copy_beside_an_edited_image_does_not_take_its_masks(
    project: Project, annotator: Callable[..., Any], save_picture: Callable[..., None]
) -> None:
    (project.folder / "a copy.png").write_bytes((project.folder / "a.png").read_bytes())
    project.refresh()
    project.look([row.id for row in project.rows()])
    number = [row.name for row in project.rows()].index("a.png")
    anna = annotator(number)
    anna.do("mask.set", anna.mask("m"))
    save_picture(project.folder / "a.png", 99)
    project.refresh()
    rows = {row.name: row for row in project.look([row.id for row in project.rows()])}
    assert (rows["a.png"].id, rows["a.png"].changed, rows["a.png"].masks) == (anna.image_id, True, 1)
    assert rows["a copy.png"].masks == 0
