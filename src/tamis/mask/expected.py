"""The IoU to expect of a mask, by the probabilities that it was made of."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ProbabilityArray

Values: TypeAlias = NDArray[np.float32]

PIECE = 1 << 18
"""Pixels added up at a time."""


def expected_iou(probabilities: Values, areas: Values, thresholds: Values) -> Values:
    """The expected intersection of the mask with the true one over the expected union, if the probabilities are right.

    The intersection is the sum of P inside; the union is the area plus the sum of P outside.

    Args:
        probabilities: (N, C) float32 over C cells: pixels, or regions.
        areas: (C,) float32, the pixels of each cell.
        thresholds: (N,) float32, above which a cell is in the mask.

    Returns:
        (N,) float32 in [0, 1], 0 for an empty mask.
    """
    inside = probabilities > thresholds[:, None]
    intersection = weighed(np.where(inside, probabilities, 0), areas)
    union = weighed(inside, areas) + weighed(probabilities, areas) - intersection
    return np.asarray(intersection / np.maximum(union, 1e-9), np.float32)


def expected_iou_of(probabilities: ProbabilityArray, threshold: float = 0.5) -> Values:
    """`expected_iou` of masks over pixels: (N, h, w) float32 → (N,) float32."""
    found = np.zeros(len(probabilities), np.float32)
    for number, flat in enumerate(probabilities.reshape(len(probabilities), -1)):
        intersection = area = total = 0.0
        # Piece by piece: what is made of a large image in between would not stay near the processor.
        for start in range(0, len(flat), PIECE):
            piece = flat[start : start + PIECE]
            inside = piece > threshold
            intersection += float(piece @ inside.astype(np.float32))
            area += np.count_nonzero(inside)
            total += float(piece.sum())
        found[number] = intersection / max(area + total - intersection, 1e-9)
    return found


def weighed(values: NDArray[np.floating] | NDArray[np.bool_], areas: Values) -> NDArray[np.float64]:
    """(N,) sums over cells (N, C), each counted by its area."""
    return np.asarray(values.astype(np.float32, copy=False) @ areas, np.float64)
