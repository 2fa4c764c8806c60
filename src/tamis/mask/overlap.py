"""How masks overlap: intersections, IoU, containment, and greedy suppression of near-duplicates."""

from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tamis.errors import InputError
from tamis.mask.collection import Masks
from tamis.mask.ranges import Integers
from tamis.mask.tiles import FULL, Tiles, pixels_in, shared_pixels, tiles_of

Ratios = NDArray[np.float64]

_CHUNK_PLACES = 1 << 11  # 2 million pixels: their counts add up exactly in float32
_CHUNK_PAIRS = 1 << 12
_CHUNK_MASKS = 32


def intersections(a: Masks, b: Masks | None = None) -> Integers:
    """(N, M) int64: pixels shared by each mask of `a` and each of `b`; of `a` with itself by default.

    Raises:
        InputError: masks of different images' sizes.
    """
    tiles_a, tiles_b = _both(a, b)
    return _intersections(tiles_a, tiles_b)


def iou_matrix(a: Masks, b: Masks | None = None) -> Ratios:
    """(N, M) float64: intersection over union of each mask of `a` and each of `b`; of `a` with itself by default.

    Two empty masks have IoU 0, as in pycocotools.

    >>> masks = Masks.from_dense(np.array([[[1, 1], [1, 0]], [[1, 0], [0, 0]]], bool))
    >>> iou_matrix(masks).round(3).tolist()
    [[1.0, 0.333], [0.333, 1.0]]

    Raises:
        InputError: masks of different images' sizes.
    """
    tiles_a, tiles_b = _both(a, b)
    shared = _intersections(tiles_a, tiles_b)
    union = tiles_a.areas[:, None] + tiles_b.areas - shared
    ratios: Ratios = shared / np.maximum(union, 1)
    return ratios


def containment_matrix(a: Masks, b: Masks | None = None) -> Ratios:
    """(N, M) float64: the share of each mask of `a` that lies inside each of `b`; 0 for an empty mask.

    Raises:
        InputError: masks of different images' sizes.
    """
    tiles_a, tiles_b = _both(a, b)
    shares: Ratios = _intersections(tiles_a, tiles_b) / np.maximum(tiles_a.areas, 1)[:, None]
    return shares


def nms(
    masks: Masks, scores: ArrayLike, iou_threshold: float = 0.7, containment_threshold: float | None = None
) -> Integers:
    """Greedy non-maximum suppression: the masks to keep, best first.

    In order of descending score, the earlier of equals first, a mask is kept unless it overlaps one already kept.

    Args:
        masks: N masks.
        scores: (N,) floats, the higher the better.
        iou_threshold: a mask whose IoU with a kept one is larger than this is removed.
        containment_threshold: a mask of which a larger share than this lies inside a kept one is removed too.

    Returns:
        (K,) int64, indices of the survivors.

    Raises:
        InputError: scores that are not one number per mask.
    """
    values = np.asarray(scores, np.float64)
    if values.shape != (len(masks),) or np.isnan(values).any():
        raise InputError(f"{len(masks)} masks need as many scores, all of them numbers, not {values.shape}")
    order = np.argsort(-values, kind="stable")
    tiles = tiles_of(masks[order])
    areas = tiles.areas.astype(np.float64)

    def removed(shared: NDArray[np.number], ones: Integers, others: Integers) -> NDArray[np.bool_]:
        """Whether `ones` remove `others`, given the pixels they share (or at most share: then, whether they may)."""
        gone: NDArray[np.bool_] = shared / np.maximum(areas[ones] + areas[others] - shared, 1) > iou_threshold
        if containment_threshold is not None:
            gone |= shared / np.maximum(areas[others], 1) > containment_threshold
        return gone

    alive = np.ones(len(order), np.bool_)
    for first in range(0, len(order), _CHUNK_MASKS):
        ones = first + np.flatnonzero(alive[first : first + _CHUNK_MASKS])
        others = first + np.flatnonzero(alive[first:])
        which, rival = np.nonzero(removed(_most_shared(tiles, ones[:, None], others), ones[:, None], others))
        later = ones[which] < others[rival]
        which, rival = which[later], others[rival[later]]
        gone = removed(shared_pixels(tiles, ones, which, rival), ones[which], rival)
        which, rival = which[gone], rival[gone]
        borders = np.searchsorted(which, np.arange(len(ones) + 1)).tolist()
        for one, (begin, end) in zip(ones.tolist(), pairwise(borders), strict=True):
            if alive[one]:
                alive[rival[begin:end]] = False
    return order[alive]


