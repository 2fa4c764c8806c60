"""Official checkpoints: names and order of mmsegmentation 1.2.2, values that follow from each name.

`golden/mmseg_keys.json` has the names and shapes of three small networks built by mmsegmentation itself (mmcv-lite
2.1.0, mmpretrain 1.2.0 for ConvNeXt), `golden/mmseg_networks.npz` what they gave for the image and labels below.
"""

import hashlib
import json
import zlib
from math import prod
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tamis.errors import InputError
from tamis.semantic.networks.backbones import make_backbone
from tamis.semantic.networks.building import make_network
from tamis.semantic.networks.heads import FCNHead
from tamis.semantic.networks.knet import KNetHead
from tamis.semantic.networks.losses import cross_entropy
from tamis.semantic.networks.mmseg_checkpoints import class_count, is_mmseg, load_into, merging_order
from tamis.semantic.networks.network import Decoded
from tamis.semantic.networks.upernet import UPerHead
from tamis.semantic.recipes import RECIPES

GOLDEN = Path(__file__).parents[1] / "golden"
KEYS = json.loads((GOLDEN / "mmseg_keys.json").read_text())
SIZES = json.loads((GOLDEN / "mmseg_sizes.json").read_text())
CLASSES = 5


def value_of(name: str, shape: tuple[int, ...]) -> Tensor:
    """What both sides put into the parameter of a name."""
    if name.endswith(("num_batches_tracked", "relative_position_index")):
        return torch.zeros(shape, dtype=torch.long)
    drawn = np.random.default_rng(zlib.crc32(name.encode())).normal(0, 1, shape).astype(np.float32)
    value = torch.from_numpy(drawn)
    if name.endswith("running_var"):
        return value.abs() * 0.5 + 0.5
    if len(shape) == 1:
        return value * 0.1 + (1.0 if name.endswith("weight") else 0.0)
    return value.div(max(1, prod(shape[1:])) ** 0.5)


def official(kind: str) -> dict[str, Tensor]:
    return {name: value_of(name, tuple(shape)) for name, shape in KEYS[kind].items()}


def ours(kind: str) -> Decoded:
    if kind.endswith("swin"):
        sizes = {"embed_dim": 12, "depths": [2] * 4, "num_heads": [1, 2, 2, 4], "window_size": 4, "mlp_ratio": 2}
        backbone = make_backbone("swin-t", pretrained=False, sizes=sizes)
    else:
        sizes = {"depths": [2, 1, 1, 1], "hidden_sizes": [12, 24, 48, 96]}
        backbone = make_backbone("convnext-t", pretrained=False, sizes=sizes)
    head: nn.Module = UPerHead(backbone.channels, 16, CLASSES)
    if kind.startswith("knet"):
        head = KNetHead(backbone.channels, 16, CLASSES, updated=8, heads=4, hidden=32)
    return Decoded(backbone, head, FCNHead(backbone.channels[2], 8, CLASSES, level=2)).eval()


@pytest.mark.parametrize("kind", KEYS)
def test_an_official_checkpoint_gives_what_mmsegmentation_gives(kind: str) -> None:
    golden = np.load(GOLDEN / "mmseg_networks.npz")
    network = ours(kind)
    load_into(network, official(kind))
    images = torch.from_numpy(np.random.default_rng(7).normal(0, 1, (2, 3, 70, 90)).astype(np.float32))
    labels = np.random.default_rng(8).integers(0, CLASSES, (2, 70, 90))
    labels[:, :9] = 255
    with torch.no_grad():
        np.testing.assert_allclose(network(images).numpy(), golden[f"{kind}/logits"], atol=2e-5)
        found = network.losses(images, torch.from_numpy(labels), cross_entropy)
    stages = [float(value) for name, value in found.items() if name.startswith(("stage", "auxiliary"))]
    np.testing.assert_allclose(stages, golden[f"{kind}/losses"], atol=1e-5)
    assert float(found["loss"]) == pytest.approx(golden[f"{kind}/losses"].sum(), abs=1e-4)


def test_the_order_of_patch_merging_is_turned_round() -> None:
    unfolded = nn.functional.unfold(torch.arange(24.0).reshape(1, 2, 4, 3)[:, :, :2, :2], 2)[0, :, 0]
    cells = torch.arange(24.0).reshape(2, 4, 3)
    wanted = torch.cat([cells[:, row, column] for column in range(2) for row in range(2)])
    assert torch.equal(merging_order(unfolded), wanted)


def test_what_it_is_and_how_many_classes_it_knows() -> None:
    assert is_mmseg({"meta": {}, "state_dict": official("knet-swin")})
    assert not is_mmseg({"network": {}})
    assert class_count(official("knet-swin")) == class_count(official("upernet-convnext")) == CLASSES


def test_a_checkpoint_of_another_network_is_refused() -> None:
    with pytest.raises(InputError, match="of another network than the recipe"):
        load_into(ours("knet-swin"), official("upernet-swin"))
    with pytest.raises(InputError, match=r"backbone\.layer1\.0\.conv1\.weight belongs to neither"):
        load_into(ours("knet-swin"), {"backbone.layer1.0.conv1.weight": torch.zeros(1)})


@pytest.mark.parametrize("recipe", SIZES)
def test_recipes_have_the_parts_of_the_published_networks_in_their_sizes(recipe: str) -> None:
    """`golden/mmseg_sizes.json`: of mmsegmentation's own configurations, names and shapes after `renamed`, hashed."""
    with torch.device("meta"):
        state = make_network(RECIPES[recipe], 150, pretrained=False).state_dict()
    parts = sorted(f"{name} {list(value.shape)}" for name, value in state.items())
    assert len(parts) == SIZES[recipe]["entries"]
    assert hashlib.sha256("\n".join(parts).encode()).hexdigest() == SIZES[recipe]["sha256"]
