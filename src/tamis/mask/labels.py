"""Label maps: one number per pixel in place of one mask per region."""

from itertools import pairwise
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import LabelArray, MaskArray
from tamis.errors import InputError
from tamis.mask.collection import Masks
from tamis.mask.ranges import offsets_of

_ENTRIES = 1 << 24
"""Of a table of masks and runs worked on at a time."""

_PLACE = 32
"""Bits of a pixel's number."""

Order = Literal["smallest on top", "first on top", "last on top"]


def boundaries(labels: NDArray[np.integer]) -> MaskArray:
    """(H, W) bool: pixels whose right or lower neighbour has another label."""
    edge = np.zeros(labels.shape, dtype=bool)
    edge[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    edge[:-1] |= labels[:-1] != labels[1:]
    return edge


def label_areas(labels: NDArray[np.integer], count: int = 0) -> NDArray[np.int64]:
    """(N,) int64: the pixels of labels 0, 1, … of a map (H, W), at least `count` of them.

    Counted by runs of equal pixels, which are a small part of all.

    >>> label_areas(np.array([[0, 2, 2]]), 4).tolist()
    [1, 0, 2, 0]
    """
    flat = labels.ravel()
    starts = np.append(0, np.flatnonzero(flat[1:] != flat[:-1]) + 1)
    lengths = np.diff(np.append(starts, flat.size))
    return np.bincount(flat[starts], lengths, count).astype(np.int64)


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
    regions = members.shape[1]
    place, before, after = _steps(labels, regions)
    # Grouped by what meets there, each group in order.
    places = (before * regions + after) << _PLACE | place
    places.sort()
    border = places >> _PLACE
    first = np.flatnonzero(np.concatenate([[True], border[1:] != border[:-1]]))
    many = np.diff(np.append(first, len(border)))
    before, after = np.divmod(border[first], regions)
    place = places.astype(np.uint32)
    edges, lengths = [np.zeros(0, np.uint32)], [np.zeros(0, np.int64)]
    step = max(1, _ENTRIES // len(place))
    for start in range(0, len(members), step):
        some = np.pad(members[start : start + step], ((0, 0), (0, 1)))
        mask, which = np.divmod(np.flatnonzero(some[:, before] != some[:, after]), len(first))
        counts = many[which]
        ends = np.cumsum(counts)
        found = place[np.arange(counts.sum()) + np.repeat(first[which] - (ends - counts), counts)]
        length = np.bincount(mask, counts, len(some)).astype(np.int64)
        for left, right in pairwise(offsets_of(length).tolist()):
            found[left:right].sort()
        edges.append(found)
        lengths.append(length)
    return Masks((labels.shape[0], labels.shape[1]), np.concatenate(edges), offsets_of(np.concatenate(lengths)))


def _steps(labels: LabelArray, none: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Where one region follows on another, column by column: the later pixels' numbers and both regions, (S,) each.

    Before the first pixel of all there is the region `none`.
    """
    height, width = labels.shape
    flat = labels.ravel()
    above = np.flatnonzero(labels[1:] != labels[:-1])
    row, column = np.divmod(above, width)
    last = np.append(none, labels[-1, :-1])
    top = np.flatnonzero(labels[0] != last)
    place = np.concatenate([column * height + row + 1, top * height])
    before = np.concatenate([flat[above], last[top]])
    after = np.concatenate([flat[above + width], labels[0, top]])
    return place, before.astype(np.int64), after.astype(np.int64)
