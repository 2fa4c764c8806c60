from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tamis.datasets import Dataset, open_dataset
from tamis.datasets.inspection import Inspection, image_size, inspect_dataset

Save = Callable[..., Path]
Synthetic = Callable[..., Path]


def test_a_whole_dataset_has_no_problems(synthetic: Synthetic) -> None:
    dataset = open_dataset("berkeley", synthetic("berkeley", scenes=3))
    done: list[str] = []
    found = inspect_dataset(dataset, done.append)
    assert found == Inspection(images=3, masks=3, ignoring=3, smallest_side=72, largest_side=96, published=(100, 100))
    assert done == ["000", "001", "002"]


def test_every_problem_is_named_and_the_rest_is_counted(save: Save, tmp_path: Path) -> None:
    for name in "abcde":
        save(f"images/{name}.png", np.zeros((4, 6, 3), np.uint8))
        save(f"masks/{name}.png", np.ones((4, 6), np.uint8))
    save("masks/b.png", np.zeros((4, 6), np.uint8))
    save("masks/c.png", np.ones((4, 7), np.uint8))
    (tmp_path / "masks" / "d.png").write_bytes(b"cut")
    (tmp_path / "images" / "e.png").write_bytes(b"")
    found = inspect_dataset(open_dataset("folder", tmp_path))
    assert (found.images, found.masks, found.empty) == (3, 3, ["b: 1"])
    assert len(found.problems) == 3
    for problem, part in zip(
        found.problems,
        ("c.png: mask 1 is 7x4 but the image 6x4", "d.png: not a mask", "e.png: the file is empty"),
        strict=True,
    ):
        assert part in problem


def test_soft_masks_in_a_folder_get_a_hint(save: Save, tmp_path: Path) -> None:
    save("images/a.png", np.zeros((4, 6, 3), np.uint8))
    save("masks/a.png", np.array([[0, 255, 255], [0, 90, 255]], np.uint8))
    assert "try folder-binary" in inspect_dataset(open_dataset("folder", tmp_path)).hints[0]
    assert not inspect_dataset(open_dataset("folder-binary", tmp_path)).hints


def test_pillows_own_limit_on_pixels_is_no_damage(save: Save, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save("images/large.png", np.zeros((20, 30, 3), np.uint8))
    save("masks/large.png", np.ones((20, 30), np.uint8))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    found = inspect_dataset(open_dataset("folder", tmp_path))
    assert (found.images, found.problems) == (1, [])


def test_the_size_of_a_turned_photograph(save: Save, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    save("images/a.jpg", np.zeros((4, 6, 3), np.uint8), exif=exif)
    save("masks/a.png", np.ones((6, 4), np.uint8))
    (sample,) = open_dataset("folder", tmp_path).samples
    assert image_size(sample) == sample.image().shape[:2] == (6, 4)
    assert not inspect_dataset(open_dataset("folder", tmp_path)).problems


REAL = {
    "bsds500": ("bsds500", "test", 100),
    "davis": ("davis", "2016/dev", 45),
    "berkeley": ("berkeley", None, 83),
    "coco-mval": ("coco_mval", None, 230),
    "duts": ("duts", "val10", 195),
    "weizmann-horses": ("weizmann_horses", None, 256),
    "leeds-butterflies": ("leeds_butterflies", None, 160),
    "feral-cats": ("feral_cats", None, 110),
    "dsb2018": ("dsb2018", None, 150),
    "camvid": ("camvid", "val", 101),
    "coco128-seg": ("coco128_seg", None, 77),
    "crackforest": ("crackforest", None, 118),
    "cwfid": ("cwfid", None, 36),
    "folder": ("hypersim_sample", None, 1),
}


@pytest.mark.parametrize("name", REAL)
def test_real_datasets_are_read_as_they_are(name: str, data: Path) -> None:
    folder, split, count = REAL[name]
    if not (data / folder).is_dir():
        pytest.skip(f"real images: no folder {folder}")
    dataset = open_dataset(name, data / folder, split)
    assert len(dataset.samples) == count
    assert not dataset.unmatched
    step = max(1, count // 10)
    some = Dataset(**{**vars(dataset), "samples": dataset.samples[::step]})
    found = inspect_dataset(some)
    assert not found.problems
    assert not found.empty
    assert found.masks >= found.images > 0
