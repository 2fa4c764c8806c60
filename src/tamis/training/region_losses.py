"""What stage B minimises: a weighted sum of named losses over the regions of a photograph."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import torch
from torch import Tensor

from tamis.errors import InputError
from tamis.training.losses import (
    level_line,
    lovasz_hinge,
    normalised_focal,
    own_mask_bce,
    pairwise_bce,
    soft_iou,
)

Terms = tuple[tuple[str, float], ...]
"""Names of losses with their weights."""

DEFAULT_TERMS: Terms = (("bce", 1.0), ("iou", 2.0))
"""Stage A also counts the clicked mask alone (`own`). Here that made answers too large: without it the mean over seven
held-out sets rose from .57 to .61, and nothing was left for calibration to mend."""

BY_TARGET: Mapping[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = MappingProxyType(
    {
        "bce": pairwise_bce,
        "own": own_mask_bce,
        "iou": soft_iou,
        "lovasz": lovasz_hinge,
        "focal": normalised_focal,
    }
)
"""Losses of (logits, targets, weights), all (K, R)."""

NAMES = (*BY_TARGET, "level")


def parse_terms(texts: Sequence[str]) -> Terms:
    """Read NAME or NAME=WEIGHT; the recipe's own where there is none.

    Raises:
        InputError: an unknown name, or no positive number.

    >>> parse_terms(["bce", "lovasz=.5"])
    (('bce', 1.0), ('lovasz', 0.5))
    """
    terms = []
    for text in texts:
        name, equals, number = text.partition("=")
        if name not in NAMES:
            raise InputError(f"there is no loss {name!r}: choose from {', '.join(NAMES)}")
        try:
            weight = float(number) if equals else 1.0
        except ValueError:
            weight = 0.0
        if not weight > 0:
            raise InputError(f"loss {text!r} must read NAME=WEIGHT with a positive weight")
        terms.append((name, weight))
    return tuple(terms) or DEFAULT_TERMS


def click_losses(logits: Tensor, targets: Tensor, weights: Tensor, nested: Tensor | None, terms: Terms) -> Tensor:
    """(K,) the weighted sum of the terms for each click.

    Args:
        logits: (K, R).
        targets: (K, R), the share of each region in the clicked mask.
        weights: (K, R), what each region counts.
        nested: (K, J, R), the masks of J annotators that hold the click, for `level`.
        terms: which losses.
    """
    total = logits.new_zeros(len(logits))
    for name, weight in terms:
        if name == "level":
            assert nested is not None
            each = level_line(logits, nested, weights)
        else:
            each = BY_TARGET[name](logits, targets, weights)
        total = total + weight * each
    return total


@torch.no_grad()
def click_ious(logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """(K,) the IoU at one half, regions counting by weight."""
    answer = (logits > 0).to(targets.dtype)
    both = (answer * targets * weights).sum(1)
    either = (torch.maximum(answer, targets) * weights).sum(1)
    return both / either.clamp_min(1e-9)
