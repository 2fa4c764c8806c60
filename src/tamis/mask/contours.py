"""The outlines of a mask along the cracks between its pixels."""

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import MaskArray

Ring = NDArray[np.float64]
"""(K, 2) float64: x, y of the corners of a closed line, in pixels, origin top left; the last joins the first."""


def outlines_of(mask: MaskArray) -> list[tuple[Ring, tuple[int, int]]]:
    """Every closed outline of a mask, with the (row, column) of a mask pixel beside it.

    Outlines keep the mask on their right: those around a part run clockwise on the screen, those around a hole
    counterclockwise. Where pixels touch at a corner only, the outline stays with its pixel, so that parts are
    4-connected. They come in the order of their topmost, then leftmost pixel edge.

    Args:
        mask: (H, W) bool.
    """
    framed = np.pad(np.asarray(mask, np.int8), 1)
    across = _runs(np.diff(framed, axis=0)[:, 1:-1])  # pixel edges between rows; + has the mask below: heads right
    upright = _runs(np.diff(framed, axis=1)[1:-1].T)  # between columns; + has the mask to the right: heads up
    line_h, from_h, to_h, rightward = across
    line_v, from_v, to_v, upward = upright
    if not len(line_h):
        return []
    tail_x, head_x = np.where(rightward, from_h, to_h), np.where(rightward, to_h, from_h)
    tail_y, head_y = np.where(upward, to_v, from_v), np.where(upward, from_v, to_v)
    # At every corner as many edges end as begin, one or two of each. Ordered so that a right turn pairs with its edge:
    # right then down, left then up; down then left, up then right.
    height = mask.shape[0] + 1
    ends_h = np.argsort((head_x * height + line_h) * 2 + ~rightward)
    begins_v = np.argsort((line_v * height + tail_y) * 2 + upward)
    ends_v = np.argsort((line_v * height + head_y) * 2 + upward)
    begins_h = np.argsort((tail_x * height + line_h) * 2 + rightward)
    after_v = np.empty_like(ends_v)
    after_v[ends_v] = begins_h
    following = np.empty_like(ends_h)
    following[ends_h] = after_v[begins_v]
    outlines = []
    corners = np.stack([tail_x, line_h, head_x, line_h], axis=1).astype(np.float64)
    for ring in _cycles(following.tolist()):
        first = ring[0]
        beside = (int(line_h[first]) - (not rightward[first]), int(from_h[first]))
        outlines.append((corners[ring].reshape(-1, 2), beside))
    return outlines


def _runs(
    change: NDArray[np.int8],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Maximal runs of equal, nonzero values along the rows: row, first, one past the last, and whether positive."""
    framed = np.pad(change, ((0, 0), (1, 1)))
    row, place = np.nonzero(framed[:, 1:] != framed[:, :-1])
    before, after = framed[row, place] != 0, framed[row, place + 1] != 0
    return row[after], place[after], place[before], framed[row[after], place[after] + 1] > 0


def _cycles(following: list[int]) -> list[list[int]]:
    """The cycles of a permutation, each from its least element on."""
    seen = bytearray(len(following))
    cycles = []
    for first in range(len(following)):
        if not seen[first]:
            cycle, at = [], first
            while not seen[at]:
                seen[at] = 1
                cycle.append(at)
                at = following[at]
            cycles.append(cycle)
    return cycles
