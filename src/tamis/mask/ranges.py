"""Many ranges of integers laid end to end: the index arithmetic behind ragged arrays."""

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]


def ranges(starts: Integers, lengths: Integers) -> Integers:
    """The integers of every range [start, start + length), one range after the other.

    Args:
        starts: (N,) first integer of each range.
        lengths: (N,) how many integers each range holds; 0 is fine.

    >>> ranges(np.array([3, 10]), np.array([2, 3])).tolist()
    [3, 4, 10, 11, 12]
    """
    return np.repeat(starts - offsets_of(lengths)[:-1], lengths) + np.arange(lengths.sum())


def offsets_of(lengths: Integers) -> Integers:
    """(N + 1,) int64: where each of N consecutive pieces of these lengths begins, and where the last one ends."""
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def sums_of(values: NDArray[np.integer], offsets: Integers) -> Integers:
    """(N,) int64: the sum of the values between consecutive offsets; an empty piece sums to 0."""
    total = offsets_of(np.asarray(values, np.int64))
    return total[offsets[1:]] - total[offsets[:-1]]
