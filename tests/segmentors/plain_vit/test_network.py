"""SegNext's network: block by block against torch's own, and as a whole against what SegNext's program answered."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tamis.clicks import Click, grid_clicks
from tamis.errors import InputError
from tamis.segmentors import AnswersInTurn, TakesMask
from tamis.segmentors.memory import ready
from tamis.segmentors.plain_vit.encoder import (
    Block,
    Encoder,
    EncoderShape,
    joined,
    require_divisible,
    resized_positions,
    windows_of,
)
from tamis.segmentors.plain_vit.model import SegNextSegmentor, squashed
from tamis.segmentors.plain_vit.network import SHAPES, SegNext
from tamis.segmentors.plain_vit.torch_runner import TorchRunner
from tamis.segmentors.plain_vit.weights import (
    config_of_shape,
    load_segnext,
    save_segnext,
    shape_of_config,
    start_encoder,
)
from tests.segmentors.peers import at_places, fingerprint, golden, largest_difference, picture, state_of

CASES = golden("segnext")


def official(case: dict[str, Any], file: Path) -> Path:
    """A checkpoint as SegNext writes it."""
    network = SegNext(shape_of_config({name: entry["value"] for name, entry in case["config"]["params"].items()}))
    state = state_of(network, case)
    assert fingerprint(state) == case["keys"]
    torch.save({"state_dict": state, "config": case["config"]}, file)
    return file


def segmentor(file: Path) -> SegNextSegmentor:
    return SegNextSegmentor("segnext", TorchRunner(*ready(load_segnext(file), "cpu")), "")


@pytest.mark.parametrize("name", CASES)
def test_answers_as_segnext_does(name: str, tmp_path: Path) -> None:
    tool = segmentor(official(CASES[name], tmp_path / "090.pth"))
    assert largest_difference(tool, CASES[name]) < 2e-5


def test_a_grid_of_clicks_as_segnext_does(tmp_path: Path) -> None:
    case = CASES["naive"]
    tool = segmentor(official(case, tmp_path / "090.pth"))
    encoded = tool.encode(picture(*case["image"]))
    # Its grid of 2 × 2 lies at 56 and 168 of 224 pixels, which are these of 60 × 80.
    pixels = [(row, column) for row in (15, 45) for column in (20, 60)]
    for pixel, wanted in zip(pixels, case["grid"], strict=True):
        answer = encoded.corrected(np.zeros((60, 80), np.float32), [Click.at_pixel(*pixel)])
        assert np.abs(at_places(answer) - np.array(wanted)).max() < 2e-5
    assert encoded.probabilities([]).shape == (0, 56, 56)


def test_a_state_alone_says_its_own_shape(tmp_path: Path) -> None:
    network = SegNext(SHAPES["tiny"].at(128))
    wide = SegNext(shape_of_config({**_options(network), "backbone_params": {**_backbone(network), "embed_dim": 64,
                                    "num_heads": 1}}))  # fmt: skip
    torch.save(wide.state_dict(), tmp_path / "state.pth")
    found = load_segnext(tmp_path / "state.pth").shape
    assert (found.encoder.width, found.encoder.heads, found.encoder.side) == (64, 1, 128)


def _options(network: SegNext) -> dict[str, Any]:
    return {name: entry["value"] for name, entry in config_of_shape(network.shape)["params"].items()}


def _backbone(network: SegNext) -> dict[str, Any]:
    found: dict[str, Any] = _options(network)["backbone_params"]
    return found


def test_a_checkpoint_of_ours_is_one_of_segnexts(tmp_path: Path) -> None:
    network = SegNext(SHAPES["tiny"])
    save_segnext(tmp_path / "000.pth", network)
    content = torch.load(tmp_path / "000.pth", weights_only=True)
    assert content["config"]["class"] == CASES["sax2"]["config"]["class"]
    assert set(content["config"]["params"]) <= set(CASES["sax2"]["config"]["params"])
    again = load_segnext(tmp_path / "000.pth")
    assert again.shape == network.shape
    assert all(torch.equal(value, network.state_dict()[name]) for name, value in again.state_dict().items())


def test_sizes_by_name_can_be_divided_into_windows() -> None:
    for name, shape in SHAPES.items():
        assert require_divisible(shape.encoder) == [], name
    assert SHAPES["vit-b"].encoder.windows == 4
    assert SHAPES["vit-b"].at(512).encoder.windows == 2
    encoder = Encoder(EncoderShape(32, 16, 8, 12, 1, 3))
    assert [number for number in range(1, 13) if encoder.is_wide(number)] == [3, 6, 9, 12]
    assert require_divisible(EncoderShape(1000, 16, 8, 1, 1, 1))


def test_a_block_is_torchs_own_layer() -> None:
    torch.manual_seed(0)
    block = Block(24, 3, 4.0, 1e-6).eval()
    layer = nn.TransformerEncoderLayer(24, 3, 96, 0.0, "gelu", 1e-6, batch_first=True, norm_first=True).eval()
    names = {
        "self_attn.in_proj_weight": "attn.qkv.weight",
        "self_attn.in_proj_bias": "attn.qkv.bias",
        "self_attn.out_proj.weight": "attn.proj.weight",
        "self_attn.out_proj.bias": "attn.proj.bias",
        "linear1.weight": "mlp.fc1.weight",
        "linear1.bias": "mlp.fc1.bias",
        "linear2.weight": "mlp.fc2.weight",
        "linear2.bias": "mlp.fc2.bias",
    }
    state = block.state_dict()
    layer.load_state_dict({name: state[names.get(name, name)] for name in layer.state_dict()})
    tokens = torch.randn(2, 7, 24)
    with torch.no_grad():
        torch.testing.assert_close(block(tokens), layer(tokens), atol=1e-5, rtol=1e-5)


def test_windows_hold_neighbours_and_come_together_again() -> None:
    shape = EncoderShape(448, 16, 1, 1, 1, 2)
    tokens = torch.arange(28.0 * 28).view(1, 784, 1)
    parts = windows_of(tokens, shape)
    assert parts.shape == (4, 196, 1)
    grid = tokens.view(28, 28)
    assert torch.equal(parts[1].view(14, 14), grid[:14, 14:])
    assert torch.equal(parts[2].view(14, 14), grid[14:, :14])
    assert torch.equal(joined(parts, shape), tokens)


def test_positions_keep_the_class_tokens() -> None:
    positions = torch.randn(1, 1 + 16, 4)
    assert resized_positions(positions, 4) is positions
    larger = resized_positions(positions, 8)
    assert larger.shape == (1, 65, 4)
    assert torch.equal(larger[:, 0], positions[:, 0])
    even = torch.ones(1, 1 + 16, 4)
    torch.testing.assert_close(resized_positions(even, 8), torch.ones(1, 65, 4))


def test_an_image_is_squashed_as_torch_resizes() -> None:
    image = picture(37, 53)
    pixels = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255
    wanted = nn.functional.interpolate(pixels, size=64, mode="bilinear", align_corners=False)[0]
    assert np.abs(squashed(image, 64) - wanted.numpy()).max() < 1e-5


def test_further_clicks_start_from_the_last_answer(tmp_path: Path) -> None:
    tool = segmentor(official(CASES["naive"], tmp_path / "090.pth"))
    encoded = tool.encode(picture(60, 80))
    assert isinstance(encoded, AnswersInTurn)
    assert isinstance(encoded, TakesMask)
    clicks = [Click(30.5, 20.5), Click(60.5, 44.5, False)]
    ask = encoded.in_turn()
    first = ask(clicks[:1])
    second = ask(clicks)
    assert np.array_equal(second, encoded.corrected(first, clicks))
    joint = encoded.probability(clicks)
    assert (joint[20, 30], joint[44, 60]) == (1, 0)
    untouched = np.ones(encoded.shape, bool)
    untouched[20, 30] = untouched[44, 60] = False
    assert np.array_equal(joint[untouched], second[untouched])
    corrected = encoded.probability_from_mask(first > 0.5, clicks[1:])
    assert corrected[44, 60] == 0
    with pytest.raises(InputError, match="at least one click"):
        encoded.probability([])
    with pytest.raises(InputError, match="must be equal"):
        encoded.probability_from_mask(np.zeros((3, 3), bool), [])


def test_an_encoding_can_be_written_down(tmp_path: Path) -> None:
    tool = segmentor(official(CASES["naive"], tmp_path / "090.pth"))
    image = picture(60, 80)
    encoded = tool.encode(image)
    again = tool.from_arrays(image, encoded.arrays())
    clicks = grid_clicks(1, encoded.shape)
    assert np.array_equal(again.probability(clicks), encoded.probability(clicks))


def test_maes_weights_fill_the_encoder_at_another_size(tmp_path: Path) -> None:
    network = SegNext(SHAPES["tiny"])
    source = Encoder(SHAPES["tiny"].at(128).encoder)
    kept = {**source.state_dict(), "cls_token": torch.zeros(1, 1, 32), "decoder_embed.weight": torch.zeros(3, 32),
            "norm.weight": torch.ones(32)}  # fmt: skip
    torch.save({"model": kept}, tmp_path / "mae.pth")
    filled = start_encoder(network, tmp_path / "mae.pth")
    assert filled == len(source.state_dict())
    assert torch.equal(network.backbone.patch_embed.proj.weight, source.patch_embed.proj.weight)
    assert network.backbone.pos_embed.shape == (1, 65, 32)


def test_timms_weights_as_safetensors_fill_it_too(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    source = Encoder(SHAPES["tiny"].encoder)
    save_file({name: value.clone() for name, value in source.state_dict().items()}, tmp_path / "timm.safetensors")
    network = SegNext(SHAPES["tiny"])
    start_encoder(network, tmp_path / "timm.safetensors")
    assert all(torch.equal(value, network.backbone.state_dict()[name]) for name, value in source.state_dict().items())


@pytest.mark.parametrize("fault", ["missing", "narrow", "other"])
def test_a_start_that_does_not_fill_the_encoder_is_refused(fault: str, tmp_path: Path) -> None:
    network = SegNext(SHAPES["tiny"])
    before = network.backbone.patch_embed.proj.weight.clone()
    state = dict(Encoder(SHAPES["tiny"].encoder).state_dict())
    if fault == "missing":
        del state["blocks.1.attn.qkv.weight"]
    elif fault == "narrow":
        state["blocks.0.mlp.fc1.bias"] = torch.zeros(3)
    else:
        state = {"layer.weight": torch.zeros(3)}
    torch.save({"model": state}, tmp_path / "start.pth")
    with pytest.raises(InputError, match="does not fill the encoder"):
        start_encoder(network, tmp_path / "start.pth")
    assert torch.equal(network.backbone.patch_embed.proj.weight, before)
