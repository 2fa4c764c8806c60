"""Losses over label maps, as mmsegmentation defines them.

Logits are (B, C, h, w) float, labels (B, H, W) int64 with 255 where a pixel is not to be learned from. Logits are
resized to the labels, never the other way round.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch import Tensor
from torch.nn import functional as F

from tamis.semantic.data.dataset import IGNORE

TINY = 1.2e-7
"""The smallest step of float32 above one: keeps an empty denominator from being zero."""
AUXILIARY_WEIGHT = 0.4
"""Of the loss of an auxiliary head (PSPNet, arXiv 1612.01105, and all of mmsegmentation)."""

Criterion = Callable[[Tensor, Tensor], Tensor]
"""From (B, C, h, w) logits and (B, H, W) labels to a number."""


def resized(logits: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, C, *size): logits bilinearly resized, pixel centres at halves (`align_corners=False`), as float32."""
    if logits.shape[-2:] == size:
        return logits.float()
    return F.interpolate(logits.float(), size, mode="bilinear", align_corners=False)


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """The sum over labelled pixels divided by the number of all pixels, ignored ones included.

    This is mmsegmentation's default (`CrossEntropyLoss`, `avg_non_ignore=False`), with which its published models were
    trained: a crop with many ignored pixels weighs less. torch's own `ignore_index` mean is larger.
    """
    total = F.cross_entropy(resized(logits, _size(labels)), labels, ignore_index=IGNORE, reduction="sum")
    return total / (labels.numel() + TINY)


def cross_entropy_of_labelled(logits: Tensor, labels: Tensor) -> Tensor:
    """The mean over labelled pixels (`avg_non_ignore=True`); 0 where none is labelled."""
    total = F.cross_entropy(resized(logits, _size(labels)), labels, ignore_index=IGNORE, reduction="sum")
    return total / ((labels != IGNORE).sum() + TINY)


CRITERIA: Mapping[str, Criterion] = MappingProxyType(
    {"cross-entropy": cross_entropy, "cross-entropy-of-labelled": cross_entropy_of_labelled}
)
"""What a recipe may minimise, by name."""


@torch.no_grad()
def pixel_accuracy(logits: Tensor, labels: Tensor) -> Tensor:
    """The share of labelled pixels whose largest logit is their class; 0 where none is labelled."""
    hits = (resized(logits, _size(labels)).argmax(1) == labels).sum()
    return hits / ((labels != IGNORE).sum() + TINY)


def _size(labels: Tensor) -> tuple[int, int]:
    return labels.shape[-2], labels.shape[-1]
