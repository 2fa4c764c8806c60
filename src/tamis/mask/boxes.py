"""The box around a mask."""

import numpy as np

from tamis.arrays import MaskArray


def box_of(mask: MaskArray) -> tuple[int, int, int, int] | None:
    """Left, top, right and bottom of a mask's pixels, right and bottom exclusive; None where it has none.

    >>> box_of(np.array([[0, 0, 0], [0, 1, 1]], bool))
    (1, 1, 3, 2)
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
