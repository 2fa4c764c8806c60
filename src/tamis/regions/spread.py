"""Values of regions, brought to their pixels."""

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ProbabilityArray


def spread(
    values: NDArray[np.float32], region_map: NDArray[np.uint16], out: ProbabilityArray | None = None
) -> ProbabilityArray:
    """(h, w) float32: each pixel the value of its region.

    Six times as fast as indexing, which turns the map into wider numbers first.

    Args:
        values: (R,) float32.
        region_map: (h, w) uint16, regions 0 to R - 1.
        out: (h, w) float32 to write to; a new array by default.
    """
    import cv2

    table = np.empty(1 << 16, np.float32)  # beyond R nothing is read
    table[: len(values)] = values
    return np.asarray(cv2.LUT(region_map, table, dst=out), np.float32)
