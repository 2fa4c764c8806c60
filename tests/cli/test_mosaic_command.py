import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tamis.arrays import ImageArray
from tamis.datasets import open_dataset
from tamis.errors import InputError
from tamis.jobs.mosaic import cells, composed, generated_texture, write_mosaics
from tamis.segmentors import load_segmentor

Tamis = Callable[..., tuple[int, str, str]]


def plain(value: int) -> ImageArray:
    return np.full((50, 70, 3), value, np.uint8)


def test_every_patch_shows_its_texture() -> None:
    rng = np.random.default_rng(0)
    truth = cells(4, rng, side=60)
    assert np.unique(truth).tolist() == [0, 1, 2, 3]
    mosaic = composed([plain(10 * i) for i in range(4)], truth, rng)
    assert (mosaic.image == 10 * truth[..., None]).all()


def test_textures_differ_and_are_the_same_again() -> None:
    first, second = (generated_texture(np.random.default_rng(seed), 64) for seed in (1, 2))
    assert (first == generated_texture(np.random.default_rng(1), 64)).all()
    assert (first != second).mean() > 0.5


def test_a_folder_of_mosaics_is_a_dataset(tamis: Tamis, tmp_path: Path) -> None:
    out = tmp_path / "mosaics"
    arguments = ["--out", out, "--count", 2, "--patches", 3, "--segmentor", "hierarchy"]
    code, said, err = tamis("mosaic", *arguments)
    assert (code, err) == (0, "")
    assert said.startswith("mosaic 0: mIoU 0.")
    samples = open_dataset("folder", out).samples
    assert len(samples) == 2
    assert len(list(samples[0].targets())) == 3
    results = json.loads((out / "results.json").read_text())
    assert [len(mosaic["ious"]) for mosaic in results["mosaics"]] == [3, 3]
    assert (out / "shown" / "1-partition.png").exists()


def test_given_textures_are_used(tamis: Tamis, tmp_path: Path) -> None:
    for value in (40, 200):
        Image.fromarray(plain(value)).save(tmp_path / f"{value}.png")
    arguments = ["--images", tmp_path / "*.png", "--count", 1, "--patches", 2, "--segmentor", "hierarchy"]
    code, said, _ = tamis("mosaic", "--out", tmp_path / "out", *arguments)
    assert code == 0
    assert "mosaic 0: mIoU 1.000" in said
    with Image.open(tmp_path / "out" / "images" / "0.png") as file:
        assert np.unique(np.asarray(file)).tolist() == [40, 200]


def test_a_mosaic_of_one_patch_is_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="2 to 255 are possible"):
        write_mosaics(tmp_path, load_segmentor("hierarchy"), patches=1)
