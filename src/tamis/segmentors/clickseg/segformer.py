"""SegFormer, the Mix Transformer with its all-MLP head, as FocalClick uses it.

Sources: Xie et al., arXiv 2105.15203; XavierCHEN34/ClickSEG, `isegm/model/modeling/segformer/`. Clicks are added after
the first stage, whose own map goes to the head without them. Parameters are called as in ClickSEG's checkpoints.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True, slots=True)
class MixShape:
    """How large a Mix Transformer and its head are.

    Attributes:
        widths: of the four stages.
        heads: of their attention.
        depths: blocks in each.
        reductions: by how much keys and values are smaller than queries.
        head: channels of the head.
    """

    widths: tuple[int, int, int, int]
    depths: tuple[int, int, int, int]
    head: int
    heads: tuple[int, int, int, int] = (1, 2, 5, 8)
    reductions: tuple[int, int, int, int] = (8, 4, 2, 1)


SHAPES: Mapping[str, MixShape] = MappingProxyType(
    {
        "b0": MixShape((32, 64, 160, 256), (2, 2, 2, 2), 256),
        "b3": MixShape((64, 128, 320, 512), (3, 4, 18, 3), 512),
        "b5": MixShape((64, 128, 320, 512), (3, 6, 40, 3), 512),
    }
)
"""The sizes that ClickSEG has."""


class Overlapping(nn.Module):
    """Overlapping patches as tokens."""

    def __init__(self, given: int, width: int, side: int, stride: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(given, width, side, stride=stride, padding=side // 2)
        self.norm = nn.LayerNorm(width)

    def forward(self, pixels: Tensor) -> tuple[Tensor, int, int]:
        """(B, given, H, W) → (B, h w, width), h and w."""
        made = self.proj(pixels)
        return self.norm(made.flatten(2).transpose(1, 2)), made.shape[2], made.shape[3]


class Attention(nn.Module):
    """Queries of every token, keys and values of a smaller map."""

    def __init__(self, width: int, heads: int, reduction: int) -> None:
        super().__init__()
        self.heads, self.reduction = heads, reduction
        self.q = nn.Linear(width, width)
        self.kv = nn.Linear(width, 2 * width)
        self.proj = nn.Linear(width, width)
        if reduction > 1:
            self.sr = nn.Conv2d(width, width, reduction, stride=reduction)
            self.norm = nn.LayerNorm(width)

    def forward(self, tokens: Tensor, height: int, width: int) -> Tensor:
        """(B, height width, C) → the same shape."""
        batch, count, channels = tokens.shape
        query = self.q(tokens).view(batch, count, self.heads, -1).transpose(1, 2)
        source = tokens
        if self.reduction > 1:
            plane = tokens.transpose(1, 2).reshape(batch, channels, height, width)
            source = self.norm(self.sr(plane).flatten(2).transpose(1, 2))
        parts = self.kv(source).view(batch, source.shape[1], 2, self.heads, channels // self.heads)
        key, value = parts.permute(2, 0, 3, 1, 4)
        seen = F.scaled_dot_product_attention(query, key, value)
        result: Tensor = self.proj(seen.transpose(1, 2).reshape(batch, count, channels))
        return result


class DepthWise(nn.Module):
    """A 3 × 3 filter for each channel."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(width, width, 3, padding=1, groups=width)

    def forward(self, tokens: Tensor, height: int, width: int) -> Tensor:
        """(B, height width, C) → the same shape."""
        plane = tokens.transpose(1, 2).reshape(tokens.shape[0], -1, height, width)
        filtered: Tensor = self.dwconv(plane)
        return filtered.flatten(2).transpose(1, 2)


