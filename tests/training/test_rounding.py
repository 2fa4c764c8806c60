from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnxscript")

from click.testing import CliRunner

from tamis.cli.train_command import command
from tamis.errors import InputError
from tamis.training.pixel_correction_network import PixelCorrectionNetwork
from tamis.training.recipe import RunConfig, round_pixel_corrections
from tamis.training.rounding import FLOATING
from tamis.training.sources import parse_source
from tamis.training.stored import load_pixel_corrections
from tamis.training.whole_numbers import Bytes, RoundedConvolution
from tests.training.scenes import scenes


def test_stage_d_is_rounded_once_by_clicks_on_photographs(tmp_path: Path) -> None:
    for folder in ("images", "masks"):
        (tmp_path / "duts" / folder).mkdir(parents=True)
    for i, scene in enumerate(scenes(11, side=128)):
        cv2.imwrite(str(tmp_path / "duts" / "images" / f"{i:02}.png"), scene.image)
        cv2.imwrite(str(tmp_path / "duts" / "masks" / f"{i:02}.png"), (scene.maps[0] == 2).astype(np.uint8))
    data, weights = f"duts={tmp_path / 'duts'}", tmp_path / "rounded.pt"
    said = CliRunner().invoke(
        command, ["round", "--data", data, "--pixel-corrections", "embedded", "--out", str(weights)]
    )
    assert said.output == f"{weights}: rounded by 4 photographs\n"
    network = load_pixel_corrections(weights, PixelCorrectionNetwork())
    floating = {name for name, each in network.named_modules() if type(each).__name__ == "Conv2d"}
    assert {name for name in floating if not name.endswith(".convolution")} == set(FLOATING)
    assert sum(isinstance(each, RoundedConvolution) for each in network.modules()) == 21
    assert all(int(each.shown) > 4 for each in network.modules() if isinstance(each, Bytes))
    config = RunConfig(out=tmp_path, sources=(parse_source(data),))
    with pytest.raises(InputError, match="rounded already"):
        round_pixel_corrections(config, weights, tmp_path / "again.pt")
