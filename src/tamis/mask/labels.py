"""Label maps: one number per pixel in place of one mask per region."""

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import LabelArray, MaskArray
from tamis.errors import InputError
from tamis.mask.collection import Masks
from tamis.mask.ranges import offsets_of

_ENTRIES = 1 << 24
"""Of a table of masks and runs worked on at a time."""

Order = Literal["smallest on top", "first on top", "last on top"]


def boundaries(labels: NDArray[np.integer]) -> MaskArray:
    """(H, W) bool: pixels whose right or lower neighbour has another label."""
    edge = np.zeros(labels.shape, dtype=bool)
    edge[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    edge[:-1] |= labels[:-1] != labels[1:]
    return edge


def label_map(masks: Masks, order: Order = "smallest on top") -> NDArray[np.uint16 | np.int32]:
    """(H, W) uint16, or int32 for more than 65,535 masks: 0 where there is no mask, i + 1 where mask i is on top.

    Args:
        masks: masks that may overlap.
        order: which mask a pixel of several belongs to; of equally small masks the first.

    Raises:
        InputError: an order that is none of the three.
    """
    if order not in get_args(Order):
        raise InputError(f"masks cannot be stacked {order!r}: choose from {', '.join(map(repr, get_args(Order)))}")
    dtype: type[np.uint16] | type[np.int32] = np.uint16 if len(masks) <= 65_535 else np.int32
    labels: NDArray[np.uint16 | np.int32] = np.zeros(masks.shape, dtype)
    bottom_first = np.arange(len(masks))
    if order == "first on top":
        bottom_first = bottom_first[::-1]
    elif order == "smallest on top":
        bottom_first = np.lexsort((-bottom_first, -masks.areas))
    for i, rows, columns, pixels in masks[bottom_first].crops():
        np.copyto(labels[rows, columns], dtype(bottom_first[i] + 1), where=pixels)
    return labels


def masks_from_labels(labels: LabelArray, background: int | None = 0) -> tuple[Masks, NDArray[np.integer]]:
    """The mask of every label that occurs, in ascending order of labels, and those labels.

    Args:
        labels: (H, W) integers.
        background: a label that is no mask; None where every label is one.

    Raises:
        InputError: not a map of integers.

    >>> masks, values = masks_from_labels(np.array([[0, 7, 7], [2, 2, 7]]))
    >>> values.tolist(), masks.areas.tolist()
    ([2, 7], [2, 3])
    """
    if labels.ndim != 2 or labels.dtype.kind not in "iub" or not labels.size:
        raise InputError(f"a label map is an array (H, W) of integers, not {labels.shape} of {labels.dtype}")
    by_column = labels.T.ravel()
    changes = np.flatnonzero(by_column[1:] != by_column[:-1]) + 1
    begun = by_column[np.append(0, changes)]  # the label of every run; run i begins where run i - 1 ends
    values, label = np.unique(begun, return_inverse=True)
    position = np.concatenate([[0], changes, changes])
    owner = np.concatenate([label, label[:-1]])
    order = np.lexsort((position, owner))
    position, owner = position[order], owner[order]
    lengths = np.bincount(owner, minlength=len(values))
    masks = Masks((labels.shape[0], labels.shape[1]), position.astype(np.uint32), offsets_of(lengths))
    if background is None:
        return masks, values
    chosen = np.flatnonzero(values != background)
    return masks[chosen], values[chosen]


def masks_from_unions(labels: LabelArray, members: NDArray[np.bool_]) -> Masks:
    """Masks that are unions of the regions of a label map, without a dense mask of any.

    Args:
        labels: (H, W) integers, 0 to R - 1.
        members: (N, R) bool, which regions each mask has.

    >>> masks_from_unions(np.array([[0, 1, 1], [2, 2, 1]]), np.array([[True, False, True]])).dense()[0].tolist()
    [[True, False, False], [True, True, False]]
    """
    by_column = labels.T.ravel()
    starts = np.concatenate([[0], np.flatnonzero(by_column[1:] != by_column[:-1]) + 1])
    begun = by_column[starts]
    edges, lengths = [np.zeros(0, np.uint32)], [np.zeros(0, np.int64)]
    step = max(1, _ENTRIES // len(starts))
    for first in range(0, len(members), step):
        inside = np.take(members[first : first + step], begun, axis=1)
        changes = inside.copy()
        changes[:, 1:] ^= inside[:, :-1]
        counts = np.count_nonzero(changes, axis=1)
        # In one dimension: numpy finds what is set several times as fast there.
        run = np.flatnonzero(changes) - np.repeat(np.arange(len(changes)) * len(starts), counts)
        edges.append(starts[run].astype(np.uint32))
        lengths.append(counts)
    return Masks((labels.shape[0], labels.shape[1]), np.concatenate(edges), offsets_of(np.concatenate(lengths)))
