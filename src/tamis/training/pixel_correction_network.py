"""The network that looks at a correction pixel by pixel: a U-Net which begins by repeating the answer of regions."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tamis.training.networks import ResidualBlock, convolution

REPEATED = 3.0
"""Logit, up and down, of what the regions are sure of."""


@dataclass(frozen=True, slots=True)
class PixelCorrectionShape:
    """Sizes of the network."""

    features: int = 88
    """Channels of what the network over pixels knows, at stride 4."""
    widths: tuple[int, ...] = (16, 40, 64, 80)
    """Channels at strides 2, 4, 8, 16."""


class PixelScene(nn.Module):
    """What can be made of an image before anybody clicks."""

    def __init__(self, shape: PixelCorrectionShape) -> None:
        super().__init__()
        two, four = shape.widths[:2]
        # Strided convolutions see what 3×3 and 1×1 ones would of squares of pixels as channels, without moving any.
        self.see = nn.Sequential(nn.Conv2d(3, two, 6, stride=2, padding=2, bias=False), nn.BatchNorm2d(two))
        self.edges = nn.Conv2d(1, two, 3, padding=1, bias=False)
        self.know = convolution(shape.features, four, 1)

    def forward(self, image: Tensor, boundary: Tensor, features: Tensor) -> tuple[Tensor, Tensor]:
        """Maps at strides 2 and 4, for `PixelAnswer`; inputs as for `PixelCorrectionNetwork`."""
        return self.see(2 * image - 0.9) + self.edges(boundary / 4), self.know(features)


class PixelAnswer(nn.Module):
    """What a click makes of it."""

    def __init__(self, shape: PixelCorrectionShape) -> None:
        super().__init__()
        two, four, eight, sixteen = shape.widths
        self.tell = nn.Conv2d(2, two, 6, stride=2, padding=2, bias=False)
        self.hear = nn.Conv2d(3, two, 3, padding=1, bias=False)
        self.down4 = nn.Sequential(
            nn.Conv2d(two, four, 2, stride=2, bias=False), nn.BatchNorm2d(four), nn.ReLU(inplace=True)
        )
        self.at4 = ResidualBlock(four)
        self.down8 = convolution(four, eight)
        self.at8 = ResidualBlock(eight)
        self.down16 = convolution(eight, sixteen)
        self.at16 = nn.Sequential(ResidualBlock(sixteen), ResidualBlock(sixteen))
        self.up8 = convolution(sixteen, eight, 1)
        self.join8 = ResidualBlock(eight)
        self.up4 = convolution(eight, four, 1)
        self.join4 = ResidualBlock(four)
        self.up2 = convolution(four, two, 1)
        self.join2 = ResidualBlock(two)
        self.leave = nn.Conv2d(two, 4, 1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)  # type: ignore[arg-type]

    def forward(self, masks: Tensor, clicks: Tensor, seen: Tensor, known: Tensor) -> Tensor:
        """Logits as of `PixelCorrectionNetwork`, from its masks and clicks and from what is `seen` and `known`."""
        said = F.max_pool2d(clicks.abs(), 2) * _sign(clicks)
        x2 = F.relu(seen + self.tell(masks) + self.hear(said))
        x4 = self.at4(self.down4(x2) + known)
        x8 = self.at8(self.down8(F.avg_pool2d(x4, 2)))
        x16 = self.at16(self.down16(F.avg_pool2d(x8, 2)))
        x8 = self.join8(x8 + _doubled(self.up8(x16)))
        x4 = self.join4(x4 + _doubled(self.up4(x8)))
        x2 = self.join2(x2 + _doubled(self.up2(x4)))
        logits: Tensor = REPEATED * masks[:, :1] + F.pixel_shuffle(self.leave(x2), 2).float() * 4
        return logits


class PixelCorrectionNetwork(nn.Module):
    """From the inputs of `tamis.segmentors.embedded.pixel_corrections` to the logit of every pixel.

    It is cut in two: an image is seen once, however often it is clicked on.
    """

    def __init__(self, shape: PixelCorrectionShape = PixelCorrectionShape()) -> None:
        super().__init__()
        self.shape = shape
        self.scene = PixelScene(shape)
        self.answer: nn.Module = PixelAnswer(shape)

    def forward(self, image: Tensor, masks: Tensor, clicks: Tensor, boundary: Tensor, features: Tensor) -> Tensor:
        """Logits (B, 1, h, w) of P(pixel in mask | all clicks, the mask so far), h and w multiples of 32.

        Args:
            image: (B, 3, h, w) from 0 to 1.
            masks: (B, 2, h, w) from -1 to 1, the regions' answer and the mask before.
            clicks: (B, 3, h, w) of `discs`.
            boundary: (B, 1, h/2, w/2).
            features: (B, features, h/4, w/4).
        """
        logits: Tensor = self.answer(masks, clicks, *self.scene(image, boundary, features))
        return logits


def _sign(clicks: Tensor) -> Tensor:
    """(B, 3, h/2, w/2): the signs of the strongest in each square of four."""
    return torch.sign(F.avg_pool2d(clicks, 2))


def _doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
