"""The edges that people draw, told by the maps of a pixel network that stays as it is.

Borders of the pixel network are those of objects, which most photographs of its training show alone; here whoever cut
a whole scene into its parts is heard, and nobody else. Most of the arithmetic is done at stride 4: what is finer is
looked at with a filter of that step, and four numbers of a cell become pixels of stride 2.
"""

from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional as F

from tamis.training.encoders import EfficientNetLite
from tamis.training.networks import EmbeddingShape, PixelFeatures, convolution

WIDTH = 32
"""Channels."""


BOXED = EmbeddingShape()
"""Sizes of the pixel network of the model in the box."""


class Edges(NamedTuple):
    """Logits of an edge, for a batch of B images of (H, W) pixels."""

    fine: Tensor
    """(B, 1, H/2, W/2)."""
    stride4: Tensor
    """(B, 1, H/4, W/4): for training."""
    stride8: Tensor
    """(B, 1, H/8, W/8): for training."""


class EdgeNetwork(nn.Module):
    """A narrow feature pyramid over all that a pixel network sees."""

    def __init__(self, shape: EmbeddingShape = BOXED) -> None:
        super().__init__()
        finest, *channels = EfficientNetLite(shape.stages, shape.stem).channels
        four, eight, sixteen, _ = shape.widths
        self.encoded = nn.ModuleList(convolution(count, WIDTH, 1) for count in channels)
        self.decoded = nn.ModuleList(convolution(count, WIDTH, 1) for count in (four, eight, sixteen))
        self.finest, self.fine = _halved(finest), _halved(shape.fine)
        self.smooth16, self.smooth8, self.smooth4, self.last = (convolution(WIDTH, WIDTH) for _ in range(4))
        self.edges, self.edges4, self.edges8 = nn.Conv2d(WIDTH, 4, 1), nn.Conv2d(WIDTH, 1, 1), nn.Conv2d(WIDTH, 1, 1)
        for head in (self.edges, self.edges4, self.edges8):
            nn.init.constant_(head.bias, -2.0)  # type: ignore[arg-type]  # an edge is rare

    def forward(self, seen: PixelFeatures) -> Edges:
        """Of images that the pixel network has looked at."""
        _, *levels = seen.levels
        four, eight, sixteen, deepest = (part(level) for part, level in zip(self.encoded, levels, strict=True))
        known4, known8, known16 = (part(level) for part, level in zip(self.decoded, seen.decoded, strict=True))
        sixteen = self.smooth16(sixteen + known16 + _doubled(deepest))
        eight = self.smooth8(eight + known8 + _doubled(sixteen))
        four = self.smooth4(four + known4 + self.finest(seen.levels[0]) + self.fine(seen.fine) + _doubled(eight))
        return Edges(F.pixel_shuffle(self.edges(four + self.last(four)), 2), self.edges4(four), self.edges8(eight))


def _halved(channels: int) -> nn.Sequential:
    """A 3×3 convolution in steps of two, a norm and a ReLU."""
    return nn.Sequential(
        nn.Conv2d(channels, WIDTH, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(WIDTH), nn.ReLU(inplace=True)
    )


def _doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="nearest")
