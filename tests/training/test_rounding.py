from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnxscript")

import torch
from click.testing import CliRunner

from tamis.cli.train_command import command
from tamis.errors import InputError
from tamis.training.pixel_correction_network import PixelCorrectionNetwork
from tamis.training.recipe import RunConfig, round_pixel_corrections
from tamis.training.rounding import FLOATING
from tamis.training.sources import parse_source
from tamis.training.stored import SHIPPED, load_pixel_corrections
from tamis.training.whole_numbers import Bytes, RoundedConvolution
from tests.training.scenes import scenes


@pytest.fixture
def duts(tmp_path: Path) -> str:
    for folder in ("images", "masks"):
        (tmp_path / "duts" / folder).mkdir(parents=True)
    for i, scene in enumerate(scenes(3, side=128)):
        cv2.imwrite(str(tmp_path / "duts" / "images" / f"{i:02}.png"), scene.image)
        cv2.imwrite(str(tmp_path / "duts" / "masks" / f"{i:02}.png"), (scene.maps[0] == 2).astype(np.uint8))
    return f"duts={tmp_path / 'duts'}"


def test_stage_d_is_rounded_once_by_clicks_on_photographs(duts: str, tmp_path: Path) -> None:
    weights = tmp_path / "rounded.pt"
    said = CliRunner().invoke(
        command, ["round", "--data", duts, "--pixel-corrections", "embedded", "--out", str(weights)]
    )
    assert said.output == f"{weights}: rounded by 2 photographs\n"
    network = load_pixel_corrections(weights, PixelCorrectionNetwork())
    floating = {name for name, each in network.answer.named_modules() if type(each).__name__ == "Conv2d"}
    assert {name for name in floating if not name.endswith(".convolution")} == set(FLOATING)
    assert sum(isinstance(each, RoundedConvolution) for each in network.modules()) == 19
    assert all(int(each.shown) > 2 for each in network.modules() if isinstance(each, Bytes))
    config = RunConfig(out=tmp_path, sources=(parse_source(duts),))
    with pytest.raises(InputError, match="rounded already"):
        round_pixel_corrections(config, weights, tmp_path / "again.pt")


def test_stage_d_learns_on_from_the_model_in_the_box(duts: str, tmp_path: Path) -> None:
    """In floating point, without norms, and as well as it was."""
    run = tmp_path / "run"
    said = CliRunner().invoke(
        command,
        [
            "pixel-corrections",
            "--data",
            duts,
            "--start",
            "embedded",
            "--out",
            str(run),
            "--steps",
            "1",
            "--threads",
            "1",
        ],
    )
    assert said.exit_code == 0, said.output
    before = load_pixel_corrections(SHIPPED, PixelCorrectionNetwork()).state_dict()
    after = load_pixel_corrections(run / "best.pt", PixelCorrectionNetwork()).state_dict()
    for name, values in before.items():
        torch.testing.assert_close(after[name], values, atol=1e-2, rtol=1e-2)
