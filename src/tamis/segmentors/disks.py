"""Clicks as pictures for networks: a disk around each, positive and negative ones apart.

Source: SamsungLabs/ritm_interactive_segmentation, `isegm/model/ops.py` (`DistMaps` with `use_disks`), as in
SimpleClick, FocalClick and SegNext.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Place = tuple[float, float, bool]
"""Row and column in pixels, (0, 0) being the middle of the first, and whether the click is positive."""


def disks(places: Sequence[Place], radius: float, shape: tuple[int, int]) -> NDArray[np.float32]:
    """(2, H, W) float32, 1 where a positive (first) or negative (second) click is at most `radius` pixels away.

    A place whose row and column are both negative is none, as there.

    >>> int(disks([(2, 3, True)], 1, (5, 6)).sum())
    5
    """
    made = np.zeros((2, *shape), np.float32)
    for row, column, positive in places:
        if max(row, column) < 0:
            continue
        rows, columns = _span(row, radius, shape[0]), _span(column, radius, shape[1])
        down = np.arange(rows.start, rows.stop, dtype=np.float32) - np.float32(row)
        across = np.arange(columns.start, columns.stop, dtype=np.float32) - np.float32(column)
        near = down[:, None] ** 2 + across[None] ** 2 <= np.float32(radius) ** 2
        made[0 if positive else 1, rows, columns][near] = 1
    return made


def _span(place: float, radius: float, length: int) -> slice:
    """The pixels of one axis that a disk may reach."""
    first = min(max(0, int(np.floor(place - radius))), length)
    return slice(first, max(first, min(length, int(np.ceil(place + radius)) + 1)))
