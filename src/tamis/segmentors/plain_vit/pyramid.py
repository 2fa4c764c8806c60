"""From one map of tokens to maps of four sizes, and from these to logits: what SegNext and SimpleClick share.

Sources: Li et al., arXiv 2203.16527 (the simple feature pyramid); the all-MLP head of SegFormer, arXiv 2105.15203, with
the layers of uncbiag/SegNext and uncbiag/SimpleClick, `isegm/model/is_plainvit_model.py`. Parameters are called as in
their checkpoints.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def _group(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(1, channels)


class Pyramid(nn.Module):
    """(B, C, g, g) → maps of strides 4, 8, 16 and 32 where a token has 16 pixels.

    Args:
        width: C.
        widths: channels of the four maps.
    """

    def __init__(self, width: int, widths: Sequence[int]) -> None:
        super().__init__()
        four, eight, sixteen, last = widths
        wide = max(2 * four, width // 2)
        self.down_4 = nn.Sequential(
            nn.ConvTranspose2d(width, wide, 2, stride=2),
            _group(wide),
            nn.GELU(),
            nn.ConvTranspose2d(wide, wide // 2, 2, stride=2),
            _group(wide // 2),
            nn.Conv2d(wide // 2, four, 1),
            _group(four),
            nn.GELU(),
        )
        wide = max(eight, width // 2)
        self.down_8 = nn.Sequential(
            nn.ConvTranspose2d(width, wide, 2, stride=2),
            _group(wide),
            nn.Conv2d(wide, eight, 1),
            _group(eight),
            nn.GELU(),
        )
        self.down_16 = nn.Sequential(nn.Conv2d(width, sixteen, 1), _group(sixteen), nn.GELU())
        wide = max(last, 2 * width)
        self.down_32 = nn.Sequential(
            nn.Conv2d(width, wide, 2, stride=2),
            _group(wide),
            nn.Conv2d(wide, last, 1),
            _group(last),
            nn.GELU(),
        )

    def forward(self, tokens: Tensor) -> list[Tensor]:
        """The four maps, the finest first."""
        return [self.down_4(tokens), self.down_8(tokens), self.down_16(tokens), self.down_32(tokens)]


class Filter(nn.Module):
    """A 1 × 1 convolution and a ramp; the convolution is called `conv` in checkpoints."""

    def __init__(self, given: int, made: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(given, made, 1)

    def forward(self, pixels: Tensor) -> Tensor:
        """(B, given, h, w) → (B, made, h, w)."""
        return F.relu(self.conv(pixels))


class Fused(nn.Module):
    """All maps brought to the finest's size, side by side, and mixed.

    Args:
        widths: channels of the maps.
        channels: made of each, and of all.
    """

    def __init__(self, widths: Sequence[int], channels: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(Filter(width, channels) for width in widths)
        self.fusion_conv = Filter(channels * len(widths), channels)

    def fused(self, maps: Sequence[Tensor]) -> Tensor:
        """(B, channels, h, w) of the finest map's size."""
        size = maps[0].shape[2:]
        each = [
            F.interpolate(conv(level), size=size, mode="bilinear", align_corners=False)
            for conv, level in zip(self.convs, maps, strict=True)
        ]
        result: Tensor = self.fusion_conv(torch.cat(each, dim=1))
        return result
