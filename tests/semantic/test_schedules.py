"""Rates, held against mmengine 0.10.7 (`golden/mmengine_schedules.json`: 100 iterations of each family)."""

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from tamis.errors import InputError
from tamis.semantic.networks.backbones import make_backbone
from tamis.semantic.networks.heads import FCNHead
from tamis.semantic.networks.mmseg_checkpoints import renamed
from tamis.semantic.networks.network import Decoded
from tamis.semantic.schedules import Rates, Schedule, parameter_groups, rate_at, scaled, set_rates

GOLDEN = json.loads((Path(__file__).parent / "golden" / "mmengine_schedules.json").read_text())
FAMILIES = {
    "swin": (6e-5, Schedule(100, power=1.0, warmup=15, warmup_start=1e-6)),
    "base": (0.01, Schedule(100, power=0.9, least=1e-4)),
    "knet": (1e-4, Schedule(100, "step", milestones=(60, 75), warmup=15, warmup_start=1e-3)),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_rates_are_those_of_mmengine(family: str) -> None:
    base, schedule = FAMILIES[family]
    rates = [rate_at(schedule, base, step) for step in GOLDEN["at"]]
    assert rates == pytest.approx(GOLDEN[family], rel=1e-9, abs=1e-18)


def test_a_schedule_that_does_not_fit_its_run_is_refused() -> None:
    with pytest.raises(InputError, match="warm-up of 100 iterations is not shorter than the run of 100"):
        rate_at(Schedule(100, warmup=100), 1.0, 0)
    with pytest.raises(InputError, match="fall at 60, 200, but the run ends at 100"):
        rate_at(Schedule(100, "step", milestones=(60, 200)), 1.0, 0)


def test_a_course_over_a_quarter_of_the_iterations() -> None:
    assert scaled(FAMILIES["knet"][1], 25) == Schedule(25, "step", milestones=(15, 19), warmup=4, warmup_start=1e-3)


@pytest.fixture(scope="module")
def network() -> nn.Module:
    sizes = {"embed_dim": 8, "depths": [1, 2, 1, 1], "num_heads": [1, 1, 1, 1], "window_size": 4}
    backbone = make_backbone("swin-t", pretrained=False, sizes=sizes)
    return Decoded(backbone, FCNHead(backbone.channels[0], 8, 3, level=0))


def test_norms_and_tables_of_positions_are_not_decayed(network: nn.Module) -> None:
    decays = {id(each): group["weight_decay"] for group in parameter_groups(network, Rates(1e-4, 0.05))
              for each in group["params"]}  # fmt: skip
    for name, parameter in network.named_parameters():
        free = "norm" in name or ".bn." in name or "relative_position_bias_table" in name
        assert decays[id(parameter)] == (0.0 if free else 0.05), name
    assert len(decays) == len(list(network.parameters()))


def test_backbone_and_head_have_rates_of_their_own(network: nn.Module) -> None:
    groups = parameter_groups(network, Rates(1e-4, 0.05, backbone=0.1, head=10))
    bases = {group["base"] for group in groups}
    assert sorted(bases) == pytest.approx([1e-5, 1e-3])
    optimiser = torch.optim.AdamW(groups)
    set_rates(optimiser.param_groups, Schedule(11, power=1.0), 5)
    assert sorted({group["lr"] for group in optimiser.param_groups}) == pytest.approx([0.5e-5, 0.5e-3])


def test_rates_fall_from_layer_to_layer(network: nn.Module) -> None:
    groups = parameter_groups(network, Rates(1.0, 0.0, layer_decay=0.5))
    bases = {id(each): group["base"] for group in groups for each in group["params"]}
    found = {name: bases[id(parameter)] for name, parameter in network.named_parameters()}
    # Five blocks: the embedding lies six layers below the norms of the maps.
    prefix = "backbone.network.swin"
    assert found[f"{prefix}.embeddings.patch_embeddings.projection.weight"] == 0.5**6
    assert found[f"{prefix}.encoder.layers.0.blocks.0.mlp.fc1.weight"] == 0.5**5
    assert found[f"{prefix}.encoder.layers.1.blocks.1.mlp.fc1.weight"] == 0.5**3
    assert found["backbone.network.hidden_states_norms.stage4.weight"] == 1.0
    assert found["decode_head.conv_seg.weight"] == 1.0


def test_rates_of_convnext_are_mmsegmentations() -> None:
    """`golden/mmseg_convnext_rates.json`: rate and decay of every parameter, by mmsegmentation's own constructor."""
    sizes = {"depths": [2, 1, 1, 1], "hidden_sizes": [12, 24, 48, 96]}
    network = Decoded(make_backbone("convnext-t", pretrained=False, sizes=sizes), nn.Identity())
    groups = parameter_groups(network, Rates(1.0, 0.05, layer_decay=0.9))
    found = {id(each): [group["base"], group["weight_decay"]] for group in groups for each in group["params"]}
    ours = dict(network.named_parameters())
    golden = json.loads((Path(__file__).parent / "golden" / "mmseg_convnext_rates.json").read_text())
    for name, wanted in golden.items():
        [same] = renamed({name: torch.zeros(1)})
        assert found[id(ours[same])] == pytest.approx(wanted), name
    assert len(golden) == len(ours)


def test_what_is_frozen_is_in_no_group(network: nn.Module) -> None:
    bare = Decoded(
        make_backbone("convnext-t", False, sizes={"depths": [1] * 4, "hidden_sizes": [4] * 4}), nn.Identity()
    )
    bare.backbone.requires_grad_(False)
    assert parameter_groups(bare, Rates(1.0, 0.1)) == []
