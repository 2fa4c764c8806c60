"""COCO's compressed run lengths.

Each count is written in base 32, lowest digit first, as printable bytes; from the fourth on it is the difference to the
last count but one (github.com/cocodataset/cocoapi, common/maskApi.c, rleToString and rleFrString).
"""

from itertools import pairwise

import numpy as np

from tamis.errors import InputError
from tamis.mask.ranges import Integers, offsets_of, ranges

_FIRST, _MORE, _SIGN = 48, 32, 16
_MOST_DIGITS = 8  # 40 bits; a difference of two 32-bit counts needs 33 and a sign


def compress(counts: Integers, offsets: Integers) -> list[bytes]:
    """The compressed strings of many masks.

    Args:
        counts: (R,) int64, the run lengths of all masks.
        offsets: (N + 1,) int64, where each mask's counts begin.

    >>> compress(np.array([5, 2, 40, 3]), np.array([0, 4]))
    [b'52X11']
    """
    numbers = counts.copy()
    if len(counts) > 2:
        numbers[2:] -= counts[:-2]
    for first in range(3):  # the first three counts of each mask stand for themselves
        heads = offsets[:-1][np.diff(offsets) > first] + first
        numbers[heads] = counts[heads]
    digits = np.ones(len(numbers), np.int64)
    for k in range(1, _MOST_DIGITS):
        limit = 1 << (5 * k - 1)
        larger = (numbers < -limit) | (numbers >= limit)
        if not larger.any():
            break
        digits += larger
    start = offsets_of(digits)
    text = np.empty(int(start[-1]), np.uint8)
    remaining, places, left = numbers, start[:-1], digits
    while len(remaining):
        text[places] = (remaining & 31) + _FIRST + _MORE * (left > 1)
        longer = np.flatnonzero(left > 1)
        remaining, places, left = remaining[longer] >> 5, places[longer] + 1, left[longer] - 1
    joined = text.tobytes()
    bounds = start[offsets].tolist()
    return [joined[a:b] for a, b in pairwise(bounds)]


def expand(strings: list[bytes]) -> tuple[Integers, Integers]:
    """The run lengths of many compressed strings: (R,) int64 counts and (N + 1,) int64 offsets; undoes `compress`.

    Raises:
        InputError: a string that COCO's encoder cannot have written.
    """
    text_offsets = offsets_of(np.array([len(s) for s in strings], np.int64))
    codes = np.frombuffer(b"".join(strings), np.uint8).astype(np.int64) - _FIRST
    if len(codes) and (codes.min() < 0 or codes.max() >= 64):
        raise InputError("a compressed RLE holds a character outside '0' to 'o': it is damaged or not COCO's")
    last = np.flatnonzero(codes < _MORE)
    offsets = np.searchsorted(last, text_offsets)
    ends = np.concatenate([[0], last + 1])
    if not np.isin(text_offsets, ends).all():
        raise InputError("a compressed RLE ends in the middle of a number: it is cut short")
    first, digits = ends[:-1], np.diff(ends)
    if len(digits) and digits.max() > _MOST_DIGITS:
        raise InputError("a compressed RLE holds a number of more than 40 bits: it is damaged or not COCO's")
    numbers = codes[first] & 31
    for k in range(1, int(digits.max(initial=1))):
        longer = np.flatnonzero(digits > k)
        numbers[longer] |= (codes[first[longer] + k] & 31) << (5 * k)
    negative = codes[last] & _SIGN != 0
    numbers[negative] -= np.int64(1) << (5 * digits[negative])
    return _undo_differences(numbers, offsets), offsets


def _undo_differences(numbers: Integers, offsets: Integers) -> Integers:
    """Sum every other number within each mask, but for the very first, which stands alone."""
    counts = numbers.copy()
    lengths = np.diff(offsets)
    for first in (1, 2):
        taken = np.maximum(lengths - first + 1, 0) // 2
        where = offsets_of(taken)
        chain = np.repeat(offsets[:-1] + first, taken) + 2 * ranges(np.zeros_like(taken), taken)
        total = offsets_of(numbers[chain])
        counts[chain] = total[1:] - np.repeat(total[where[:-1]], taken)
    return counts
