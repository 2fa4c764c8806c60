"""Masks as vertical strips of pixels, and strips as packed bits."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import MaskArray
from tamis.mask.ranges import Integers, offsets_of, ranges

WORD = 32
"""Pixels side by side in one word of a crop."""


@dataclass(frozen=True, slots=True)
class Strips:
    """Runs of mask pixels within one column each; those of one mask stand together, from left to right and downwards.

    owner: (S,) which of `n` masks; x: (S,) column; top, bottom: (S,) rows, the bottom one exclusive.
    """

    n: int
    owner: Integers
    x: Integers
    top: Integers
    bottom: Integers


def strips_of(starts: NDArray[np.uint32], ends: NDArray[np.uint32], run_offsets: Integers, height: int) -> Strips:
    """Cut runs of column-major positions at the column boundaries.

    Args:
        starts: (R,) first position of each run.
        ends: (R,) position after the last of each run.
        run_offsets: (N + 1,) where each mask's runs begin.
        height: H, the length of a column in pixels.
    """
    n = len(run_offsets) - 1
    owner = np.repeat(np.arange(n), np.diff(run_offsets))
    x = (starts // np.uint32(height)).astype(np.int64)
    top = starts - x * height
    bottom = top + (ends - starts)
    if bottom.max(initial=0) <= height:
        return Strips(n, owner, x, top, bottom)
    pieces = -(-bottom // height)
    piece = ranges(np.zeros_like(pieces), pieces)
    run = np.repeat(np.arange(len(starts)), pieces)
    top = np.where(piece == 0, top[run], 0)
    bottom = np.minimum(bottom[run] - piece * height, height)
    return Strips(n, owner[run], x[run] + piece, top, bottom)


def boxes_of(strips: Strips) -> Integers:
    """(N, 4) int64: left, top, right, bottom of each mask, right and bottom exclusive; zeros for an empty mask."""
    boxes = np.zeros((strips.n, 4), np.int64)
    if not len(strips.owner):
        return boxes
    first = np.flatnonzero(np.diff(strips.owner, prepend=-1))
    filled = strips.owner[first]
    last = np.append(first[1:], len(strips.owner)) - 1
    boxes[filled, 0] = strips.x[first]
    boxes[filled, 1] = np.minimum.reduceat(strips.top, first)
    boxes[filled, 2] = strips.x[last] + 1
    boxes[filled, 3] = np.maximum.reduceat(strips.bottom, first)
    return boxes


@dataclass(frozen=True, slots=True)
class Crops:
    """The bits of each mask around its box, aligned to words of 32 columns.

    words: little-endian uint32, bit k of a word is the k-th pixel from the left; the words of a mask follow each other
    down one column of words, then down the next, and `offsets` (N + 1,) says where each mask's begin.
    left: (N,) first column of words; top: (N,) first row; columns, rows: (N,) size in words and in rows.
    """

    words: NDArray[np.uint32]
    offsets: Integers
    left: Integers
    top: Integers
    columns: Integers
    rows: Integers

    def unpacked(self, width: int) -> Iterator[tuple[int, int, int, MaskArray]]:
        """Index, first row, first column and (h, w) bool of every crop that is not empty, for images of this width."""
        for i in np.flatnonzero(self.rows).tolist():
            words = self.words[self.offsets[i] : self.offsets[i + 1]].reshape(self.columns[i], self.rows[i])
            bits = np.ascontiguousarray(words.T).view(np.uint8)
            left = int(self.left[i]) * WORD
            visible = min(int(self.columns[i]) * WORD, width - left)
            pixels = np.unpackbits(bits, axis=1, count=visible, bitorder="little")
            yield i, int(self.top[i]), left, pixels.view(np.bool_)


def crops_of(strips: Strips, boxes: Integers, align: int = 1) -> Crops:
    """Pack every mask's bits; rows are padded with background at both ends to multiples of `align`.

    A strip adds its column's bit at its top row and takes it away at its bottom row, so that the running sum over all
    rows of all masks holds in each word the bits of the strips that are open there.
    """
    left, top = boxes[:, 0] // WORD, boxes[:, 1] // align * align
    columns = -(-boxes[:, 2] // WORD) - left
    rows = -(-boxes[:, 3] // align) * align - top
    offsets = offsets_of(columns * rows)
    words = np.zeros(int(offsets[-1]) + 1, "<u4")
    column_start = (offsets[:-1] - left * rows - top)[strips.owner] + strips.x // WORD * rows[strips.owner]
    bit = np.left_shift(np.uint32(1), (strips.x % WORD).astype(np.uint32))
    np.add.at(words, column_start + strips.top, bit)
    np.subtract.at(words, column_start + strips.bottom, bit)
    np.add.accumulate(words, dtype=words.dtype, out=words)
    return Crops(words[:-1], offsets, left, top, columns, rows)
