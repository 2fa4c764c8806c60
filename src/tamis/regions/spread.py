"""Values of regions, brought to their pixels."""

from functools import cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Value = TypeVar("Value", np.float32, np.uint8)


def spread(values: NDArray[Value], region_map: NDArray[np.uint16], out: NDArray[Value] | None = None) -> NDArray[Value]:
    """(h, w), float32 or uint8 as the values are: each pixel the value of its region.

    Four times as fast as indexing, which turns the map into wider numbers first; twice as fast where OpenCV is too old
    for tables of 16 bits.

    Args:
        values: (R,) float32 or uint8.
        region_map: (h, w) uint16, regions 0 to R - 1.
        out: (h, w) of the same type to write to; a new array by default.
    """
    import cv2

    if not _has_wide_tables():
        target = np.empty(region_map.shape, values.dtype) if out is None else out
        return np.asarray(np.take(values, region_map, out=target, mode="clip"))
    table = np.empty(1 << 16, values.dtype)  # beyond R nothing is read
    table[: len(values)] = values
    return np.asarray(cv2.LUT(region_map, table, dst=out), values.dtype)


@cache
def _has_wide_tables() -> bool:
    """Whether this OpenCV reads tables of 16 bits, as 5 and the last of 4 do."""
    import cv2

    try:
        cv2.LUT(np.zeros((1, 1), np.uint16), np.zeros(1 << 16, np.float32))
    except cv2.error:
        return False
    return True
