"""Masks cut into tiles of 32 × 32 pixels: most tiles of a mask are full or empty, and only the others need their bits.

Two masks meet in few tiles that both only partly fill, so their intersection is a sum of known counts and of a few
popcounts. That is what makes comparing all with all cheap.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis.mask.collection import Masks
from tamis.mask.ranges import Integers, offsets_of, ranges, sums_of
from tamis.mask.strips import WORD, boxes_of, crops_of

SIDE = WORD
"""Rows and columns of a tile, in pixels."""

FULL = SIDE * SIDE
_CHUNK_BYTES = 1 << 25
_CHUNK_TILES = 1 << 15


@dataclass(frozen=True, slots=True)
class Tiles:
    """The tiles of N masks, those partly filled and those full; places count down the columns of the grid of tiles.

    grid: (rows, columns) of the grid of tiles.
    partial: (K,) place of each partly filled tile; partial_offsets: (N + 1,) where each mask's begin;
    bits: (K, 16) uint64 pixels, in any but the same order; counts: (K,) pixels inside.
    full: (L,) place of each full tile; full_offsets: (N + 1,).
    areas: (N,) pixels; boxes: (N, 4) left, top, right, bottom.
    """

    grid: tuple[int, int]
    partial: Integers
    partial_offsets: Integers
    bits: NDArray[np.uint64]
    counts: Integers
    full: Integers
    full_offsets: Integers
    areas: Integers
    boxes: Integers

    def __len__(self) -> int:
        return len(self.areas)


def tiles_of(masks: Masks) -> Tiles:
    """Cut masks into tiles, as many masks at a time as 32 MB of bits surely hold."""
    height, width = masks.shape
    grid = (-(-height // SIDE), -(-width // SIDE))
    step = max(1, _CHUNK_BYTES // (grid[0] * grid[1] * FULL // 8))
    found = [_cut(masks[first : first + step], grid[0]) for first in range(0, max(len(masks), 1), step)]
    boxes, partial, partial_lengths, bits, counts, full, full_lengths = (
        np.concatenate([piece[i] for piece in found]) for i in range(7)
    )
    full_offsets, partial_offsets = offsets_of(full_lengths), offsets_of(partial_lengths)
    areas = sums_of(counts, partial_offsets) + FULL * full_lengths
    return Tiles(grid, partial, partial_offsets, bits, counts, full, full_offsets, areas, boxes)


def _cut(masks: Masks, grid_rows: int) -> tuple[NDArray[Any], ...]:
    """Boxes; partly filled tiles: places, number per mask, bits, counts; full tiles: places, number per mask."""
    strips = masks.strips()
    boxes = boxes_of(strips)
    crops = crops_of(strips, boxes, align=SIDE)
    tiles = crops.words.reshape(-1, SIDE).view(np.uint64)
    counts = pixels_in(tiles)
    rows, offsets = crops.rows // SIDE, crops.offsets // SIDE

    def placed(chosen: Integers) -> tuple[Integers, Integers]:
        owner = np.searchsorted(offsets, chosen, side="right") - 1
        local = chosen - offsets[owner]
        column = local // rows[owner]
        row = local - column * rows[owner]
        places = (crops.left[owner] + column) * grid_rows + crops.top[owner] // SIDE + row
        return places, np.bincount(owner, minlength=len(masks))

    partial = np.flatnonzero((counts > 0) & (counts < FULL))
    return boxes, *placed(partial), tiles[partial], counts[partial], *placed(np.flatnonzero(counts == FULL))


def pixels_in(bits: NDArray[np.uint64]) -> Integers:
    """(...) int64: pixels set in tiles of (..., 16) uint64; bytes are added side by side in words, which is quick."""
    words = np.bitwise_count(bits).view(np.uint64)
    byte_sums = words[..., 0] + words[..., 1]
    byte_sums = (byte_sums & _EVEN_BYTES) + (byte_sums >> np.uint64(8) & _EVEN_BYTES)
    return (byte_sums * _GATHER >> np.uint64(48)).view(np.int64)


def shared_pixels(tiles: Tiles, ones: Integers, which: Integers, others: Integers) -> Integers:
    """(P,) int64: the pixels that both masks of P pairs hold, exactly.

    Args:
        tiles: of the masks.
        ones: (R,) the few masks that appear first in the pairs.
        which: (P,) which of `ones` is first in each pair.
        others: (P,) the second mask of each pair.
    """
    # Per mask of `ones` and place: the number of its partly filled tile, or how the tile is else.
    table = np.full((len(ones), tiles.grid[0] * tiles.grid[1]), _EMPTY, np.int64)
    lengths = _lengths(tiles.partial_offsets, ones)
    chosen = ranges(tiles.partial_offsets[ones], lengths)
    table[np.repeat(np.arange(len(ones)), lengths), tiles.partial[chosen]] = chosen
    lengths = _lengths(tiles.full_offsets, ones)
    chosen = ranges(tiles.full_offsets[ones], lengths)
    table[np.repeat(np.arange(len(ones)), lengths), tiles.full[chosen]] = _WHOLE

    shared = np.zeros(len(others), np.int64)
    work = np.cumsum(_lengths(tiles.partial_offsets, others) + _lengths(tiles.full_offsets, others)) // _CHUNK_TILES
    borders = [0, *(np.flatnonzero(np.diff(work)) + 1).tolist(), len(others)]
    for first, last in pairwise(borders):
        shared[first:last] = _shared_in(tiles, table, which[first:last], others[first:last])
    return shared


def _shared_in(tiles: Tiles, table: Integers, which: Integers, others: Integers) -> Integers:
    lengths = _lengths(tiles.partial_offsets, others)
    theirs = ranges(tiles.partial_offsets[others], lengths)
    ours = table[np.repeat(which, lengths), tiles.partial[theirs]]
    pixels = np.where(ours == _WHOLE, tiles.counts[theirs], 0)
    both = np.flatnonzero(ours >= 0)
    pixels[both] = pixels_in(tiles.bits[ours[both]] & tiles.bits[theirs[both]])
    shared = sums_of(pixels, offsets_of(lengths))

    lengths = _lengths(tiles.full_offsets, others)
    theirs = ranges(tiles.full_offsets[others], lengths)
    ours = table[np.repeat(which, lengths), tiles.full[theirs]]
    pixels = np.where(ours == _WHOLE, FULL, 0)
    both = np.flatnonzero(ours >= 0)
    pixels[both] = tiles.counts[ours[both]]
    return shared + sums_of(pixels, offsets_of(lengths))


def _lengths(offsets: Integers, chosen: Integers) -> Integers:
    return offsets[chosen + 1] - offsets[chosen]


_EMPTY, _WHOLE = -1, -2
_EVEN_BYTES = np.uint64(0x00FF00FF00FF00FF)
_GATHER = np.uint64(0x0001000100010001)
