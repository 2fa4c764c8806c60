"""Boxes of the peers' crops: (top, bottom, left, right) in pixels. Which of the ends count is said at each function."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import MaskArray

Box = tuple[int, int, int, int]


def object_box(mask: MaskArray, positives: Sequence[tuple[int, int]], ratio: float, least: int) -> Box:
    """The box around a mask and the positive clicks, widened about its middle and cut to the image; all ends count.

    Args:
        mask: (H, W) bool, at least one pixel.
        positives: rows and columns of the clicks.
        ratio: of the sides to the mask's.
        least: pixels of a side.
    """
    height, width = mask.shape
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, bottom = _widened(rows, [row for row, _ in positives], ratio, least)
    left, right = _widened(columns, [column for _, column in positives], ratio, least)
    return max(0, top), min(height - 1, bottom), max(0, left), min(width - 1, right)


def _widened(taken: NDArray[np.intp], clicked: Sequence[int], ratio: float, least: int) -> tuple[int, int]:
    first, last = min([int(taken[0]), *clicked]), max([int(taken[-1]), *clicked])
    middle, length = 0.5 * (first + last), max(ratio * (last - first + 1), least)
    return round(middle - 0.5 * length), round(middle + 0.5 * length)


def contains(box: Box, places: Sequence[tuple[int, int]]) -> bool:
    """Whether all places lie in a box, whose last row and column do not count here."""
    return all(box[0] <= row < box[1] and box[2] <= column < box[3] for row, column in places)


def overlap(one: Box, other: Box) -> float:
    """The product of the IoUs of two boxes' sides, all ends counting."""
    return _sides(one[:2], other[:2]) * _sides(one[2:], other[2:])


def _sides(one: tuple[int, int], other: tuple[int, int]) -> float:
    both = max(0, min(one[1], other[1]) - max(one[0], other[0]) + 1)
    return float(both / max(1e-6, max(one[1], other[1]) - min(one[0], other[0]) + 1))


def focus_box(mask: MaskArray, before: MaskArray, within: Box, click: tuple[int, int], ratio: float) -> Box:
    """Where FocalClick looks a second time; the last row and column do not count.

    Around the whole mask if there was none before; else around the part that has changed and holds the click, or
    around the click if that part is less than a third of the mask's height or width.

    Args:
        mask: (H, W) bool, the first look.
        before: (H, W) bool, the mask before this click.
        within: what the first look saw.
        click: row and column of the last click.
        ratio: of the box's sides to those of what it is around.
    """
    import cv2

    if not before.any():
        top, bottom, left, right = _around(mask)
    else:
        _, labels = cv2.connectedComponents((mask ^ before).astype(np.uint8))
        changed = _around(labels == labels[click])
        whole = _around(mask)
        top, bottom, left, right = changed
        height, width = whole[1] - whole[0], whole[3] - whole[2]
        if bottom - top < height / 3 or right - left < width / 3:
            reach = 0.2 * max(height, width)
            top, bottom, left, right = click[0] - reach, click[0] + reach, click[1] - reach, click[1] + reach
    rows, columns = 0.5 * (top + bottom), 0.5 * (left + right)
    high, wide = ratio * (bottom - top + 1), ratio * (right - left + 1)
    box = int(rows - 0.5 * high), int(rows + 0.5 * high), int(columns - 0.5 * wide), int(columns + 0.5 * wide)
    shape = mask.shape
    cut = max(0, box[0]), min(shape[0], box[1]), max(0, box[2]), min(shape[1], box[3])
    return max(cut[0], within[0]), min(cut[1], within[1]), max(cut[2], within[2]), min(cut[3], within[3])


def _around(mask: MaskArray) -> tuple[float, float, float, float]:
    """First and last row and column of a mask; the whole of it if it has less than ten pixels."""
    if np.count_nonzero(mask) < 10:
        return 0, mask.shape[0], 0, mask.shape[1]
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return float(rows[0]), float(rows[-1]), float(columns[0]), float(columns[-1])


def merged(mask: MaskArray, before: MaskArray, click: tuple[int, int]) -> MaskArray:
    """The mask before, and of what has changed only the part that holds the click: FocalClick's progressive merge."""
    import cv2

    _, labels = cv2.connectedComponents((mask ^ before).astype(np.uint8))
    part: MaskArray = labels == labels[click]
    return before & ~part if before[click] else before | part
