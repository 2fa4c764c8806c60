"""Decoders: from a backbone's maps to the logits of classes. The small ones are here; see also `upernet` and `knet`.

A decoder takes a list of (B, C, h, w) maps, the finest first, and returns a list of logits, each (B, classes, h, w):
all of them are learned from, and the last is the answer. Its `conv_seg` is the last filter, one row for each class.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from tamis.semantic.networks.losses import resized

DROPOUT = 0.1
"""Of whole channels before the last filter, as in mmsegmentation."""


class ConvNormRelu(nn.Module):
    """A filter without bias, a batch norm and a ReLU; its parts are named as in mmsegmentation's checkpoints."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(outputs)
        nn.init.kaiming_normal_(self.conv.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, h, w) to (B, outputs, h, w)."""
        return torch.relu(self.bn(self.conv(x)))


def classifier(inputs: int, classes: int) -> nn.Conv2d:
    """The last filter: 1×1, with small random weights so that all classes begin equally likely."""
    filters = nn.Conv2d(inputs, classes, 1)
    nn.init.normal_(filters.weight, std=0.01)
    nn.init.zeros_(filters.bias)  # type: ignore[arg-type]
    return filters


class LinearHead(nn.Module):
    """DINOv2's probe: a batch norm and a 1×1 filter on patch tokens, several maps concatenated (arXiv 2304.07193)."""

    def __init__(self, channels: Sequence[int], classes: int) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(sum(channels))
        self.conv_seg = classifier(sum(channels), classes)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """The logits at the resolution of the first map; coarser ones are resized to it."""
        return [self.conv_seg(self.bn(_joined(maps)))]


class FCNHead(nn.Module):
    """3×3 filters on one map, then the classifier: the auxiliary head of UPerNet, or a small decoder of its own."""

    def __init__(self, inputs: int, width: int, classes: int, level: int, layers: int = 1) -> None:
        super().__init__()
        self.level = level
        self.convs = nn.Sequential(*(ConvNormRelu(inputs if i == 0 else width, width, 3) for i in range(layers)))
        self.dropout = nn.Dropout2d(DROPOUT)
        self.conv_seg = classifier(width, classes)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """The logits at the resolution of its map."""
        return [self.conv_seg(self.dropout(self.convs(maps[self.level])))]


class ConvolutionalHead(nn.Module):
    """A small decoder: every map to `width` channels, resized to the finest, added, two 3×3 filters, the classifier."""

    def __init__(self, channels: Sequence[int], width: int, classes: int) -> None:
        super().__init__()
        self.lateral_convs = nn.ModuleList(ConvNormRelu(inputs, width) for inputs in channels)
        self.convs = nn.Sequential(ConvNormRelu(width, width, 3), ConvNormRelu(width, width, 3))
        self.dropout = nn.Dropout2d(DROPOUT)
        self.conv_seg = classifier(width, classes)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """The logits at the resolution of the finest map."""
        size = (maps[0].shape[-2], maps[0].shape[-1])
        lateral = [resized(convolve(each), size) for convolve, each in zip(self.lateral_convs, maps, strict=True)]
        return [self.conv_seg(self.dropout(self.convs(torch.stack(lateral).sum(0))))]


def _joined(maps: Sequence[Tensor]) -> Tensor:
    size = (maps[0].shape[-2], maps[0].shape[-1])
    return torch.cat([resized(each, size) for each in maps], dim=1)
