"""In which order masks are proposed: whoever looks at the first few should find in them what there is."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tamis.mask import Masks, iou_matrix
from tamis.proposals.cover import covering
from tamis.regions.unions import Unions

Order: TypeAlias = Callable[
    [Masks | Unions, NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]], NDArray[np.int64]
]
"""Masks, their scores (N,), how many clicks gave each (N,), indices of those to propose → the same in their order."""


def by_gain(
    masks: Masks | Unions, scores: NDArray[np.float32], times: NDArray[np.int64], kept: NDArray[np.int64]
) -> NDArray[np.int64]:
    """First what tells most of all masks that clicks gave: each next one adds most to the IoU with them (`covering`).

    A mask weighs score² / √area for each click that gave it. Clicks lie everywhere, so that an object of area a gets
    some a clicks, and weighs √a in all: between every pixel alike, where the sky and the road come before everything
    else, and every object alike, where crumbs do.
    """
    areas = np.maximum(masks.areas[:], 1).astype(np.float32)
    weights = (times * np.square(scores) / np.sqrt(areas)).astype(np.float32)
    if isinstance(masks, Unions):
        similar = masks[kept].ious(masks)
    else:
        similar = iou_matrix(masks[kept], masks).astype(np.float32)
    return kept[covering(similar, weights)]


def as_kept(
    masks: Masks | Unions, scores: NDArray[np.float32], times: NDArray[np.int64], kept: NDArray[np.int64]
) -> NDArray[np.int64]:
    """As suppression leaves them: the best rated first, or what covers most."""
    return kept


ORDERS: Mapping[str, Order] = MappingProxyType({"gain": by_gain, "nms": as_kept})
"""By the name that the command line uses."""