class Mixing(nn.Module):
    """Two layers with a depthwise filter between."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.dwconv = DepthWise(4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, tokens: Tensor, height: int, width: int) -> Tensor:
        """(B, height width, C) → the same shape."""
        result: Tensor = self.fc2(F.gelu(self.dwconv(self.fc1(tokens), height, width)))
        return result


class Block(nn.Module):
    """Attention, then mixing, each after a norm and beside a shortcut."""

    def __init__(self, width: int, heads: int, reduction: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = Attention(width, heads, reduction)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = Mixing(width)

    def forward(self, tokens: Tensor, height: int, width: int) -> Tensor:
        """(B, height width, C) → the same shape."""
        tokens = tokens + self.attn(self.norm1(tokens), height, width)
        result: Tensor = tokens + self.mlp(self.norm2(tokens), height, width)
        return result


class MixTransformer(nn.Module):
    """The four stages.

    Args:
        shape: of it.
    """

    def __init__(self, shape: MixShape) -> None:
        super().__init__()
        given = (3, *shape.widths)
        self.patch_embed_side1 = Overlapping(3, shape.widths[0], 7, 4)
        for stage, (width, depth) in enumerate(zip(shape.widths, shape.depths, strict=True), 1):
            side, stride = (7, 4) if stage == 1 else (3, 2)
            heads, reduction = shape.heads[stage - 1], shape.reductions[stage - 1]
            setattr(self, f"patch_embed{stage}", Overlapping(given[stage - 1], width, side, stride))
            setattr(self, f"block{stage}", nn.ModuleList(Block(width, heads, reduction) for _ in range(depth)))
            setattr(self, f"norm{stage}", nn.LayerNorm(width, eps=1e-6))

    def forward(self, image: Tensor, clicks: Tensor) -> list[Tensor]:
        """(B, 3, H, W) and (B, 3, H, W) → maps of strides 4, 8, 16 and 32."""
        tokens, height, width = self.patch_embed_side1(clicks)
        side = tokens.transpose(1, 2).reshape(image.shape[0], -1, height, width)
        maps, pixels = [], image
        for stage in range(1, 5):
            tokens, height, width = getattr(self, f"patch_embed{stage}")(pixels)
            for block in getattr(self, f"block{stage}"):
                tokens = block(tokens, height, width)
            tokens = getattr(self, f"norm{stage}")(tokens)
            pixels = tokens.transpose(1, 2).reshape(image.shape[0], -1, height, width)
            maps.append(pixels)
            if stage == 1:
                pixels = pixels + side
        return maps


class Projected(nn.Module):
    """A linear layer for every pixel."""

    def __init__(self, given: int, made: int) -> None:
        super().__init__()
        self.proj = nn.Linear(given, made)

    def forward(self, pixels: Tensor) -> Tensor:
        """(B, given, h, w) → (B, made, h, w)."""
        tokens: Tensor = self.proj(pixels.flatten(2).transpose(1, 2))
        return tokens.transpose(1, 2).reshape(pixels.shape[0], -1, *pixels.shape[2:])


class Fuse(nn.Module):
    """A 1 × 1 filter, a norm and a ramp, called as in mmcv."""

    def __init__(self, given: int, made: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(given, made, 1, bias=False)
        self.bn = nn.BatchNorm2d(made)

    def forward(self, pixels: Tensor) -> Tensor:
        """(B, given, h, w) → (B, made, h, w)."""
        return F.relu(self.bn(self.conv(pixels)))


class MixHead(nn.Module):
    """Four maps brought to the finest's size and fused."""

    def __init__(self, shape: MixShape) -> None:
        super().__init__()
        for level, width in enumerate(shape.widths, 1):
            setattr(self, f"linear_c{level}", Projected(width, shape.head))
        self.linear_fuse = Fuse(4 * shape.head, shape.head)
        self.dropout = nn.Dropout2d(0.1)
        self.linear_pred = nn.Conv2d(shape.head, 1, 1)

    def forward(self, maps: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Logits (B, 1, h, w) and features (B, head, h, w)."""
        size = maps[0].shape[2:]
        levels = [
            F.interpolate(getattr(self, f"linear_c{level}")(each), size=size, mode="bilinear", align_corners=False)
            for level, each in enumerate(maps, 1)
        ]
        features = self.dropout(self.linear_fuse(torch.cat(levels[::-1], dim=1)))
        return self.linear_pred(features), features


class SegFormer(nn.Module):
    """Both.

    Args:
        shape: of them.
    """

    def __init__(self, shape: MixShape) -> None:
        super().__init__()
        self.backbone = MixTransformer(shape)
        self.decode_head = MixHead(shape)

    def forward(self, image: Tensor, clicks: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and features at a quarter of the size; see the parts."""
        logits, features = self.decode_head(self.backbone(image, clicks))
        return logits, features
