"""A closer look: the neighbourhood of a mask, encoded again at its own scale; thin and small things come from there."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tamis.arrays import MaskArray, ProbabilityArray
from tamis.clicks import Click, set_clicked_pixels
from tamis.regions.clicks import SURE
from tamis.segmentors.protocol import TakesMask

Part = tuple[slice, slice]
"""Rows and columns of an image."""

GROWN = 1.4
"""Sides of a part, in those of the box of a mask and its clicks."""

LEAST = 0.25
"""Of the image's longer side: no part has a shorter one, unless the image has."""

WORTH = 0.75
"""Of the image's longer side: a part with a longer one would show little that the image does not."""

SAME = 0.5
"""IoU of two parts from which on one does for the other."""


def part_around(mask: MaskArray, clicks: Sequence[Click]) -> Part | None:
    """The part of an image that is worth a closer look, or None where that is most of the image, or nothing.

    Args:
        mask: (H, W), the mask so far.
        clicks: that it was made by, and are to correct it.
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    pixels = np.array([click.pixel for click in clicks], np.intp).reshape(-1, 2)
    longer = max(mask.shape)
    ends = [
        (min(those.min(), pixels[:, axis].min(initial=length)), max(those.max(), pixels[:, axis].max(initial=0)) + 1)
        for axis, (those, length) in enumerate(zip((rows, columns), mask.shape, strict=True))
    ]
    side = max(LEAST * longer, *(GROWN * (end - start) for start, end in ends))
    if side > WORTH * longer:
        return None
    top, left = (_span(*each, side, length) for each, length in zip(ends, mask.shape, strict=True))
    return top, left


def _span(start: int, end: int, side: float, length: int) -> slice:
    """A slice around another one, `GROWN` times as long and not much shorter than the other side of the part."""
    reach = max(GROWN * (end - start), 0.75 * side) / 2
    middle = (start + end) / 2
    return slice(max(0, int(middle - reach)), min(length, int(np.ceil(middle + reach))))


def holds(part: Part, clicks: Sequence[Click]) -> bool:
    """Whether all clicks lie in a part."""
    return all(
        rows.start <= row < rows.stop and columns.start <= column < columns.stop
        for rows, columns in [part]
        for row, column in (click.pixel for click in clicks)
    )


def within(part: Part, clicks: Sequence[Click]) -> list[Click]:
    """Those of some clicks that lie in a part, in its pixels."""
    rows, columns = part
    return [click.moved(-columns.start, -rows.start) for click in clicks if holds(part, [click])]


def alike(part: Part, other: Part) -> bool:
    """Whether one part does for another: their IoU is at least `SAME`."""
    common = np.prod([max(0, min(a.stop, b.stop) - max(a.start, b.start)) for a, b in zip(part, other, strict=True)])
    area, its = (np.prod([each.stop - each.start for each in those]) for those in (part, other))
    return bool(common >= SAME * (area + its - common))


@dataclass(frozen=True, eq=False)
class CloserLook:
    """A part of an image, ready to be corrected.

    Attributes:
        part: where it is.
        encoded: the part as an image of its own.
    """

    part: Part
    encoded: TakesMask

    def corrected(self, mask: MaskArray, clicks: Sequence[Click]) -> ProbabilityArray:
        """(H, W) float32: the mask (H, W) as the last click, which lies in the part, corrects it there."""
        answer, (rows, columns) = np.empty(mask.shape, np.float32), self.part
        # Around the part and not in it: to write a large image twice takes longer than to ask for four pieces.
        for beside in (
            np.s_[: rows.start],
            np.s_[rows.stop :],
            np.s_[rows, : columns.start],
            np.s_[rows, columns.stop :],
        ):
            told, before = answer[beside], mask[beside]
            told.fill(1 - SURE)
            if before.any():
                np.copyto(told, SURE, where=before)
        inside = np.ascontiguousarray(mask[self.part])
        answer[self.part] = self.encoded.probability_from_mask(inside, within(self.part, clicks))
        set_clicked_pixels(answer, clicks)
        return answer


def look_at(part: Part, looks: Sequence[CloserLook], click: Click) -> CloserLook | None:
    """The latest of some looks that does for a part and holds a click, if there is one."""
    return next((look for look in reversed(looks) if alike(look.part, part) and holds(look.part, [click])), None)
