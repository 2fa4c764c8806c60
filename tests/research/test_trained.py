"""Experiments that train go on from one checkpoint in several ways."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tamis.datasets import open_dataset
from tamis.errors import InputError
from tamis.research.claims import find_study, run_study
from tamis.research.study import Setting
from tamis.research.trained import write_labels
from tamis.segmentors.plain_vit.network import SHAPES, SegNext
from tamis.segmentors.plain_vit.weights import save_segnext
from tests.research.test_study import Disc

SURE = Disc(outside=0.001)


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    """Six pictures with a bright square each, and a network that knows nothing."""
    for folder in ("images", "masks"):
        (tmp_path / "data" / folder).mkdir(parents=True)
    for number in range(6):
        labels = np.zeros((64, 64), np.uint8)
        labels[10 : 40 + number, 12 : 45 + number] = 1
        Image.fromarray(labels).save(tmp_path / "data" / "masks" / f"{number}.png")
        Image.fromarray(np.repeat(labels[..., None] * np.uint8(180), 3, 2)).save(
            tmp_path / "data" / "images" / f"{number}.png"
        )
    torch.manual_seed(0)
    save_segnext(tmp_path / "start.pth", SegNext(SHAPES["tiny"]))
    dataset = open_dataset("folder", tmp_path / "data", "")
    place = f"folder={tmp_path / 'data'}:"
    return Setting(SURE, dataset, 0, tmp_path / "out", tmp_path / "start.pth", 8, (place,))


@pytest.mark.parametrize("name", ["one-or-many", "distillation"])
def test_ways_are_compared_with_the_first_and_with_the_start(name: str, setting: Setting) -> None:
    found = run_study(find_study(name), setting, limit=3)
    ways = [row["way"] for row in found.rows]
    assert ways[:2] == [{"one-or-many": "one positive click", "distillation": "true masks"}[name], "the start"]
    assert found.rows[0]["difference"] == 0
    assert {row["masks"] for row in found.rows} == {3}
    assert len(list(setting.out.glob("run-*/checkpoints/000.pth"))) == len(ways) - 1


def test_a_models_confident_masks_become_a_dataset(setting: Setting, tmp_path: Path) -> None:
    images, masks = write_labels(SURE, setting, tmp_path / "taught", images=2)
    assert images == 2
    assert masks >= 2
    dataset = open_dataset("folder", tmp_path / "taught", "")
    assert sum(len(list(sample.targets())) for sample in dataset.samples) == masks


def test_no_confident_mask_is_told(setting: Setting) -> None:
    doubtful = replace(setting, segmentor=Disc(outside=0.45))
    with pytest.raises(InputError, match="masks of disc: no mask was confident enough"):
        find_study("distillation").run(doubtful)
