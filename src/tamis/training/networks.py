"""The two networks: one over pixels (boundaries, features, embeddings), one over the regions of an image.

Written for two CPU cores: plain 3×3 convolutions (depthwise ones are bound by memory there) and most of the arithmetic
at strides 8 and 16.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True, slots=True)
class EmbeddingShape:
    """Sizes of the pixel network."""

    widths: tuple[int, ...] = (32, 64, 112, 160, 192)
    """Channels at strides 2, 4, 8, 16, 32."""
    blocks: tuple[int, ...] = (0, 2, 3, 4, 2)
    """Residual blocks at these strides."""
    decoder: int = 64
    """Channels of the feature pyramid, down to stride 4."""
    fine: int = 24
    """Channels of the boundary branch at stride 2."""
    embedding: int = 24
    """Length of the embedding vector."""


class PixelOutputs(NamedTuple):
    """What the pixel network says of a batch of B images of (H, W) pixels, H and W multiples of 32."""

    boundary: Tensor
    """(B, 1, H/2, W/2) logit: a border between regions passes here."""
    boundary4: Tensor
    """(B, 1, H/4, W/4) the same, coarser: for training."""
    boundary8: Tensor
    """(B, 1, H/8, W/8) the same, coarser: for training."""
    embedding: Tensor
    """(B, E, H/4, W/4): pixels of one mask lie close."""
    bias: Tensor
    """(B, 1, H/4, W/4) logit: how readily a pixel joins any mask."""
    features: Tensor
    """(B, D, H/4, W/4) decoder features, not negative: pooled over regions by the second network."""


def _convolution(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions around a shortcut (He et al., arXiv 1512.03385); the last norm starts at zero."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = _convolution(width, width)
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        nn.init.zeros_(self.norm.weight)

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, h, w) to the same."""
        return F.relu(x + self.norm(self.second(self.first(x))))


class PixelNetwork(nn.Module):
    """A residual encoder, a feature pyramid (Lin et al., arXiv 1612.03144) and heads for boundary and embedding."""

    def __init__(self, shape: EmbeddingShape = EmbeddingShape()) -> None:
        super().__init__()
        self.shape = shape
        width = shape.decoder
        stages, laterals = [], []
        previous = 3
        for channels, blocks in zip(shape.widths, shape.blocks, strict=True):
            stages.append(
                nn.Sequential(
                    _convolution(previous, channels, stride=2), *(ResidualBlock(channels) for _ in range(blocks))
                )
            )
            previous = channels
        for channels in shape.widths[1:]:
            laterals.append(_convolution(channels, width, kernel=1))
        self.stages = nn.ModuleList(stages)
        self.laterals = nn.ModuleList(laterals)
        self.smooth = nn.ModuleList(_convolution(width, width) for _ in shape.widths[1:])
        self.context = nn.Sequential(nn.Linear(previous, previous), nn.ReLU(inplace=True), nn.Linear(previous, width))
        self.fine = nn.Sequential(
            _convolution(width, shape.fine, kernel=1),
        )
        self.fine_lateral = _convolution(shape.widths[0], shape.fine, kernel=1)
        self.fine_smooth = _convolution(shape.fine, shape.fine)
        self.boundary = nn.Conv2d(shape.fine, 1, 1)
        self.boundary4 = nn.Conv2d(width, 1, 1)
        self.boundary8 = nn.Conv2d(width, 1, 1)
        self.embed = nn.Sequential(_convolution(width + 2, width), nn.Conv2d(width, shape.embedding + 1, 1))
        self.margin = nn.Parameter(torch.tensor(2.0))
        for head in (self.boundary, self.boundary4, self.boundary8):
            nn.init.constant_(head.bias, -2.0)  # type: ignore[arg-type]  # a border is rare

    def forward(self, images: Tensor) -> PixelOutputs:
        """(B, 3, H, W) RGB in [0, 1], H and W multiples of 32."""
        x = (images - 0.45) / 0.25
        levels = []
        for stage in self.stages:
            x = stage(x)
            levels.append(x)
        context = self.context(x.mean(dim=(2, 3)))[:, :, None, None]
        top = self.smooth[3](self.laterals[3](x) + context)
        stride8 = top
        for i in (2, 1, 0):
            top = self.smooth[i](self.laterals[i](levels[i + 1]) + F.interpolate(top, scale_factor=2.0, mode="nearest"))
            if i == 1:
                stride8 = top
        fine = self.fine(F.interpolate(top, scale_factor=2.0, mode="bilinear", align_corners=False))
        fine = self.fine_smooth(fine + self.fine_lateral(levels[0]))
        coordinates = coordinate_channels(top)
        embedded = self.embed(torch.cat([top, coordinates], dim=1))
        return PixelOutputs(
            self.boundary(fine),
            self.boundary4(top),
            self.boundary8(stride8),
            embedded[:, :-1],
            embedded[:, -1:],
            top,
        )


def coordinate_channels(like: Tensor) -> Tensor:
    """(B, 2, h, w): x and y of the cells of `like` (B, C, h, w) from the middle, in units of 44 cells (176 pixels)."""
    height, width = like.shape[2], like.shape[3]
    y = (torch.arange(height, device=like.device, dtype=like.dtype) - (height - 1) / 2) / 44
    x = (torch.arange(width, device=like.device, dtype=like.dtype) - (width - 1) / 2) / 44
    return torch.stack([x[None, :].expand(height, width), y[:, None].expand(height, width)])[None].expand(
        like.shape[0], 2, height, width
    )


def click_logits(outputs: PixelOutputs, margin: Tensor, cells: Tensor) -> Tensor:
    """The logit of every cell for every click: m + b(x) − ‖e(x) − e(z)‖².

    A distance learns far faster than free dot products. Written as dot products, so that no (B, K, E, h·w) array is
    made.

    Args:
        outputs: of the pixel network.
        margin: (), m.
        cells: (B, K) int64, flat index of the clicked cells at stride 4.

    Returns:
        (B, K, h·w) float32.
    """
    embedding = outputs.embedding.float().flatten(2)
    clicked = embedding.gather(2, cells[:, None].expand(-1, embedding.shape[1], -1))
    square = embedding.square().sum(1)
    distance = square[:, None] + clicked.square().sum(1)[:, :, None] - 2 * clicked.transpose(1, 2) @ embedding
    return margin + outputs.bias.float().flatten(2) - distance.clamp_min(0)
