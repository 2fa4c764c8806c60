"""Click tools exported as ONNX answer as by torch, and run without it."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tamis.errors import InputError
from tamis.segmentors import click_tool_export, load_segmentor
from tamis.segmentors.click_tool_export import export_click_tool
from tamis.segmentors.clickseg.model import ClickTool
from tamis.segmentors.clickseg.refiner import Refiner
from tamis.segmentors.clickseg.settings import FOCALCLICK
from tamis.segmentors.clickseg.torch_runner import TorchRunner
from tamis.segmentors.memory import ready
from tamis.segmentors.plain_vit.network import SHAPES, SegNext
from tamis.segmentors.plain_vit.weights import save_segnext
from tests.segmentors.peers import picture


class Small(nn.Module):
    """A first look of two filters, and FocalClick's second look."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(6, 1, 3, padding=1)
        self.features = nn.Conv2d(6, 8, 4, stride=4)
        self.refiner = Refiner(8)

    def forward(self, image: Tensor, maps: Tensor) -> tuple[Tensor, Tensor]:
        both = torch.cat([image, maps], dim=1)
        return self.first(both), self.features(both)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Exports of a SegNext and of a network with a second look."""
    place = tmp_path_factory.mktemp("exports")
    torch.manual_seed(0)
    save_segnext(place / "000.pth", SegNext(SHAPES["tiny"]))
    focal = ClickTool("focalclick", TorchRunner(*ready(Small().eval(), "cpu")), replace(FOCALCLICK, size=32), "0" * 64)
    with pytest.MonkeyPatch.context() as patched:
        for name in ("segnext", "focalclick"):
            parity = export_click_tool(f"{name}:{place}/000.pth", place / name, [picture(60, 80)])
            assert parity.answers == 3
            assert parity.largest < 1e-3
            assert parity.iou > 0.99
            patched.setattr(click_tool_export, "load_click_tool", lambda name, device: focal)
    return place


@pytest.mark.parametrize("family", ["segnext", "focalclick"])
def test_an_export_is_a_segmentor_like_any_other(family: str, folder: Path) -> None:
    tool: Any = load_segmentor(f"{family}:{folder / family}")
    assert len(tool.weights_sha256) == 64
    assert (folder / family / "export.json").read_text().count("parity") == 1
    with pytest.raises(InputError, match="the size of an export is fixed"):
        load_segmentor(f"{family}:{folder / family}@32")


def test_an_export_runs_without_torch(folder: Path) -> None:
    program = (
        "import sys; sys.modules['torch'] = None\n"
        "import numpy as np, tamis\n"
        f"encoded = tamis.load('segnext:{folder}/segnext').encode(np.zeros((30, 40, 3), np.uint8))\n"
        "print(encoded.predict([(3, 4)]).mask.shape)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "(30, 40)"


def test_an_export_of_another_family_is_refused(folder: Path) -> None:
    with pytest.raises(InputError, match="is an export of focalclick"):
        load_segmentor(f"segnext:{folder}/focalclick")
    with pytest.raises(InputError, match="is an export already"):
        export_click_tool(f"segnext:{folder}/segnext", folder / "again")
    assert np.all([(folder / name / "export.json").is_file() for name in ("segnext", "focalclick")])
