import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tamis.datasets import find_dataset, list_datasets, open_dataset, splits_of
from tamis.errors import InputError, UnavailableError

Synthetic = Callable[..., Path]


def test_every_entry_is_complete() -> None:
    entries = list_datasets()
    assert len({entry.name for entry in entries}) == len(entries)
    for entry in entries:
        assert all((entry.summary, entry.licence, entry.citation, entry.tree, entry.obtain))
        assert not any("\n" in line for line in (entry.summary, entry.licence, entry.citation, entry.obtain))
        assert entry.splits or entry.finder


@pytest.mark.parametrize(
    ("typed", "meant"), [("davis354", "davis345"), ("coco_mval", "coco-mval"), ("BSDS", "bsds500")]
)
def test_an_unknown_name_gets_the_nearest(typed: str, meant: str) -> None:
    with pytest.raises(InputError, match=f"there is no dataset '{typed}'; did you mean '{meant}'"):
        open_dataset(typed, ".")


def test_a_name_like_no_other_gets_the_list() -> None:
    with pytest.raises(InputError, match="see `tamis datasets list`"):
        find_dataset("xyzzy")


@pytest.mark.parametrize("name", [entry.name for entry in list_datasets()])
@pytest.mark.parametrize("there", [False, True])
def test_a_missing_layout_is_shown_with_what_makes_it_so(name: str, there: bool, tmp_path: Path) -> None:
    root = tmp_path / "root"
    if there:
        root.mkdir()
    entry = find_dataset(name)
    with pytest.raises(InputError) as caught:
        open_dataset(name, root)
    first, blank, *rest = str(caught.value).splitlines()
    assert str(root) in first
    assert blank == ""
    assert rest[0] == f"{name} is expected as"
    for line in (*entry.tree.splitlines(), entry.obtain):
        assert f"    {line}" in rest


def test_an_empty_layout_is_said_to_be_empty(tmp_path: Path) -> None:
    for folder in ("img", "gt"):
        (tmp_path / folder).mkdir()
    (tmp_path / "img" / "a.jpg").touch()
    with pytest.raises(InputError, match=r"holds no image with a mask \(1 images without masks, such as a\)"):
        open_dataset("davis345", tmp_path)


def test_an_unknown_split_gets_the_nearest_or_the_list(synthetic: Synthetic) -> None:
    root = synthetic("hqseg44k")
    with pytest.raises(InputError, match="has no split 'vall'; did you mean 'val'"):
        open_dataset("hqseg44k", root, "vall")
    with pytest.raises(InputError, match="has no split '2017'; there is val, train"):
        open_dataset("hqseg44k", root, "2017")


def test_splits_that_lie_in_the_files_are_found(synthetic: Synthetic) -> None:
    root = synthetic("davis", "2017/val")
    (root / "ImageSets" / "2016").mkdir()
    (root / "ImageSets" / "2016" / "dev.txt").write_text("a-sequence\n")
    assert splits_of(find_dataset("davis"), root) == ("2017/val", "2016/dev")
    assert open_dataset("davis", root).split == "2017/val"
    assert {sample.name.split("/")[0] for sample in open_dataset("davis", root, "2016/dev").samples} == {"a-sequence"}
    classes = synthetic("sbd-per-class", "dog")
    assert open_dataset("sbd-per-class", classes).split == "dog"
    (classes / "cat").symlink_to(classes / "dog")
    with pytest.raises(InputError, match="has no default split; choose with --split one of cat, dog"):
        open_dataset("sbd-per-class", classes)


def test_hypersim_without_h5py_says_what_to_install(synthetic: Synthetic, monkeypatch: pytest.MonkeyPatch) -> None:
    root = synthetic("hypersim")
    monkeypatch.setitem(sys.modules, "h5py", None)
    monkeypatch.setattr("tamis.datasets.hypersim.find_spec", lambda name: None)
    with pytest.raises(UnavailableError, match=r"pip install 'tamis\[hypersim\]'"):
        open_dataset("hypersim", root)


def test_opening_reads_no_file(synthetic: Synthetic) -> None:
    for name in ("davis345", "bsds500", "sbd", "hypersim", "grabcut"):
        root = synthetic(name)
        for path in root.rglob("*.*"):
            if path.is_file() and path.suffix != ".txt":
                path.write_bytes(b"")
        assert open_dataset(name, root).samples
