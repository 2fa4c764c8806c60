"""What training holds out is what evaluation measures: the two lists cannot drift apart."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch")

from tamis.datasets import open_dataset
from tamis.training.photographs import read_photographs


def test_val10_is_what_is_never_trained_on(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    rng = np.random.default_rng(0)
    names = [f"{rng.integers(10**6):x}" for _ in range(33)]
    mask = np.zeros((8, 8), np.uint8)
    mask[2:6, 2:6] = 255
    for number, name in enumerate(names):
        Image.new("RGB", (8, 8)).save(tmp_path / "images" / f"{name}.{('jpg', 'png')[number % 2]}")
        Image.fromarray(mask).save(tmp_path / "masks" / f"{name}.png")
    measured = [sample.name for sample in open_dataset("duts", tmp_path, "val10").samples]
    others = [sample.name for sample in open_dataset("duts", tmp_path, "train90").samples]
    for split, expected in (("held-out", measured), ("validation", measured), ("training", others)):
        assert [photograph.name for photograph in read_photographs("duts", tmp_path, split, 0)] == expected
    assert len(measured) == 4
