"""UPerNet: pyramid pooling on the coarsest map, a feature pyramid over all (Xiao et al., arXiv 1807.10221)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from tamis.semantic.networks.heads import DROPOUT, ConvNormRelu, classifier
from tamis.semantic.networks.losses import resized

POOLED = (1, 2, 3, 6)
"""Cells on each side into which the coarsest map is averaged."""


class UPerHead(nn.Module):
    """The decoder; its parts are named as in mmsegmentation's checkpoints, so that these load."""

    def __init__(self, channels: Sequence[int], width: int, classes: int) -> None:
        super().__init__()
        *finer, last = channels
        self.psp_modules = nn.ModuleList(
            nn.Sequential(nn.AdaptiveAvgPool2d(cells), ConvNormRelu(last, width)) for cells in POOLED
        )
        self.bottleneck = ConvNormRelu(last + len(POOLED) * width, width, 3)
        self.lateral_convs = nn.ModuleList(ConvNormRelu(inputs, width) for inputs in finer)
        self.fpn_convs = nn.ModuleList(ConvNormRelu(width, width, 3) for _ in finer)
        self.fpn_bottleneck = ConvNormRelu(len(channels) * width, width, 3)
        self.dropout = nn.Dropout2d(DROPOUT)
        self.conv_seg = classifier(width, classes)

    def features(self, maps: Sequence[Tensor]) -> Tensor:
        """(B, width, h, w) at the resolution of the finest map, before the classifier."""
        levels = [convolve(each) for convolve, each in zip(self.lateral_convs, maps[:-1], strict=True)]
        levels.append(self._pooled(maps[-1]))
        for i in range(len(levels) - 1, 0, -1):
            levels[i - 1] = levels[i - 1] + resized(levels[i], _size(levels[i - 1]))
        # The pooled level has had its 3×3 filter already.
        smooth = [convolve(each) for convolve, each in zip(self.fpn_convs, levels[:-1], strict=True)]
        smooth.append(levels[-1])
        features: Tensor = self.fpn_bottleneck(torch.cat([resized(each, _size(smooth[0])) for each in smooth], dim=1))
        return features

    def classified(self, features: Tensor) -> Tensor:
        """(B, classes, h, w) logits of `features`."""
        logits: Tensor = self.conv_seg(self.dropout(features))
        return logits

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """The logits at the resolution of the finest map."""
        return [self.classified(self.features(maps))]

    def _pooled(self, last: Tensor) -> Tensor:
        pooled = [resized(pool(last), _size(last)) for pool in self.psp_modules]
        context: Tensor = self.bottleneck(torch.cat([last, *pooled], dim=1))
        return context


def _size(each: Tensor) -> tuple[int, int]:
    return each.shape[-2], each.shape[-1]
