"""The plain vision transformer of SegNext and SimpleClick: attention within windows, and over all tokens now and then.

Names of parameters are those of their checkpoints, and of MAE's and timm's, so that any of these is a state of it.
Sources: Dosovitskiy et al., arXiv 2010.11929; Li et al., arXiv 2203.16527; uncbiag/SegNext and uncbiag/SimpleClick,
`isegm/model/modeling/models_vit.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

PRETRAINED_SIDE = 224
"""Pixels of the images that the weights come from; a window is what these had, as near as the grid can be divided."""


@dataclass(frozen=True, slots=True)
class EncoderShape:
    """How large an encoder is.

    Attributes:
        side: pixels of the square that it sees.
        patch: pixels of a token's side.
        width: numbers of a token.
        depth: blocks.
        heads: of attention; they divide the width.
        everywhere: every so many blocks attention is over all tokens; 1 for all blocks.
        mlp: width of the hidden layer, in widths of a token.
    """

    side: int
    patch: int
    width: int
    depth: int
    heads: int
    everywhere: int
    mlp: float = 4.0

    @property
    def grid(self) -> int:
        """Tokens of a side."""
        return self.side // self.patch

    @property
    def windows(self) -> int:
        """Windows of a side: 4 at 1024 pixels, so that a window has 16 × 16 tokens, and not the 14 × 14 of 224."""
        return max(1, self.grid // (PRETRAINED_SIDE // self.patch))


class Patches(nn.Module):
    """A square of `patch` × `patch` pixels becomes a token."""

    def __init__(self, patch: int, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, patch, stride=patch)

    def forward(self, pixels: Tensor) -> Tensor:
        """(B, 3, H, W) → (B, tokens, width)."""
        tokens: Tensor = self.proj(pixels)
        return tokens.flatten(2).transpose(1, 2)


class Attention(nn.Module):
    """Every token looks at all tokens of its sequence."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, N, width) → (B, N, width)."""
        batch, count, width = tokens.shape
        parts = self.qkv(tokens).view(batch, count, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        seen = F.scaled_dot_product_attention(query, key, value)
        mixed: Tensor = self.proj(seen.transpose(1, 2).reshape(batch, count, width))
        return mixed


class Perceptron(nn.Module):
    """Two layers, token by token."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, N, width) → (B, N, width)."""
        result: Tensor = self.fc2(F.gelu(self.fc1(tokens)))
        return result


class Block(nn.Module):
    """Attention, then a perceptron, each after a norm and beside a shortcut.

    Args:
        width: of a token.
        heads: of attention.
        mlp: hidden width, in widths.
        epsilon: of the norms: 1e-6 in the encoders, 1e-5 in SegNext's blocks after the clicks.
    """

    def __init__(self, width: int, heads: int, mlp: float, epsilon: float) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=epsilon)
        self.attn = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width, eps=epsilon)
        self.mlp = Perceptron(width, int(width * mlp))

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, N, width) → (B, N, width)."""
        tokens = tokens + self.attn(self.norm1(tokens))
        result: Tensor = tokens + self.mlp(self.norm2(tokens))
        return result


class Encoder(nn.Module):
    """The transformer without a class token's answer and without a last norm.

    Args:
        shape: of it.
    """

    def __init__(self, shape: EncoderShape) -> None:
        super().__init__()
        self.shape = shape
        self.patch_embed = Patches(shape.patch, shape.width)
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + shape.grid**2, shape.width))  # the first is a class token's
        self.blocks = nn.Sequential(
            *(Block(shape.width, shape.heads, shape.mlp, 1e-6) for _ in range(shape.depth)),
        )
        self.reset()

    def reset(self) -> None:
        """Random weights as MAE's: Xavier's for matrices, and positions of deviation .02."""
        nn.init.normal_(self.pos_embed, std=0.02)
        filters = self.patch_embed.proj.weight
        nn.init.xavier_uniform_(filters.data.view(filters.shape[0], -1))
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)

    def forward(self, image: Tensor, further: Tensor | None = None) -> Tensor:
        """(B, 3, side, side) normalised → (B, width, grid, grid).

        Args:
            image: the pixels.
            further: (B, tokens, width), added to the image's tokens before their positions, as SimpleClick adds clicks.
        """
        tokens: Tensor = self.patch_embed(image)
        if further is not None:
            tokens = tokens + further
        tokens = tokens + self.pos_embed[:, 1:]
        split = False
        for number, block in enumerate(self.blocks, 1):
            wide = self.is_wide(number)
            if wide == split and self.shape.windows > 1:
                tokens = joined(tokens, self.shape) if split else windows_of(tokens, self.shape)
                split = not split
            tokens = block(tokens)
        if split:
            tokens = joined(tokens, self.shape)
        grid = self.shape.grid
        return tokens.transpose(1, 2).reshape(-1, self.shape.width, grid, grid)

    def is_wide(self, number: int) -> bool:
        """Whether block `number`, from 1, looks at all tokens; the last one always does."""
        return number % self.shape.everywhere == 0 or number == self.shape.depth


def windows_of(tokens: Tensor, shape: EncoderShape) -> Tensor:
    """(B, grid², C) → (B · windows², tokens of a window, C), row by row."""
    batch, _, width = tokens.shape
    count, side = shape.windows, shape.grid // shape.windows
    parts = tokens.view(batch, count, side, count, side, width).transpose(2, 3)
    return parts.reshape(batch * count**2, side**2, width)


def joined(tokens: Tensor, shape: EncoderShape) -> Tensor:
    """Undo `windows_of`."""
    count, side = shape.windows, shape.grid // shape.windows
    width = tokens.shape[-1]
    parts = tokens.view(-1, count, count, side, side, width).transpose(2, 3)
    return parts.reshape(-1, shape.grid**2, width)


def resized_positions(positions: Tensor, grid: int) -> Tensor:
    """Positions (1, 1 + n², C) for another grid: the class token's stays, the others are interpolated bicubically."""
    first, rest = positions[:, :1], positions[:, 1:]
    before = round(rest.shape[1] ** 0.5)
    if before == grid:
        return positions
    plane = rest.reshape(1, before, before, -1).permute(0, 3, 1, 2)
    plane = F.interpolate(plane, size=(grid, grid), mode="bicubic", align_corners=False)
    return torch.cat([first, plane.permute(0, 2, 3, 1).flatten(1, 2)], dim=1)


def require_divisible(shape: EncoderShape) -> Sequence[str]:
    """What is wrong with a shape, in words; nothing for a good one."""
    wrong = []
    if shape.side % shape.patch:
        wrong.append(f"{shape.side} pixels are no multiple of the patch of {shape.patch}")
    elif shape.grid % shape.windows:
        wrong.append(f"{shape.grid} tokens of a side cannot be divided into {shape.windows} windows")
    if shape.width % shape.heads:
        wrong.append(f"a width of {shape.width} cannot be divided among {shape.heads} heads")
    return wrong
