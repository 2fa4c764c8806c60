"""The peers' networks run by torch. Import it inside functions: torch takes seconds."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tamis.segmentors.memory import too_large

Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class TorchRunner:
    """A network on a device, in float32 and in evaluation mode; a mirror image that does not fit comes after."""

    network: Any
    device: torch.device

    @torch.inference_mode()
    def look(self, image: Array, maps: Array) -> tuple[Array, Array]:
        """(B, 3, h, w) and (B, 3, h, w) → logits and features.

        Raises:
            UnavailableError: the graphics card's memory does not suffice.
        """
        try:
            logits, features = self.network(*self._placed(image, maps))
            return logits.cpu().numpy(), features.cpu().numpy()
        except torch.OutOfMemoryError as error:
            if len(image) == 1:
                raise too_large() from error
        torch.cuda.empty_cache()
        parts = [self.look(image[i : i + 1], maps[i : i + 1]) for i in range(len(image))]
        return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])

    @torch.inference_mode()
    def refine(self, image: Array, disks: Array, features: Array, logits: Array) -> Array:
        """See `Runner`.

        Raises:
            UnavailableError: the graphics card's memory does not suffice.
        """
        try:
            made = self.network.refiner(*self._placed(image, disks, features, logits))
            return np.asarray(made.cpu().numpy(), np.float32)
        except torch.OutOfMemoryError as error:
            raise too_large() from error

    def _placed(self, *arrays: Array) -> list[torch.Tensor]:
        return [torch.from_numpy(np.ascontiguousarray(array)).to(self.device) for array in arrays]
