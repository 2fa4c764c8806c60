"""SegNext run by torch. Import it inside functions: torch takes seconds."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from tamis.segmentors.memory import in_smaller_batches, too_large
from tamis.segmentors.plain_vit.network import SegNext

Array = NDArray[np.float32]

ON_A_CARD = 32
"""Prompts asked together on a graphics card, fewer where its memory does not suffice; on a processor one."""


@dataclass(frozen=True, eq=False)
class TorchRunner:
    """A network on a device, in float32 and in evaluation mode."""

    network: SegNext
    device: torch.device

    @property
    def side(self) -> int:
        """Pixels of a side of the square."""
        return self.network.shape.encoder.side

    @property
    def radius(self) -> int:
        """Pixels of a click's disk."""
        return self.network.shape.radius

    @torch.inference_mode()
    def encode(self, square: Array) -> Array:
        """(3, side, side) → (1, C, g, g).

        Raises:
            UnavailableError: the graphics card's memory does not suffice.
        """
        try:
            return self.network.encode(torch.from_numpy(square)[None].to(self.device)).cpu().numpy()
        except torch.OutOfMemoryError as error:
            raise too_large() from error

    @torch.inference_mode()
    def logits(self, features: Array, prompts: Array) -> Array:
        """(N, 3, side, side) → (N, h, w)."""
        known = torch.from_numpy(features).to(self.device)
        if not len(prompts):
            return np.zeros((0, 4 * features.shape[-1], 4 * features.shape[-1]), np.float32)

        def run(part: Array) -> Array:
            answers = self.network.logits(known, torch.from_numpy(part).to(self.device))
            return np.asarray(answers[:, 0].float().cpu().numpy(), np.float32)

        return in_smaller_batches(run, prompts, 1 if self.device.type == "cpu" else ON_A_CARD)
