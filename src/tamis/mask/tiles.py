"""Masks cut into tiles of 32 × 32 pixels: most tiles of a mask are full or empty, and only the others need their bits.

Two masks meet in few tiles that both only partly fill, so their intersection is a sum of known counts and of a few
popcounts. That is what makes comparing all with all cheap.
"""

from dataclasses import dataclass
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


class Comparison:
    """Exact intersections of one mask at a time with some others, without touching pixels of the tiles that agree."""

    def __init__(self, tiles: Tiles) -> None:
        self._tiles = tiles
        places = tiles.grid[0] * tiles.grid[1]
        self._row = np.zeros(places, np.int64)  # of the mask at hand, per place: 0 empty, 1 full, else 2 + partial tile
        self._bits = np.concatenate([np.zeros((1, 16), np.uint64), ~np.zeros((1, 16), np.uint64), tiles.bits])
        self._counts = np.concatenate([[0, FULL], tiles.counts])

    def intersections(self, one: int, others: Integers) -> Integers:
        """(M,) int64: pixels that mask `one` shares with each of M `others`."""
        tiles, row = self._tiles, self._row
        first, last = tiles.partial_offsets[one : one + 2]
        full = tiles.full[tiles.full_offsets[one] : tiles.full_offsets[one + 1]]
        row[tiles.partial[first:last]] = np.arange(first + 2, last + 2)
        row[full] = 1

        lengths = tiles.partial_offsets[others + 1] - tiles.partial_offsets[others]
        theirs = ranges(tiles.partial_offsets[others], lengths)
        ours = row[tiles.partial[theirs]]
        meet = np.flatnonzero(ours)
        common = pixels_in(self._bits[ours[meet]] & tiles.bits[theirs[meet]])
        owner = np.repeat(np.arange(len(others)), lengths)[meet]
        shared = np.bincount(owner, common, len(others))

        lengths = tiles.full_offsets[others + 1] - tiles.full_offsets[others]
        theirs = ranges(tiles.full_offsets[others], lengths)
        owner = np.repeat(np.arange(len(others)), lengths)
        shared = shared + np.bincount(owner, self._counts[row[tiles.full[theirs]]], len(others))

        row[tiles.partial[first:last]] = 0
        row[full] = 0
        return shared.astype(np.int64)


_EVEN_BYTES = np.uint64(0x00FF00FF00FF00FF)
_GATHER = np.uint64(0x0001000100010001)