def box_nms(boxes: ArrayLike, scores: ArrayLike, iou_threshold: float = 0.7) -> Integers:
    """Greedy suppression by the IoU of boxes, as SAM's generator has it: the boxes to keep, best first.

    Boxes of no area overlap nothing.

    Args:
        boxes: (N, 4) left, top, right, bottom.
        scores: (N,) floats, the higher the better; the earlier of equals first.
        iou_threshold: a box whose IoU with a kept one is larger than this is removed.

    Returns:
        (K,) int64, indices of the survivors.
    """
    sides = np.asarray(boxes, np.float64).reshape(-1, 4)
    areas = (sides[:, 2] - sides[:, 0]) * (sides[:, 3] - sides[:, 1])
    left = np.argsort(-np.asarray(scores, np.float64), kind="stable")
    kept = []
    while len(left):
        best, left = left[0], left[1:]
        kept.append(best)
        overlap = np.minimum(sides[left, 2:], sides[best, 2:]) - np.maximum(sides[left, :2], sides[best, :2])
        both = np.prod(np.maximum(overlap, 0), axis=1)
        union = areas[left] + areas[best] - both
        left = left[~(both > iou_threshold * union) | (union <= 0)]
    return np.array(kept, np.int64)


def _most_shared(tiles: Tiles, ones: Integers, others: Integers) -> Ratios:
    """How many pixels masks can share at most, by their boxes and areas."""
    left, top, right, bottom = tiles.boxes.T.astype(np.float64)
    wide = np.minimum(right[ones], right[others]) - np.maximum(left[ones], left[others])
    high = np.minimum(bottom[ones], bottom[others]) - np.maximum(top[ones], top[others])
    box = np.maximum(wide, 0) * np.maximum(high, 0)
    most: Ratios = np.minimum(box, np.minimum(tiles.areas[ones], tiles.areas[others]))
    return most


def _both(a: Masks, b: Masks | None) -> tuple[Tiles, Tiles]:
    tiles = tiles_of(a)
    if b is None or b is a:
        return tiles, tiles
    if a.shape != b.shape:
        raise InputError(
            f"masks of {a.shape[1]}x{a.shape[0]} and of {b.shape[1]}x{b.shape[0]} pixels cannot be compared: "
            "both must be of one image"
        )
    return tiles, tiles_of(b)


def _intersections(a: Tiles, b: Tiles) -> Integers:
    """Tiles where one mask is full: matrix products of counts, a few thousand places at a time; the rest by bits."""
    total = np.zeros((len(a), len(b)), np.float64)
    places = a.grid[0] * a.grid[1]
    for first in range(0, places, _CHUNK_PLACES):
        last = min(first + _CHUNK_PLACES, places)
        counts_a, full_a = _dense_counts(a, first, last)
        counts_b, full_b = (counts_a, full_a) if b is a else _dense_counts(b, first, last)
        total += counts_a @ full_b.T
        partial_b = counts_b - full_b * np.float32(FULL)
        total += full_a @ partial_b.T
    _add_partial(total, a, b)
    return total.astype(np.int64)


def _dense_counts(tiles: Tiles, first: int, last: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(N, last - first) float32 each: pixels of every mask in every tile from `first` to `last`, and 1 where full."""
    full = np.zeros((len(tiles), last - first), np.float32)
    counts = np.zeros_like(full)
    for places, offsets, target in (
        (tiles.full, tiles.full_offsets, full),
        (tiles.partial, tiles.partial_offsets, counts),
    ):
        chosen = np.flatnonzero((places >= first) & (places < last))
        owner = np.searchsorted(offsets, chosen, side="right") - 1
        target[owner, places[chosen] - first] = 1 if target is full else tiles.counts[chosen]
    counts += full * np.float32(FULL)
    return counts, full


def _add_partial(total: Ratios, a: Tiles, b: Tiles) -> None:
    """Add what the masks of `a` and `b` share in the tiles that both fill partly: all with all, place by place."""
    order_a, owner_a, bounds_a = _by_place(a)
    order_b, owner_b, bounds_b = (order_a, owner_a, bounds_a) if b is a else _by_place(b)
    for place in np.flatnonzero((np.diff(bounds_a) > 0) & (np.diff(bounds_b) > 0)).tolist():
        theirs = slice(*bounds_b[place : place + 2])
        bits, owners = b.bits[order_b[theirs]], owner_b[theirs]
        step = max(1, _CHUNK_PAIRS // len(bits))
        for first in range(bounds_a[place], bounds_a[place + 1], step):
            mine = slice(first, min(first + step, bounds_a[place + 1]))
            total[owner_a[mine, None], owners] += pixels_in(a.bits[order_a[mine], None] & bits)


def _by_place(tiles: Tiles) -> tuple[Integers, Integers, Integers]:
    """Partly filled tiles ordered by place, the mask of each, and where each place begins."""
    order = np.argsort(tiles.partial, kind="stable")
    owner = np.repeat(np.arange(len(tiles)), np.diff(tiles.partial_offsets))[order]
    places = tiles.grid[0] * tiles.grid[1]
    return order, owner, np.searchsorted(tiles.partial[order], np.arange(places + 1))
