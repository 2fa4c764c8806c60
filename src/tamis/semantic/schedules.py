"""Learning rates: what they are at every iteration, and which parameter gets which.

Iterations are counted from 0. The formulas are those of mmengine's `LinearLR`, `PolyLR` and `MultiStepLR` with
`by_epoch=False`, in closed form: schedules there run over `end - begin - 1` iterations, and begin where warm-up ends.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from tamis.errors import InputError

UNDECAYED = ("absolute_pos_embed", "relative_position_bias_table", "position_embedding", "pos_embed", "cls_token")
"""Parts of the names of parameters that no weight decay is for, besides those of normalisation."""
UNDECAYED_EMBEDDINGS = ("level_embed", "queries_embedder", "queries_features", "mask_token", "register_tokens")
"""The same of Mask2Former and vision transformers: learned vectors, which are no filters."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """How the rate goes over a run."""

    steps: int
    """Iterations of the whole run."""
    kind: Literal["poly", "step"] = "poly"
    power: float = 1.0
    """Of `poly`."""
    least: float = 0.0
    """Where `poly` ends: an absolute rate, the same for all parameters."""
    milestones: tuple[int, ...] = ()
    """Of `step`: iterations after the warm-up's end at which the rate is divided by ten."""
    warmup: int = 0
    """Iterations of linear rise."""
    warmup_start: float = 1e-6
    """The share of the rate that the rise begins with."""


def rate_at(schedule: Schedule, base: float, step: int) -> float:
    """The rate of iteration `step` for parameters whose own rate is `base`.

    Raises:
        InputError: the warm-up is longer than the run, or a milestone lies outside it.
    """
    _require_sound(schedule)
    if step < schedule.warmup:
        share = step / max(1, schedule.warmup - 1)
        return base * (schedule.warmup_start + (1 - schedule.warmup_start) * share)
    since = step - schedule.warmup
    if schedule.kind == "step":
        return base * 0.1 ** sum(since >= milestone for milestone in schedule.milestones)
    left = 1 - min(1.0, since / max(1, schedule.steps - schedule.warmup - 1))
    return float((base - schedule.least) * left**schedule.power + schedule.least)


def _require_sound(schedule: Schedule) -> None:
    if schedule.steps <= schedule.warmup:
        raise InputError(
            f"the warm-up of {schedule.warmup} iterations is not shorter than the run of {schedule.steps}: "
            "give --override warmup=N or a larger --override steps=N"
        )
    if any(milestone >= schedule.steps for milestone in schedule.milestones):
        raise InputError(
            f"the rate should fall at {', '.join(map(str, schedule.milestones))}, but the run ends at "
            f"{schedule.steps}: give --override milestones=A,B"
        )


def scaled(schedule: Schedule, steps: int) -> Schedule:
    """The same course over another number of iterations: warm-up and milestones move in proportion."""
    ratio = steps / schedule.steps
    return Schedule(
        steps=steps,
        kind=schedule.kind,
        power=schedule.power,
        least=schedule.least,
        milestones=tuple(round(milestone * ratio) for milestone in schedule.milestones),
        warmup=round(schedule.warmup * ratio),
        warmup_start=schedule.warmup_start,
    )


@dataclass(frozen=True, slots=True)
class Rates:
    """What each part of a network learns at."""

    lr: float
    weight_decay: float
    backbone: float = 1.0
    """Factor for the backbone: .1 in Mask2Former."""
    head: float = 1.0
    """Factor for everything else: 10 in SegFormer."""
    layer_decay: float = 1.0
    """Factor from each layer of the backbone to the one below it: .9 in ConvNeXt."""


def parameter_groups(network: nn.Module, rates: Rates) -> list[dict[str, Any]]:
    """Parameters that are learned, in groups of equal rate and decay, for any optimiser of torch.

    Nothing that normalises is decayed, nor position embeddings and tables of relative positions. Each group holds its
    own highest rate as `base`, which `rate_at` starts from.

    Args:
        network: with a part `backbone`, whose `depth_of` says at which layer a parameter lies, of `depth` layers.
        rates: of the recipe.
    """
    free = _undecayed(network)
    groups: dict[tuple[float, float], dict[str, Any]] = {}
    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:
            continue
        base = rates.lr * _factor(network, name, rates)
        # mmsegmentation's rule for rates that fall by layer leaves out all vectors, and its other rules only these.
        vector = rates.layer_decay != 1 and parameter.ndim == 1
        decay = 0.0 if vector or name in free else rates.weight_decay
        group = groups.setdefault((base, decay), {"params": [], "lr": base, "base": base, "weight_decay": decay})
        group["params"].append(parameter)
    return list(groups.values())


def set_rates(groups: Sequence[dict[str, Any]], schedule: Schedule, step: int) -> None:
    """Give all groups of an optimiser their rate for an iteration."""
    for group in groups:
        group["lr"] = rate_at(schedule, group["base"], step)


def _factor(network: nn.Module, name: str, rates: Rates) -> float:
    prefix: Any = getattr(network, "backbone_prefix", "backbone.")
    if not name.startswith(prefix):
        return rates.head
    if rates.layer_decay == 1:
        return rates.backbone
    backbone: Any = network.backbone
    below = backbone.depth - backbone.depth_of(name.removeprefix(prefix))
    return float(rates.backbone * rates.layer_decay**below)


def _undecayed(network: nn.Module) -> set[str]:
    found = set()
    for prefix, module in network.named_modules():
        if isinstance(module, _BatchNorm | nn.LayerNorm | nn.GroupNorm) or "LayerNorm" in type(module).__name__:
            found |= {f"{prefix}.{name}" for name, _ in module.named_parameters(recurse=False)}
    for name, _ in network.named_parameters():
        if any(part in name for part in (*UNDECAYED, *UNDECAYED_EMBEDDINGS)):
            found.add(name)
    return found
