"""What maps on a coarser grid say at some pixels: between the middles of cells, as if they had been enlarged."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def at_pixels(maps: NDArray[np.float32], pixels: NDArray[np.intp], shape: Sequence[int]) -> NDArray[np.float32]:
    """(N, D) float32: the values of D maps at N pixels, linear between the middles of cells.

    Args:
        maps: (h, w, D): what a pixel asks for lies together.
        pixels: (N,) their numbers in a picture, row by row.
        shape: (height, width) of the picture.
    """
    height, width, count = maps.shape
    cells = maps.reshape(height * width, count)
    (top, bottom, down), (left, right, across) = (
        _between(place, cells, length)
        for place, cells, length in zip(np.divmod(pixels, shape[1]), (height, width), shape, strict=True)
    )
    found = np.zeros((len(pixels), count), np.float32)
    for row, row_share in ((top, 1 - down), (bottom, down)):
        for column, share in ((left, 1 - across), (right, across)):
            seen = np.take(cells, row * width + column, axis=0)
            seen *= (row_share * share)[:, None]
            found += seen
    return found


def _between(
    places: NDArray[np.intp], cells: int, length: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """The two cells, of so many on a length, that each pixel lies between, and how near it is to the second."""
    exact = np.clip((places + 0.5) * (cells / length) - 0.5, 0, cells - 1)
    first = exact.astype(np.intp)
    return first, np.minimum(first + 1, cells - 1), (exact - first).astype(np.float32)
