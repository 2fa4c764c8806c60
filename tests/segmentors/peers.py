"""Small networks of the peers, filled by a formula, and what their own programs answered with them."""

import hashlib
import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tamis.arrays import ImageArray
from tamis.clicks import Click
from tamis.segmentors import AnswersInTurn, Segmentor

GOLDEN = Path(__file__).parent / "golden"
LAST = (
    "seg_conv.weight",
    "conv_seg.weight",
    "cls_head.weight",
    "linear_pred.weight",
    "refine_pred.weight",
    "feature_extractor.head.weight",
)
"""Layers of logits, which are made twenty times as large so that answers differ."""


def golden(family: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads((GOLDEN / f"{family}.json").read_bytes())
    return found


def value_of(name: str, shape: tuple[int, ...]) -> Tensor:
    """The numbers of a parameter, from its name alone."""
    drawn: NDArray[Any] = np.random.default_rng(zlib.crc32(name.encode())).standard_normal(shape).astype(np.float32)
    if name.endswith("running_var"):
        drawn = 1 + np.abs(drawn) / 4
    elif len(shape) <= 1:
        drawn = drawn / 10 + (1 if name.endswith("weight") else 0)
    elif name.endswith("pos_embed"):
        drawn = drawn / 4
    else:
        drawn = drawn / np.sqrt(np.prod(shape[1:])) * (20 if name.endswith(LAST) else 1)
    return torch.from_numpy(np.ascontiguousarray(drawn.astype(np.float32)))


def state_of(network: nn.Module, case: Mapping[str, Any]) -> dict[str, Tensor]:
    """The state that the peer had, with what its network holds and never uses."""
    state = {
        name: value_of(name, tuple(value.shape)) if value.is_floating_point() else value
        for name, value in network.state_dict().items()
    }
    for name, shape in case["unused"].items():
        state[name] = value_of(name, tuple(shape))
    for name, bias in case.get("biases", {}).items():
        state[name] = torch.full_like(state[name], bias)
    return state


def fingerprint(state: Mapping[str, Tensor]) -> list[Any]:
    """How many parameters there are, and a hash of their names and shapes."""
    lines = sorted(f"{name} {tuple(value.shape)}" for name, value in state.items())
    return [len(lines), hashlib.sha256("\n".join(lines).encode()).hexdigest()]


def picture(height: int, width: int) -> ImageArray:
    rows, columns = np.mgrid[:height, :width]
    inside = (rows - height * 0.45) ** 2 + (columns - width * 0.4) ** 2 < (min(height, width) * 0.3) ** 2
    image = np.where(inside[..., None], (200, 60, 40), (40, 120, 90))
    return (image + np.random.default_rng(0).integers(-20, 21, image.shape)).astype(np.uint8)


def at_places(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """(6, 8): the values at as many places, evenly spread."""
    height, width = values.shape
    rows = ((np.arange(6) + 0.5) * height / 6).astype(int)
    columns = ((np.arange(8) + 0.5) * width / 8).astype(int)
    return values[np.ix_(rows, columns)]


def largest_difference(tool: Segmentor, case: Mapping[str, Any]) -> float:
    """Between the answers of a segmentor and the peer's, click by click."""
    encoded = tool.encode(picture(*case["image"]))
    assert isinstance(encoded, AnswersInTurn)
    ask, clicks, largest = encoded.in_turn(), [], 0.0
    for (row, column, positive), wanted in zip(case["clicks"], case["answers"], strict=True):
        clicks.append(Click.at_pixel(row, column, positive))
        largest = max(largest, float(np.abs(at_places(ask(clicks)) - np.array(wanted)).max()))
    return largest
