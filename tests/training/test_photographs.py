from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
import cv2

from tamis.datasets.supervision import Kind
from tamis.errors import InputError
from tamis.training.packing import read_packs, write_packs
from tamis.training.photographs import Photograph, read_photographs
from tamis.training.synthetic import synthetic_photograph


def photograph(kind: Kind = Kind.SINGLE, side: int = 96) -> Photograph:
    rng = np.random.default_rng(0)
    labels = np.zeros((side, side), np.int16)
    labels[side // 4 : -side // 4, side // 4 : -side // 4] = 1
    return Photograph("some", "name", kind, rng.integers(0, 256, (side, side, 3), dtype=np.uint8), (labels,))


def write_set(root: Path, count: int) -> None:
    (root / "images").mkdir(parents=True)
    (root / "masks").mkdir()
    for i in range(count):
        one = photograph()
        cv2.imwrite(str(root / "images" / f"{i:02}.png"), one.image)
        cv2.imwrite(str(root / "masks" / f"{i:02}.png"), one.maps[0].astype(np.uint8))


def test_every_tenth_file_is_held_out_and_never_trained_on(tmp_path: Path) -> None:
    write_set(tmp_path / "duts", 12)
    training = [p.name for p in read_photographs("duts", tmp_path / "duts", "training", 0)]
    measured = [p.name for p in read_photographs("duts", tmp_path / "duts", "held-out", 0)]
    assert measured == ["00", "10"]
    assert sorted(training + measured) == [f"{i:02}" for i in range(12)]


def test_benchmark_photographs_are_in_no_training_split(tmp_path: Path) -> None:
    for part, name in (("train", "1"), ("train", "2"), ("val", "3")):
        (tmp_path / "bsds500" / "images" / part).mkdir(parents=True, exist_ok=True)
        (tmp_path / "bsds500" / "segments" / part).mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(tmp_path / "bsds500" / "images" / part / f"{name}.jpg"), np.zeros((32, 32, 3), np.uint8))
        cv2.imwrite(str(tmp_path / "bsds500" / "segments" / part / f"{name}_0.png"), np.ones((32, 32), np.uint16))
    (tmp_path / "berkeley").mkdir()
    (tmp_path / "berkeley" / "pairs.csv").write_text("mask,image,mask_pixels\n1.png,bsds500/images/train/1.jpg,9\n")
    names = [p.name for p in read_photographs("bsds500", tmp_path / "bsds500", "training", 0)]
    assert names == ["3"]  # of two that are left, the first is for validation
    names = [p.name for p in read_photographs("bsds500", tmp_path / "bsds500", "validation", 0)]
    assert names == ["2"]


def test_davis_is_refused_for_training(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="never trained on"):
        list(read_photographs("davis", tmp_path, "training", 0))


def test_unknown_names_and_empty_folders_are_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="choose from"):
        list(read_photographs("nothing", tmp_path, "training", 0))
    with pytest.raises(InputError, match="no photographs"):
        list(read_photographs("duts", tmp_path, "training", 0))


def test_a_photograph_without_masks_is_an_error(tmp_path: Path) -> None:
    write_set(tmp_path / "duts", 3)
    (tmp_path / "duts" / "masks" / "01.png").unlink()
    with pytest.raises(InputError, match="1 images of duts have no masks, such as 01"):
        list(read_photographs("duts", tmp_path / "duts", "training", 0))


def test_photographs_are_reduced_with_their_maps(tmp_path: Path) -> None:
    write_set(tmp_path / "duts", 2)
    one = next(read_photographs("duts", tmp_path / "duts", "training", 48))
    assert one.image.shape == (48, 48, 3)
    assert one.maps[0].shape == (48, 48)
    assert one.maps[0].mean() == pytest.approx(0.25, abs=0.02)


def test_a_pack_holds_the_same_maps_and_nearly_the_same_pixels(tmp_path: Path) -> None:
    smooth = Photograph(
        "some",
        "a",
        Kind.INSTANCES,
        np.full((40, 60, 3), (200, 30, 90), np.uint8),
        (photograph().maps[0][:40, :60] - 1,),
    )
    files = write_packs(tmp_path / "a.pack", {"some": [smooth]}, [photograph()])
    assert files == [tmp_path / "a.pack"]
    training, validation = read_packs(files)
    again = training["some"][0]
    assert (again.kind, again.name, again.dataset) == (Kind.INSTANCES, "a", "some")
    np.testing.assert_array_equal(again.maps[0], smooth.maps[0])
    assert np.abs(again.image.astype(int) - smooth.image).max() < 12
    assert len(validation) == 1


def test_a_pack_that_is_none_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a pack"):
        read_packs([tmp_path / "missing"])


def test_synthetic_scenes_are_partitions() -> None:
    scene = synthetic_photograph(np.random.default_rng(1), size=64)
    assert scene.kind is Kind.PARTITION
    assert scene.image.shape == (64, 64, 3)
    assert scene.maps[0].min() >= 1


def test_packs_are_of_a_bounded_size_and_lose_nothing(tmp_path: Path) -> None:
    many = {"some": [photograph() for _ in range(8)]}
    files = write_packs(tmp_path / "a.pack", many, [photograph()], most_bytes=20_000)
    assert [file.name for file in files[:3]] == ["a.pack", "a.2.pack", "a.3.pack"]
    assert all(file.stat().st_size <= 20_000 for file in files)
    training, validation = read_packs(files)
    assert {name: len(each) for name, each in training.items()} == {"some": 8}
    assert len(validation) == 1


def test_a_folder_may_say_itself_what_its_labels_mean(tmp_path: Path) -> None:
    write_set(tmp_path / "mine", 3)
    (tmp_path / "mine" / "META.json").write_text('{"kind": "partition", "unknown": 0}')
    one = next(read_photographs("mine", tmp_path / "mine", "training", 0))
    assert one.kind is Kind.PARTITION
    assert set(np.unique(one.maps[0])) == {-1, 1}
    (tmp_path / "mine" / "META.json").write_text('{"kind": "some"}')
    with pytest.raises(InputError, match="partition, instances, single"):
        next(read_photographs("mine", tmp_path / "mine", "training", 0))
