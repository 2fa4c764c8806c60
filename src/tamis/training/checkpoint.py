"""Checkpoints: everything a killed run needs to go on as if nothing had happened, written atomically."""

import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tamis.errors import InputError
from tamis.results.files import replacing

FORMAT = 2

LEAST_HALVED = 512
"""Weights of as many numbers are kept in float16, as they will be shipped."""


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
    skipped: int = 0
    """Steps left out since their numbers were not finite."""
    rate: float = 1.0
    """What the rate of learning is multiplied with since then."""


def save_weights(file: Path, values: Mapping[str, Tensor]) -> None:
    """Write weights alone, atomically, in half the space: small enough to be carried anywhere."""
    kept = {
        name: value.half() if value.is_floating_point() and value.numel() >= LEAST_HALVED else value
        for name, value in values.items()
    }
    with replacing(file) as stream:
        torch.save(kept, stream)


def load_weights(file: Path) -> dict[str, Tensor]:
    """Weights as `save_weights` or a checkpoint has them, on the CPU, in float32.

    Raises:
        InputError: there is no such file, or it holds something else.
    """
    if not file.exists():
        raise InputError(f"there are no weights {file}")
    try:
        content = torch.load(file, map_location="cpu", weights_only=True)
    except (RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as error:
        raise InputError(f"{file} holds no weights: it is damaged or another kind of file") from error
    if not isinstance(content, dict):
        raise InputError(f"{file} holds no weights")
    content = content.get("average", content)
    return {name: value.float() if value.is_floating_point() else value for name, value in content.items()}


def save_checkpoint(file: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint beside `file`, then rename it over it: a kill at any moment leaves a whole file."""
    with replacing(file) as stream:
        torch.save({"format": FORMAT, **vars(checkpoint)}, stream)


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

    `torch.optim.swa_utils.AveragedModel` gives the same weights, as a test holds, with this decay as its `avg_fn`, but
    would not make this shorter. It averages all buffers or none: either counts of batches, which are whole numbers, or
    no statistics of norms. It copies the module instead of its values, and its state has names with `module.` before
    them and a count beside them, which would have to come off for `best.pt`, the export and old checkpoints, while
    `Guard` and validation want plain values by the network's own names.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self.values = {name: value.detach().clone() for name, value in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Take one step towards the network."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        now = network.state_dict()
        floating = [name for name, value in now.items() if value.is_floating_point()]
        # All at once: a GPU would be kept waiting by hundreds of small steps.
        update = torch.optim.swa_utils.get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]  # of torch
        update([self.values[name] for name in floating], [now[name] for name in floating], self.updates)
        for name in now.keys() - set(floating):
            self.values[name].copy_(now[name])
