"""One process on one device, or several under torchrun that average their gradients."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn

from tamis.training.loop import pick_device


@dataclass(frozen=True)
class World:
    """Where this process stands among those of a run."""

    rank: int
    size: int
    device: torch.device

    @property
    def leads(self) -> bool:
        """Whether this process writes files and speaks."""
        return self.rank == 0

    def average(self, value: Tensor) -> Tensor:
        """The mean of a tensor over all processes."""
        if self.size > 1:
            distributed.all_reduce(value)
            value /= self.size
        return value

    def average_gradients(self, network: nn.Module) -> None:
        """Replace all gradients by their means over the processes."""
        if self.size > 1:
            gradients = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
            together = self.average(torch.cat([gradient.flatten() for gradient in gradients]))
            parts = torch.split(together, [gradient.numel() for gradient in gradients])
            for gradient, part in zip(gradients, parts, strict=True):
                gradient.copy_(part.view_as(gradient))

    def wait(self) -> None:
        """Until all processes are here."""
        if self.size > 1:
            distributed.barrier()


@contextmanager
def joined_world(device: str) -> Iterator[World]:
    """The processes that torchrun has started, or this one alone.

    Args:
        device: `auto`, `cpu`, `cuda` or another of torch.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    place = pick_device(device)
    if size == 1:
        yield World(0, 1, place)
        return
    if place.type == "cuda":
        place = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(place)
    distributed.init_process_group("nccl" if place.type == "cuda" else "gloo")
    try:
        yield World(distributed.get_rank(), size, place)
    finally:
        distributed.destroy_process_group()
