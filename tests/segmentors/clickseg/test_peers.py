"""RITM, SimpleClick and FocalClick answer as their own programs do: crops, mirror images and second looks included."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tamis.clicks import Click
from tamis.errors import InputError
from tamis.segmentors import TakesMask
from tamis.segmentors.checkpoints import Peer
from tamis.segmentors.clickseg import weights
from tamis.segmentors.clickseg.model import ClickedImage, ClickTool, cut
from tamis.segmentors.clickseg.torch_runner import TorchRunner
from tamis.segmentors.memory import ready
from tests.segmentors.peers import fingerprint, golden, largest_difference, picture, state_of

CASES = {
    f"{family}-{name}": (family, case)
    for family in ("ritm", "simpleclick", "focalclick")
    for name, case in golden(family).items()
}
ANSWERED = [name for name, (_, case) in CASES.items() if "answers" in case]

MARKERS = {
    "PlainVitModel": "patch_embed_coords.proj.weight",
    "SegFormerModel": "feature_extractor.backbone.patch_embed1.proj.weight",
    "BaselineModel": "feature_extractor.lraspp.b0.0.weight",
    "HRNetModel": "feature_extractor.ocr_distri_head.conv_bn_dropout.0.weight",
}


def official(case: dict[str, Any], file: Path) -> Path:
    """A checkpoint as the peer writes it."""
    options = {name: entry["value"] for name, entry in case["config"]["params"].items()}
    kind = case["config"]["class"].rpartition(".")[2]
    known = {MARKERS[kind]: torch.zeros(0)}
    if "pipeline_version" in options:
        known["refiner.refine_pred.weight"] = torch.zeros(0)
    if kind == "PlainVitModel":
        side, patch, width = (options["backbone_params"][key] for key in ("img_size", "patch_size", "embed_dim"))
        known["backbone.pos_embed"] = torch.zeros(1, 1 + (side[0] // patch[0]) ** 2, width)
    _, network, _, _ = weights._made(Peer(file, {}, kind, options), known, None)
    state = state_of(network, case)
    assert fingerprint(state) == case["keys"]
    torch.save({"state_dict": state, "config": case["config"]}, file)
    return file


def tool(family: str, case: dict[str, Any], folder: Path) -> ClickTool:
    loaded = weights.load_network(
        official(case, folder / "h.pth"), case.get("size") or (96 if family == "ritm" else None)
    )
    assert loaded.family == family
    assert set(loaded.unused) == set(case["unused"])
    showing = loaded.showing
    if family == "ritm":  # the golden answers were made with a smaller least crop
        showing = replace(showing, zoom=replace(showing.zoom, least=50))
    return ClickTool(family, TorchRunner(*ready(loaded.network, "cpu")), showing, "", loaded.unused)


@pytest.mark.parametrize("name", ANSWERED)
def test_answers_as_the_peers_program_does(name: str, tmp_path: Path) -> None:
    family, case = CASES[name]
    # A deep network of random numbers amplifies rounding; the answers of the others agree to a few millionths.
    assert largest_difference(tool(family, case, tmp_path), case) < (2e-4 if name == "ritm-hrnet" else 2e-5)


def test_the_largest_segformer_has_the_peers_names(tmp_path: Path) -> None:
    official(CASES["focalclick-segformer_b3"][1], tmp_path / "b3.pth")


@pytest.mark.parametrize("name", ["focalclick-hrnet_s1", "simpleclick-x2"])
def test_a_mask_is_corrected(name: str, tmp_path: Path) -> None:
    family, case = CASES[name]
    encoded = tool(family, case, tmp_path).encode(picture(60, 80))
    assert isinstance(encoded, TakesMask)
    mask = np.zeros((60, 80), bool)
    mask[20:40, 20:50] = True
    assert np.array_equal(encoded.probability_from_mask(mask, []), mask.astype(np.float32))
    clicks = [Click(70.5, 50.5)]
    answer = encoded.probability_from_mask(mask, clicks)
    assert answer[50, 70] == 1
    if family == "focalclick":  # of what changes, only what hangs together with the click is taken
        changed = (answer > 0.5) ^ mask
        assert not (changed & mask).any()
    with pytest.raises(InputError, match="must be equal"):
        encoded.probability_from_mask(np.zeros((3, 3), bool), [])


def test_many_clicks_are_answered_at_a_small_size(tmp_path: Path) -> None:
    family, case = CASES["focalclick-mobilenet"]
    encoded: ClickedImage = tool(family, case, tmp_path).encode(picture(30, 500))
    assert encoded.probabilities([Click(3, 3), Click(400, 20)]).shape == (2, 24, 400)


def test_a_huge_whole_image_is_shown_smaller(tmp_path: Path) -> None:
    family, case = CASES["ritm-hrnet_small"]
    encoded = tool(family, case, tmp_path).encode(picture(40, 2200))
    assert encoded._size((40, 2200), whole=True) == (15, 800)
    assert encoded._size((40, 1900), whole=True) == (40, 1900)
    assert encoded.probability([Click(20, 20)]).shape == (40, 2200)


def test_a_cut_is_roi_align_with_one_sample_in_each_bin() -> None:
    values = np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4)
    assert np.array_equal(cut(values, (0, 4, 0, 4), 1), values)
    # Four bins of half a pixel, centres at .75, 1.25, 1.75, 2.25 less a half: .25, .75, 1.25, 1.75.
    assert cut(values, (0.5, 2.5, 0, 4), 1)[0, 0, :, 0].tolist() == [1, 3, 5, 7]
