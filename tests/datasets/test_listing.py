from collections.abc import Iterator
from pathlib import Path

import pytest

from tamis.datasets.listing import (
    IMAGES_WITHOUT_MASKS,
    MASKS_WITHOUT_IMAGES,
    SAME_NAME,
    LayoutError,
    files_in,
    folders_in,
    pair,
    require_file,
    require_folder,
    together,
)
from tamis.datasets.protocol import Target


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("b.jpg", "a.png", "a.jpg", "x/c.PNG", "x/y/d.png", ".hidden.png", "e.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return tmp_path


def none_of(mask: str) -> Iterator[Target]:
    return iter(())


def test_files_are_listed_once_by_name(tree: Path) -> None:
    found = files_in(tree)
    assert list(found.paths) == ["a", "b"]
    assert found.repeated == ("a.png",)
    assert list(files_in(tree, deep=True).paths) == ["a", "b", "x/c", "x/y/d"]
    assert list(files_in(tree, {".txt"}).paths) == ["e"]
    assert [folder.name for folder in folders_in(tree)] == ["x"]


def test_links_in_a_circle_end(tree: Path) -> None:
    (tree / "x" / "up").symlink_to(tree, target_is_directory=True)
    assert "x/y/d" in files_in(tree, deep=True).paths


def test_what_has_no_partner_is_listed(tree: Path) -> None:
    listing = pair(files_in(tree), {"b": "b", "z": "z"}, none_of, ["b.png"])
    assert [sample.name for sample in listing.samples] == ["b"]
    assert listing.unmatched == {
        IMAGES_WITHOUT_MASKS: ("a",),
        MASKS_WITHOUT_IMAGES: ("z",),
        SAME_NAME: ("a.png", "b.png"),
    }
    both = together([("1/", listing), ("2/", listing)])
    assert [sample.name for sample in both.samples] == ["1/b", "2/b"]
    assert both.unmatched[IMAGES_WITHOUT_MASKS] == ("1/a", "2/a")


def test_what_must_be_there(tree: Path) -> None:
    assert require_folder(tree) == tree
    assert require_file(tree / "e.txt") == tree / "e.txt"
    for ask in (lambda: require_folder(tree / "q"), lambda: require_file(tree / "q"), lambda: files_in(tree / "q")):
        with pytest.raises(LayoutError, match="there is no such"):
            ask()
