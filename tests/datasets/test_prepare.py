from collections.abc import Callable
from pathlib import Path

import pytest

from tamis.datasets import open_dataset
from tamis.datasets.prepare import Preparation, prepare_cocolvis
from tamis.errors import InputError

Synthetic = Callable[..., Path]


@pytest.fixture
def raw(synthetic: Synthetic, tmp_path: Path) -> Path:
    """COCO as downloaded, of whose photographs one of val lies in train2017; and a dataset without images."""
    root = synthetic("cocolvis", "val", scenes=5)
    raw = tmp_path / "raw"
    for name in ("train2017", "val2017"):
        (raw / name).mkdir(parents=True)
    for k, path in enumerate(sorted((root / "val" / "images").iterdir())):
        path.rename(raw / ("train2017" if k == 2 else "val2017") / path.name)
    (root / "val" / "images").rmdir()
    return raw


def test_photographs_are_linked_from_both_folders(raw: Path, tmp_path: Path) -> None:
    root = tmp_path / "cocolvis"
    assert prepare_cocolvis(raw, root) == [Preparation("val", 5, 5, (), ())]
    dataset = open_dataset("cocolvis", root)
    assert len(dataset.samples) == 5
    assert not dataset.unmatched
    assert all(path.is_symlink() for path in (root / "val" / "images").iterdir())
    assert dataset.samples[2].image().size


def test_it_is_safe_to_repeat(raw: Path, tmp_path: Path) -> None:
    root = tmp_path / "cocolvis"
    prepare_cocolvis(raw, root)
    own = root / "val" / "images" / "000000000001.jpg"
    content = own.read_bytes()
    own.unlink()
    own.write_bytes(content)
    broken = root / "val" / "images" / "000000000002.jpg"
    broken.unlink()
    broken.symlink_to(tmp_path / "gone.jpg")
    assert prepare_cocolvis(raw, root) == [Preparation("val", 5, 1, (), ())]
    assert not own.is_symlink()
    assert broken.exists()
    assert prepare_cocolvis(raw, root) == [Preparation("val", 5, 0, (), ())]


def test_annotations_may_lie_beside_the_photographs(raw: Path, tmp_path: Path) -> None:
    (tmp_path / "cocolvis" / "val").rename(raw / "val")
    root = tmp_path / "new"
    assert prepare_cocolvis(raw, root) == [Preparation("val", 5, 5, (), ())]
    assert len(open_dataset("cocolvis", root).samples) == 5
    assert not (raw / "val" / "images").exists()


def test_what_is_missing_is_named(raw: Path, tmp_path: Path) -> None:
    root = tmp_path / "cocolvis"
    (raw / "train2017" / "000000000003.jpg").unlink()
    (root / "val" / "masks" / "000000000001.pickle").unlink()
    assert prepare_cocolvis(raw, root) == [Preparation("val", 5, 4, ("000000000003",), ("000000000001",))]
    dataset = open_dataset("cocolvis", root)
    assert len(dataset.samples) == 3
    assert dataset.unmatched == {
        "images without masks": ("000000000001",),
        "masks without images": ("000000000003",),
    }


def test_a_link_made_by_hand_is_not_written_into(raw: Path, tmp_path: Path) -> None:
    root = tmp_path / "cocolvis"
    (root / "val" / "images").symlink_to(raw / "val2017")
    assert prepare_cocolvis(raw, root) == [Preparation("val", 5, 0, ("000000000003",), ())]
    assert len(list((raw / "val2017").iterdir())) == 4


def test_without_photographs_or_annotations_it_says_so(raw: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="neither train2017 nor val2017"):
        prepare_cocolvis(tmp_path, tmp_path / "cocolvis")
    with pytest.raises(InputError, match=r"neither train/hannotation\.pickle nor val/hannotation\.pickle"):
        prepare_cocolvis(raw, tmp_path / "empty")
