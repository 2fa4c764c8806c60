"""Checkpoints: everything a killed run needs to go on as if nothing had happened, written atomically."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tamis.errors import InputError

FORMAT = 1


@dataclass
class Checkpoint:
    """State of a run after `step` steps and `seconds` of training."""

    step: int
    seconds: float
    network: dict[str, Tensor]
    average: dict[str, Tensor]
    """The exponential moving average of the network: the weights to use."""
    optimizers: list[dict[str, Any]]
    torch_rng: Tensor
    config: dict[str, Any]


def save_checkpoint(file: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint beside `file`, then rename it over it: a kill at any moment leaves a whole file."""
    partial = file.with_name(file.name + ".partial")
    with partial.open("wb") as stream:
        torch.save({"format": FORMAT, **vars(checkpoint)}, stream)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(file)


def load_checkpoint(file: Path) -> Checkpoint:
    """Read a checkpoint onto the CPU.

    Raises:
        InputError: the file is missing or is not a checkpoint of this version.
    """
    if not file.exists():
        raise InputError(f"there is no checkpoint {file}")
    content = torch.load(file, map_location="cpu", weights_only=True)
    if not isinstance(content, dict) or content.pop("format", None) != FORMAT:
        raise InputError(f"{file} is not a checkpoint of format {FORMAT}: train again or use the version that wrote it")
    return Checkpoint(**content)


class Average:
    """Exponential moving average of a network's weights and buffers.

    Early on the decay is smaller, (1 + n) / (10 + n) after n updates, so that the random start is forgotten.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self.values = {name: value.detach().clone() for name, value in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Take one step towards the network."""
        self.updates += 1
        rate = 1 - min(self.decay, (1 + self.updates) / (10 + self.updates))
        for name, value in network.state_dict().items():
            if value.dtype.is_floating_point:
                self.values[name].lerp_(value, rate)
            else:
                self.values[name].copy_(value)
