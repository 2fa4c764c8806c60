"""Click tools exported as ONNX answer as by torch, and run without it."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tamis.errors import InputError
from tamis.segmentors import load_segmentor
from tamis.segmentors.click_tool_export import export_click_tool
from tamis.segmentors.clickseg import weights
from tamis.segmentors.clickseg.networks import FocalSegFormer
from tamis.segmentors.clickseg.segformer import MixShape
from tamis.segmentors.plain_vit.network import SHAPES, SegNext
from tamis.segmentors.plain_vit.weights import save_segnext
from tests.segmentors.peers import picture


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Exports of a SegNext and of a network with a second look."""
    place = tmp_path_factory.mktemp("exports")
    torch.manual_seed(0)
    save_segnext(place / "000.pth", SegNext(SHAPES["tiny"]))
    shape = MixShape((8, 16, 16, 32), (1, 1, 1, 1), 16, (1, 1, 1, 1))
    options = {"pipeline_version": {"value": "s1"}, "model_version": {"value": "b0"}}
    state = FocalSegFormer(shape, halved=True).state_dict()
    torch.save({"state_dict": state, "config": {"class": "x.SegFormerModel", "params": options}}, place / "b0.pth")
    monkeypatched = pytest.MonkeyPatch()
    monkeypatched.setattr(weights, "SHAPES", {"b0": shape})
    for name, size in {"segnext": f"segnext:{place}/000.pth", "focalclick": f"focalclick:{place}/b0.pth@64"}.items():
        parity = export_click_tool(size, place / name, [picture(60, 80)])
        assert parity.answers == 3
        assert parity.largest < 1e-3
        assert parity.iou > 0.99
    monkeypatched.undo()
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
