"""What nobody means: small parts and small holes of a corrected mask, in which no click lies."""

from collections.abc import Collection, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import MaskArray, ProbabilityArray
from tamis.clicks import Click
from tamis.regions.clicks import SURE

SHARE = 0.005
"""Of a mask's area: parts and holes below it are specks. On 59 objects of validation photographs the boundary IoU rises
by .008 to .011 from the third click on, and no mask loses .01 of its IoU; at twice the share one in sixty does."""

MOST = 1024
"""Samples along the longer side in which specks are looked for: not every pixel of a large image."""

CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], np.uint8)
"""A cell and those that it hangs together with."""

Box = tuple[slice, slice]
"""Rows and columns of cells."""


def remove_specks(answer: ProbabilityArray, mask: MaskArray | None, clicks: Sequence[Click]) -> None:
    """Take small parts away and fill small holes, in place, where no click of their sign lies.

    Args:
        answer: (H, W).
        mask: (H, W) that was corrected, whose own parts and holes stay, but not what a change has cut off; None if they
            are to go too.
        clicks: all of them.
    """
    import cv2

    step = max(1, -(-max(answer.shape) // MOST))
    cells = answer[step // 2 :: step, step // 2 :: step] > 0.5
    # Parts and holes lie in the box of the mask; what is outside reaches the edge of a box that is larger by a cell.
    left, top, width, height = cv2.boundingRect(cells.view(np.uint8))
    if not width:
        return
    rows, columns = slice(max(0, top - 1), top + height + 1), slice(max(0, left - 1), left + width + 1)
    changed = None if mask is None else cells != mask[step // 2 :: step, step // 2 :: step]
    shape = cells.shape
    clicked = [
        (min(row // step, shape[0] - 1) - rows.start, min(column // step, shape[1] - 1) - columns.start, click.positive)
        for click in clicks
        for row, column in [click.pixel]
    ]
    # A part or a hole hung together with what has changed if it lies beside it.
    there = None if changed is None else cv2.dilate(changed[rows, columns].view(np.uint8), CROSS) > 0
    for (down, across), turned, sign in _specks(cells[rows, columns], there, clicked):
        row, column = (rows.start + down.start) * step, (columns.start + across.start) * step
        _turn(answer[row:, column:], turned, step, sign)


def _specks(
    cells: MaskArray, changed: MaskArray | None, clicked: Collection[tuple[int, int, bool]]
) -> Iterator[tuple[Box, MaskArray, bool]]:
    """Specks of a mask: a box of each, what of the box is to be turned, and what that is now.

    They are found by outlines, which takes a fifth of the time of numbering all cells.

    Args:
        cells: (h, w), the mask.
        changed: (h, w), where it is not what it was, and a cell around; None for everywhere.
        clicked: rows, columns and signs of clicks.
    """
    import cv2

    # Outlines of what is outside, in a frame: parts hang together by their sides, holes by corners, too.
    outside = cv2.copyMakeBorder((~cells).view(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=1)
    found, tree = cv2.findContours(outside, cv2.RETR_TREE, cv2.CHAIN_APPROX_SIMPLE, offset=(-1, -1))
    outlines = [np.asarray(each, np.int32) for each in found]
    parents = tree[0, :, 3].tolist()
    depths = [_depth(number, parents) for number in range(len(parents))]
    parts = [number for number, depth in enumerate(depths) if depth % 2]
    largest = max(parts, key=lambda number: cv2.contourArea(outlines[number]))
    least, gone = SHARE * np.count_nonzero(cells), set[int]()
    for number in sorted(range(len(parents)), key=depths.__getitem__):
        if parents[number] in gone:
            gone.add(number)  # it is in the place of what is gone
        elif depths[number] and number != largest:
            here = _box(outlines[number], cells.shape)
            if changed is not None and not changed[here].any():
                continue
            sign = bool(depths[number] % 2)
            same = cells[here] == sign
            speck = same & _filled(outlines[number], here)
            if np.count_nonzero(speck) >= least or (changed is not None and not changed[here][speck].any()):
                continue
            if any(each == sign and _holds(speck, here, row, column) for row, column, each in clicked):
                continue
            gone.add(number)
            grown = cv2.dilate(speck.view(np.uint8), np.ones((3, 3), np.uint8)) > 0
            yield here, grown & (speck | ~same), sign


def _depth(number: int, parents: Sequence[int]) -> int:
    """In how many outlines one lies: the mask's parts in an odd number, what is outside in an even one."""
    depth = 0
    while (number := parents[number]) >= 0:
        depth += 1
    return depth


def _box(outline: NDArray[np.int32], shape: Sequence[int]) -> Box:
    """Rows and columns of an outline (N, 1, 2) of x and y, and one around, in a grid (h, w)."""
    import cv2

    left, top, width, height = cv2.boundingRect(outline)
    rows, columns = (top, top + height, shape[0]), (left, left + width, shape[1])
    down, across = (slice(max(0, start - 1), min(stop + 1, side)) for start, stop, side in (rows, columns))
    return down, across


def _filled(outline: NDArray[np.int32], box: Box) -> MaskArray:
    """(h, w) of a box: what an outline (N, 1, 2) of x and y encloses, and itself."""
    import cv2

    rows, columns = box
    filled = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.uint8)
    cv2.drawContours(filled, [outline], -1, 1, cv2.FILLED, offset=(-columns.start, -rows.start))
    return filled.view(np.bool_)


def _holds(cells: MaskArray, box: Box, row: int, column: int) -> bool:
    """Whether a cell is among some (h, w) of a box."""
    rows, columns = box
    inside = rows.start <= row < rows.stop and columns.start <= column < columns.stop
    return inside and bool(cells[row - rows.start, column - columns.start])


def _turn(answer: ProbabilityArray, cells: MaskArray, step: int, sign: bool) -> None:
    """Turn what some cells (h, w) stand for over, in place, where it has a sign.

    Args:
        answer: (H, W), which begins where the cells do.
        cells: (h, w).
        step: pixels between them.
        sign: of what is turned.
    """
    there = np.kron(cells, np.ones((step, step), bool))
    # No further than samples go: the last rows and columns of an image may be too few for one.
    inside = answer[: there.shape[0], : there.shape[1]]
    there = there[: inside.shape[0], : inside.shape[1]] & ((inside > 0.5) == sign)
    inside[there] = 1 - SURE if sign else SURE
