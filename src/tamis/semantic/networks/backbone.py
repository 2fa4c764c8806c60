"""What every backbone is: from (B, 3, H, W) normalised images to maps of features, the finest first."""

import torch
from torch import Tensor, nn


class Backbone(nn.Module):
    """What decoders stand on.

    Attributes:
        channels: of each map, the finest first.
        depth: layers from the image to the last map, for layer-wise rates.
        frozen: whether its weights stay as they are; then it runs as at inference, and no gradient is kept.
    """

    channels: tuple[int, ...]
    depth: int
    frozen: bool = False

    def maps(self, images: Tensor) -> list[Tensor]:
        """The maps of features."""
        raise NotImplementedError

    def depth_of(self, name: str) -> int:
        """At which layer a parameter lies, 0 to `depth`; one that is in no layer lies at the end."""
        return self.depth

    def forward(self, images: Tensor) -> list[Tensor]:
        """(B, 3, H, W) to maps of features."""
        if self.frozen:
            with torch.no_grad():
                return self.maps(images)
        return self.maps(images)

    def train(self, mode: bool = True) -> "Backbone":
        """Set the mode of all parts; a frozen backbone stays as at inference."""
        super().train(mode and not self.frozen)
        return self
