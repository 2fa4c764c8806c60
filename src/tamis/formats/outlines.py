"""Masks as single closed lines, for formats that have one polygon for each object.

Holes and further parts are joined to the outline by a line that is gone along twice, there and back, so that it
encloses nothing: whoever fills the polygon by the even-odd rule gets the holes and the parts back.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import MaskArray
from tamis.mask import Polygon, from_polygons, to_polygons

Ring = NDArray[np.float64]
"""(K, 2) x, y in pixels, the origin at the corner of the top-left pixel."""


def rings_of(mask: MaskArray, tolerance: float = 0.0) -> list[Ring]:
    """One ring for each part of a mask (H, W), its holes joined to it.

    Args:
        mask: (H, W) bool.
        tolerance: how far corners may lie from the simplified outline, in pixels.
    """
    return [joined([polygon.outer, *polygon.holes]) for polygon in to_polygons(mask, tolerance)]


def joined(rings: Sequence[Ring]) -> Ring:
    """Several rings as one: from the nearest corner of what there is to each further ring, around it, and back."""
    line = np.asarray(rings[0], np.float64)
    for ring in rings[1:]:
        distances = ((line[:, None] - ring[None]) ** 2).sum(axis=2) if len(line) * len(ring) < 4_000_000 else None
        start, entry = (0, 0) if distances is None else np.unravel_index(int(distances.argmin()), distances.shape)
        around = np.concatenate([ring[entry:], ring[: entry + 1]])
        line = np.concatenate([line[: start + 1], around, line[start:]])
    return line


def filled(rings: Sequence[Ring], shape: tuple[int, int]) -> MaskArray:
    """(H, W) bool: the pixels that the rings enclose, each ring by the even-odd rule."""
    return from_polygons([Polygon(ring) for ring in rings if len(ring) >= 3], shape)
