"""The network over pixels: boundaries, features and embeddings.

The encoder is an EfficientNet without the parts that CPUs are slow at; the decoder has plain 3×3 convolutions, since
depthwise ones are bound by memory, and most of its arithmetic is done at strides 8 and 16.
"""

import copy
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from tamis.training.encoders import LITE2, EfficientNetLite, Stage


@dataclass(frozen=True, slots=True)
class EmbeddingShape:
    """Sizes of the pixel network."""

    stages: tuple[Stage, ...] = LITE2
    """Of the encoder."""
    stem: int = 32
    """Channels of the encoder's first filter."""
    widths: tuple[int, ...] = (64, 96, 128, 160)
    """Channels of the feature pyramid at strides 4, 8, 16, 32."""
    attention: int = 2
    """Transformer layers over the cells of stride 32."""
    fine: int = 24
    """Channels of the boundary branch at stride 2."""
    embedding: int = 24
    """Length of the embedding vector."""


class PixelFeatures(NamedTuple):
    """What the pixel network makes of a batch of B images of (H, W) pixels before its heads."""

    levels: list[Tensor]
    """(B, ., H/s, W/s) at the strides s = 2, 4, 8, 16, 32: the encoder's maps."""
    stride16: Tensor
    """(B, ., H/16, W/16) of the feature pyramid."""
    stride8: Tensor
    """(B, ., H/8, W/8) likewise."""
    stride4: Tensor
    """(B, ., H/4, W/4) likewise."""
    fine: Tensor
    """(B, ., H/2, W/2) of the boundary branch."""

    @property
    def decoded(self) -> tuple[Tensor, Tensor, Tensor]:
        """Those of the feature pyramid, the finest first."""
        return self.stride4, self.stride8, self.stride16


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
    deep16: Tensor
    """(B, C, H/16, W/16): the encoder's own map, for comparing images."""
    deep32: Tensor
    """(B, C', H/32, W/32): its last one."""


def convolution(inputs: int, outputs: int, kernel: int = 3) -> nn.Sequential:
    """A convolution of stride 1 that keeps the size, a norm and a ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions around a shortcut (He et al., arXiv 1512.03385); the last norm starts at zero."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = convolution(width, width)
        self.second = nn.Sequential(nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width))
        nn.init.zeros_(self.second[1].weight)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, h, w) to the same."""
        return F.relu(x + self.second(self.first(x)))


class CellAttention(nn.Module):
    """A pre-norm transformer layer over the cells of a map, its two branches scaled (Touvron et al., arXiv 2103.17239).

    Cells of stride 32 are few, so that all of an image is seen for a millisecond.
    """

    def __init__(self, width: int, heads: int = 4, scale: float = 0.01) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.project = nn.Linear(width, 3 * width)
        self.merge = nn.Linear(width, width)
        self.perceptron_norm = nn.LayerNorm(width)
        self.perceptron = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
        self.scale = nn.Parameter(torch.full((width,), scale))
        self.perceptron_scale = nn.Parameter(torch.full((width,), scale))

    def forward(self, x: Tensor) -> Tensor:
        """(B, cells, width) to the same."""
        count, cells, width = x.shape
        rows = x.reshape(-1, width)  # linear maps of two axes keep the names of their weights in an exported file
        query, key, value = (
            self.project(self.norm(rows)).view(count, cells, 3, self.heads, -1).permute(2, 0, 3, 1, 4).unbind()
        )
        mixed = F.scaled_dot_product_attention(query, key, value).transpose(1, 2).reshape(-1, width)
        rows = rows + self.scale * self.merge(mixed)
        rows = rows + self.perceptron_scale * self.perceptron(self.perceptron_norm(rows))
        result: Tensor = rows.view(count, cells, width)
        return result


