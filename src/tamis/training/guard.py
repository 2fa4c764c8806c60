"""What keeps a run alive when numbers stop being finite: steps are left out, or the run goes back to a good state."""

import copy
import math
from typing import Any

import torch
from torch import Tensor, nn

from tamis.errors import InputError
from tamis.training.checkpoint import Average

PATIENCE = 5
"""Steps in a row that may be left out before the run goes back."""

SLOWER = 0.5
"""What the rate of learning is multiplied with then."""

SLOWEST = 1e-3
"""A run whose rate has become so small is beyond help."""


class Guard:
    """Watches one run.

    A large run was lost to a NaN after two thousand steps, when the size of crops changed: one step whose gradient is
    not finite ruins all weights, and the average with them.

    Attributes:
        skipped: steps left out so far.
        rate: what the rate of learning is to be multiplied with.
    """

    def __init__(self, network: nn.Module, average: Average | None, optimizer: torch.optim.Optimizer) -> None:
        self.network, self.average, self.optimizer = network, average, optimizer
        self.skipped, self.rate = 0, 1.0
        self._in_a_row = 0
        self._kept: tuple[dict[str, Tensor], dict[str, Tensor], dict[str, Any]] | None = None

    def accepts(self, loss: float, gradient: float) -> bool:
        """Whether a step may be taken, by its loss and the norm of its gradient; goes back after too many may not.

        A forward pass that was not finite has spoilt the running statistics of norms already: then at once.

        Raises:
            InputError: the run has gone back so often that there is no hope.
        """
        if math.isfinite(loss) and math.isfinite(gradient):
            self._in_a_row = 0
            return True
        self.skipped += 1
        self._in_a_row += 1
        if self._in_a_row >= PATIENCE or not _finite(dict(self.network.named_buffers())):
            self.go_back()
        return False

    def keep(self) -> None:
        """Remember this state if all of it is finite; otherwise go back to the last that was.

        Raises:
            InputError: as `accepts`.
        """
        average = self.average.values if self.average is not None else {}
        if _finite(self.network.state_dict()) and _finite(average):
            states = self.network.state_dict(), average, self.optimizer.state_dict()
            self._kept = copy.deepcopy(states)
        else:
            self.go_back()

    def go_back(self) -> None:
        """Return to the last good state, and learn more slowly from now on.

        Raises:
            InputError: there is none, or the rate has become too small.
        """
        if self._kept is None or self.rate * SLOWER < SLOWEST:
            raise InputError("the loss is not finite from the start, or again and again: train with a smaller --lr")
        network, average, optimizer = copy.deepcopy(self._kept)
        self.network.load_state_dict(network)
        if self.average is not None:
            self.average.values = average
        self.optimizer.load_state_dict(optimizer)
        self.rate *= SLOWER
        self._in_a_row = 0


def _finite(values: dict[str, Tensor]) -> bool:
    """Whether all numbers are; one look at the device for all of them."""
    sums = [value.abs().sum(dtype=torch.float64) for value in values.values() if value.is_floating_point()]
    return not sums or bool(torch.isfinite(torch.stack(sums)).all())
