"""From dense masks to edges: where a mask begins and ends when its pixels are read column by column.

COCO counts pixels down the columns: pixel (row, column) of an image of height H has position column · H + row. An edge
is the position of a pixel that differs from the pixel before it; before position 0 all is background. Edges and COCO's
run lengths say the same: the runs are the differences of (0, edges..., H · W).
"""

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import MaskArray


def edges_of(masks: MaskArray) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """The edges of a few dense masks.

    Args:
        masks: (N, H, W) bool, C-contiguous, with 0 < H · W and N · H · W < 2³².

    Returns:
        (E,) uint32, the edges of all masks, ascending within each, and (N,) int64, how many each mask has.
    """
    n, height, width = masks.shape
    area = height * width
    stripe = -(-height // 8)
    changes = np.empty(-(-n * stripe * width // 8) * 8, np.uint8)
    changes[n * stripe * width :] = 0
    bits = np.empty((stripe, width), np.uint8)
    for mask, change in zip(masks.view(np.uint8), changes[: n * stripe * width].reshape(n, stripe, width), strict=True):
        _pack_stripes(mask, bits)
        _find_changes(bits, mask[-1], change)
    where, bit = _set_bits(changes)
    line = where // width
    column = where - line * width
    owner = line // stripe
    row = line - owner * stripe + stripe * bit
    if stripe * 8 > height:
        inside = row < height
        owner, row, column = owner[inside], row[inside], column[inside]
    position = np.sort((owner * area + column * height + row).astype(np.uint32))
    lengths = np.bincount(owner, minlength=n)
    if n > 1:
        position -= np.repeat(np.arange(n, dtype=np.uint32) * np.uint32(area), lengths)
    return position, lengths


def _pack_stripes(mask: NDArray[np.uint8], bits: NDArray[np.uint8]) -> None:
    """Pack 8 horizontal stripes of a mask into one: bit b of (r, c) is pixel (b · stripe + r, c).

    Neighbouring rows stay neighbours this way, and every step is one pass over long contiguous rows.
    """
    stripe = len(bits)
    lowest = (len(mask) - 1) // stripe * stripe
    bits[: len(mask) - lowest] = mask[lowest:]
    bits[len(mask) - lowest :] = 0
    for first in range(lowest - stripe, -1, -stripe):
        rows = mask[first : first + stripe]
        np.add(bits, bits, out=bits)
        np.bitwise_or(bits[: len(rows)], rows, out=bits[: len(rows)])


def _find_changes(bits: NDArray[np.uint8], last_row: NDArray[np.uint8], change: NDArray[np.uint8]) -> None:
    """Set the bits of the pixels that differ from the pixel above, or for the first row from the last column's end."""
    np.bitwise_xor(bits[1:], bits[:-1], out=change[1:])
    np.add(bits[-1], bits[-1], out=change[0])
    change[0, 1:] |= last_row[:-1]
    change[0] ^= bits[0]


def _set_bits(packed: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The byte index and the bit number of every bit set, in no particular order; the length is a multiple of 8."""
    words = packed.view(np.uint64)
    busy = np.flatnonzero(words != 0)
    values = words[busy].view(np.uint8)
    chosen = np.flatnonzero(values)
    where, values = busy[chosen >> 3] * 8 + (chosen & 7), values[chosen]
    wheres, bits = [], []
    while len(where):
        wheres.append(where)
        bits.append(_LOWEST_BIT[values])
        values &= values - np.uint8(1)
        left = np.flatnonzero(values)
        where, values = where[left], values[left]
    if not wheres:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    return np.concatenate(wheres), np.concatenate(bits)


_LOWEST_BIT = np.array([(b & -b).bit_length() - 1 for b in range(256)], np.int64)