class Pyramid(nn.Module):
    """From the encoder's maps down to stride 4 (Lin et al., arXiv 1612.03144), narrower with every stride."""

    def __init__(self, channels: tuple[int, ...], widths: tuple[int, ...], attention: int) -> None:
        super().__init__()
        self.laterals = nn.ModuleList(convolution(c, w, 1) for c, w in zip(channels, widths, strict=True))
        self.context = nn.Sequential(
            nn.Linear(channels[-1], widths[-1]), nn.ReLU(inplace=True), nn.Linear(widths[-1], widths[-1])
        )
        self.attention = nn.ModuleList(CellAttention(widths[-1]) for _ in range(attention))
        four, eight, sixteen, thirty_two = widths
        self.smooth32 = convolution(thirty_two, sixteen)
        self.smooth16 = nn.Sequential(convolution(sixteen, sixteen), ResidualBlock(sixteen))
        self.narrow16 = convolution(sixteen, eight, 1)
        self.smooth8 = nn.Sequential(convolution(eight, eight), ResidualBlock(eight))
        self.narrow8 = convolution(eight, four, 1)
        self.smooth4 = convolution(four, four)

    def forward(self, levels: list[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Maps at strides 4, 8, 16, 32 to the features at strides 16, 8 and 4."""
        top: Tensor = self.laterals[3](levels[3]) + self.context(levels[3].mean(dim=(2, 3)))[:, :, None, None]
        cells = top.flatten(2).transpose(1, 2)
        for layer in self.attention:
            cells = layer(cells)
        top = cells.transpose(1, 2).reshape(top.shape)
        stride16 = self.smooth16(self.laterals[2](levels[2]) + _doubled(self.smooth32(top)))
        stride8 = self.smooth8(self.laterals[1](levels[1]) + _doubled(self.narrow16(stride16)))
        stride4 = self.smooth4(self.laterals[0](levels[0]) + _doubled(self.narrow8(stride8)))
        return stride16, stride8, stride4


def _doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


class PixelNetwork(nn.Module):
    """An encoder that has seen the world, a feature pyramid and heads for boundary and embedding."""

    def __init__(self, shape: EmbeddingShape = EmbeddingShape()) -> None:
        super().__init__()
        self.shape = shape
        width = shape.widths[0]
        self.encoder = EfficientNetLite(shape.stages, shape.stem)
        finest, *channels = self.encoder.channels
        self.pyramid = Pyramid(tuple(channels), shape.widths, shape.attention)
        self.fine = convolution(width, shape.fine, kernel=1)
        self.fine_lateral = convolution(finest, shape.fine, kernel=1)
        self.fine_smooth = convolution(shape.fine, shape.fine)
        self.boundary = nn.Conv2d(shape.fine, 1, 1)
        self.boundary4 = nn.Conv2d(width, 1, 1)
        self.boundary8 = nn.Conv2d(shape.widths[1], 1, 1)
        self.embed = nn.Sequential(convolution(width + 2, width), nn.Conv2d(width, shape.embedding + 1, 1))
        self.margin = nn.Parameter(torch.tensor(2.0))
        for head in (self.boundary, self.boundary4, self.boundary8):
            nn.init.constant_(head.bias, -2.0)  # type: ignore[arg-type]  # a border is rare

    def forward(self, images: Tensor) -> PixelOutputs:
        """(B, 3, H, W) RGB in [0, 1], H and W multiples of 32."""
        return self.told(self.features(images))

    def features(self, images: Tensor) -> PixelFeatures:
        """All but the heads, of the same images."""
        levels = self.encoder(images)
        stride16, stride8, top = self.pyramid(levels[1:])
        fine = self.fine(F.interpolate(top, scale_factor=2.0, mode="bilinear", align_corners=False))
        fine = self.fine_smooth(fine + self.fine_lateral(levels[0]))
        return PixelFeatures(levels, stride16, stride8, top, fine)

    def told(self, seen: PixelFeatures) -> PixelOutputs:
        """The heads."""
        top = seen.stride4
        embedded = self.embed(torch.cat([top, coordinate_channels(top)], dim=1))
        return PixelOutputs(
            self.boundary(seen.fine),
            self.boundary4(top),
            self.boundary8(seen.stride8),
            embedded[:, :-1],
            embedded[:, -1:],
            top,
            seen.levels[3],
            seen.levels[4],
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


Network = TypeVar("Network", bound=nn.Module)


def folded(network: Network) -> Network:
    """A copy for inference in which every batch norm is part of the convolution before it."""
    network = copy.deepcopy(network).eval()
    for module in network.modules():
        if isinstance(module, nn.Sequential) and len(module) >= 2:
            first, second = module[0], module[1]
            if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d):
                module[0], module[1] = fuse_conv_bn_eval(first, second), nn.Identity()
    return network
