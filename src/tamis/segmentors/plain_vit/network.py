"""SegNext: an image is encoded once; clicks and the mask so far are encoded as a picture and added to its tokens.

Source: Liu, Cho, Bansal, Niethammer, "Rethinking Interactive Image Segmentation with Low Latency, High Quality, and
Diverse Prompts", arXiv 2404.00741; uncbiag/SegNext, `segnext/isegm/model/is_plainvit_model.py`. Parameters are called
as in its checkpoints, which are states of this network.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor, nn

from tamis.segmentors.plain_vit.encoder import Block, Encoder, EncoderShape, Patches
from tamis.segmentors.plain_vit.pyramid import Fused, Pyramid

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
"""Of the channels of ImageNet, between 0 and 1."""

RADIUS = 5
"""Pixels of the disk of a click, in the square that the encoder sees."""


@dataclass(frozen=True, slots=True)
class SegNextShape:
    """How large a network is.

    Attributes:
        encoder: of the image.
        fusion: blocks of attention after the clicks are added: 2 for SAx2, 1 for SAx1, 0 for none.
        widths: channels of the four maps.
        channels: of the head.
        dropout: share of the head's channels that training leaves out.
        radius: of a click's disk in pixels of the square.
    """

    encoder: EncoderShape
    fusion: int = 2
    widths: tuple[int, int, int, int] = (128, 256, 512, 1024)
    channels: int = 256
    dropout: float = 0.1
    radius: int = RADIUS

    def at(self, side: int) -> "SegNextShape":
        """The same for another square."""
        return SegNextShape(
            EncoderShape(
                side,
                self.encoder.patch,
                self.encoder.width,
                self.encoder.depth,
                self.encoder.heads,
                self.encoder.everywhere,
                self.encoder.mlp,
            ),
            self.fusion,
            self.widths,
            self.channels,
            self.dropout,
            self.radius,
        )


SHAPES: Mapping[str, SegNextShape] = MappingProxyType(
    {
        "vit-b": SegNextShape(EncoderShape(1024, 16, 768, 12, 12, 3)),
        "vit-l": SegNextShape(EncoderShape(1024, 16, 1024, 24, 16, 6)),
        "small": SegNextShape(EncoderShape(128, 8, 96, 4, 4, 2), 1, (24, 32, 48, 64), 32, 0.0, 3),
        "tiny": SegNextShape(EncoderShape(64, 8, 32, 2, 2, 2), 1, (8, 8, 12, 16), 8, 0.0, 3),
    }
)
"""Sizes by name: SegNext's own, a larger one with four blocks of global attention too, one that a laptop trains in
minutes, and one for tests."""


class Head(Fused):
    """Logits of the finest map's size."""

    def __init__(self, shape: SegNextShape) -> None:
        super().__init__(shape.widths, shape.channels)
        self.dropout = nn.Dropout2d(shape.dropout)
        self.seg_conv = nn.Conv2d(shape.channels, 1, 1)

    def forward(self, maps: list[Tensor]) -> Tensor:
        """(B, 1, h, w)."""
        logits: Tensor = self.seg_conv(self.dropout(self.fused(maps)))
        return logits


class SegNext(nn.Module):
    """The network: `encode` an image once, then ask it with `logits`.

    Args:
        shape: of it.
    """

    def __init__(self, shape: SegNextShape) -> None:
        super().__init__()
        self.shape = shape
        self.backbone = Encoder(shape.encoder)
        self.visual_prompts_encoder = Patches(shape.encoder.patch, shape.encoder.width)
        self.fusion_blocks = nn.Sequential(
            *(Block(shape.encoder.width, shape.encoder.heads, shape.encoder.mlp, 1e-5) for _ in range(shape.fusion))
        )
        self.neck = Pyramid(shape.encoder.width, shape.widths)
        self.head = Head(shape)
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1), persistent=False)

    mean: Tensor
    std: Tensor

    def encode(self, square: Tensor) -> Tensor:
        """(B, 3, side, side) of 0 to 1 → features (B, width, grid, grid)."""
        features: Tensor = self.backbone((square - self.mean) / self.std)
        return features

    def logits(self, features: Tensor, prompts: Tensor) -> Tensor:
        """Logits (B, 1, 4 grid, 4 grid) of the mask that is asked for.

        Args:
            features: (B, width, grid, grid), or one for all prompts.
            prompts: (B, 3, side, side): the probabilities of the mask so far, and the disks of positive and negative
                clicks.
        """
        width, grid = self.shape.encoder.width, self.shape.encoder.grid
        asked = self.visual_prompts_encoder(prompts).transpose(1, 2).reshape(-1, width, grid, grid)
        tokens = (features + asked).flatten(2).transpose(1, 2)
        tokens = self.fusion_blocks(tokens)
        answer: Tensor = self.head(self.neck(tokens.transpose(1, 2).reshape(-1, width, grid, grid)))
        return answer

    def forward(self, square: Tensor, prompts: Tensor) -> Tensor:
        """Both at once."""
        return self.logits(self.encode(square), prompts)
