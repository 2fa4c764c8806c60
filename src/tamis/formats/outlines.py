"""Masks as single closed lines, and shapes of a few numbers as masks.

Formats that have one polygon for each object: holes and further parts are joined to the outline by a line that is gone
along twice, there and back, so that it encloses nothing: whoever fills the polygon by the even-odd rule gets the holes
and the parts back.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import MaskArray
from tamis.errors import InputError
from tamis.mask import Masks, Polygon, from_polygons, to_polygons

Ring = NDArray[np.float64]
"""(K, 2) x, y in pixels, the origin at the corner of the top-left pixel."""

Crop = tuple[int, int, MaskArray]
"""The row and column of a part of an image, and its pixels (h, w)."""

_NEAR = 8
"""Corners looked at first, around each corner of a ring that is to be joined."""

_MANY = 128


def ring_of(corners: Any) -> Ring:
    """The corners of an outline as a file has them: x and y in turn, or in pairs.

    Raises:
        InputError: they are not x and y of each corner.
    """
    given = np.asarray(corners, np.float64)
    if given.size % 2 or given.ndim not in (1, 2) or (given.ndim == 2 and given.size and given.shape[1] != 2):
        shape = f"{given.size} numbers" if given.ndim == 1 else f"{given.shape[-1]} numbers for each"
        raise InputError(f"a polygon has x and y of each corner, but this one {shape}")
    return given.reshape(-1, 2)


def rings_of(mask: MaskArray, tolerance: float = 0.0) -> list[Ring]:
    """One ring for each part of a mask (H, W), its holes joined to it.

    Args:
        mask: (H, W) bool.
        tolerance: how far corners may lie from the simplified outline, in pixels.
    """
    return [joined([polygon.outer, *polygon.holes]) for polygon in to_polygons(mask, tolerance)]


def joined(rings: Sequence[Ring]) -> Ring:
    """Several rings as one: from the nearest corner of those before it to each further ring, around it, and back."""
    if len(rings) == 1:
        return np.asarray(rings[0], np.float64)
    corners = np.concatenate([np.asarray(ring, np.float64) for ring in rings])
    lengths = np.array([len(ring) for ring in rings])
    first = np.concatenate([[0], np.cumsum(lengths)])
    owner = np.repeat(np.arange(len(rings)), lengths)
    starts, entries = _bridges(corners, owner, len(rings))
    leaving: dict[int, list[int]] = {}
    for ring in range(1, len(rings)):
        leaving.setdefault(int(starts[ring]), []).append(ring)
    order: list[int] = []
    # What is still to be gone along: a ring, how many of its corners are done, and how many are left; or a corner.
    waiting: list[tuple[int, int, int]] = [(0, 0, int(lengths[0]))]
    while waiting:
        ring, done, left = waiting.pop()
        if ring < 0:
            order.append(done)
            continue
        base, length = int(first[ring]), int(lengths[ring])
        corner = base + (int(entries[ring]) - base + done) % length if ring else done
        order.append(corner)
        if left > 1:
            waiting.append((ring, done + 1, left - 1))
        if done < length:  # later it is the corner that the ring was entered by once more
            for other in leaving.get(corner, ()):
                waiting.append((-1, corner, 0))  # where one is again after the way around the other ring
                waiting.append((other, 0, int(lengths[other]) + 1))
    line: Ring = corners[np.array(order)]
    return line


def _bridges(corners: Ring, owner: NDArray[np.int64], count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(count,) for each ring the corner of an earlier ring that is nearest to it, and its own corner there."""
    from scipy.spatial import cKDTree

    tree = cKDTree(corners)
    starts, entries = np.zeros((2, count), np.int64)
    waiting = np.arange(1, count)
    first = np.searchsorted(owner, np.arange(count))
    near = _NEAR
    while len(waiting):
        # Those that are hard to join are few, or looked at from one corner alone.
        mine = np.flatnonzero(np.isin(owner, waiting)) if near <= _MANY else first[waiting]
        near = min(near, len(corners))
        distances, others = tree.query(corners[mine], near)
        distances = np.where(owner[others] < owner[mine][:, None], distances, np.inf)
        best = distances.argmin(axis=1)
        reach = distances[np.arange(len(mine)), best]
        order = np.lexsort((-mine, -reach))  # of each ring the last counts: the nearest, and of those the first
        order = order[np.isfinite(reach[order])]
        rings = owner[mine[order]]
        starts[rings], entries[rings] = others[order, best[order]], mine[order]
        waiting = np.setdiff1d(waiting, rings)
        near *= 4
    return starts, entries


def filled(rings: Sequence[Ring], shape: tuple[int, int]) -> MaskArray:
    """(H, W) bool: the pixels that the rings enclose, each ring by the even-odd rule."""
    return from_polygons([Polygon(ring) for ring in rings if len(ring) >= 3], shape)


def polygon(rings: Sequence[Ring], shape: tuple[int, int]) -> Crop:
    """The pixels that the rings enclose, each by the even-odd rule: no more of the image than they reach.

    Args:
        rings: each (K, 2); those of fewer than three corners enclose nothing.
        shape: (height, width) of the image in pixels.

    Raises:
        InputError: a corner is no finite number.
    """
    closed = [np.asarray(ring, np.float64) for ring in rings if len(ring) >= 3]
    if not closed:
        return 0, 0, np.zeros((1, 1), np.bool_)
    corners = np.concatenate(closed)
    if not np.isfinite(corners).all():
        raise InputError("a corner of a polygon is no finite number")
    top, left, bottom, right = _within(corners, shape)
    moved = [Polygon(ring - (left, top)) for ring in closed]
    return top, left, from_polygons(moved, (bottom - top, right - left))


def rectangle(x: float, y: float, width: float, height: float, degrees: float = 0.0) -> Ring:
    """The corners of a rectangle turned clockwise around its first corner."""
    ring = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    return np.asarray(_turned(ring, degrees) + np.array([x, y]))


def centred_rectangle(x: float, y: float, width: float, height: float, degrees: float) -> Ring:
    """The corners of a rectangle turned clockwise around its middle; x, y is its first corner before that."""
    middle = np.array([width / 2, height / 2])
    return np.asarray(_turned(rectangle(0, 0, width, height) - middle, degrees) + middle + np.array([x, y]))


def ellipse(x: float, y: float, across: float, down: float, degrees: float, shape: tuple[int, int]) -> Crop:
    """The pixels whose centres lie in an ellipse.

    Args:
        x: of its middle.
        y: likewise.
        across: half its width before it is turned.
        down: half its height.
        degrees: clockwise.
        shape: (height, width) of the image in pixels.

    Raises:
        InputError: a value is no finite number.
    """
    if not np.isfinite([x, y, across, down, degrees]).all():
        raise InputError("an ellipse has a value that is no finite number")
    across, down = abs(across), abs(down)
    if not across or not down:
        return 0, 0, np.zeros((1, 1), np.bool_)
    reach = max(across, down)
    top, left, bottom, right = _within(np.array([[x - reach, y - reach], [x + reach, y + reach]]), shape)
    rows, columns = np.mgrid[top:bottom, left:right] + 0.5
    around = np.stack([columns - x, rows - y], axis=-1)
    along = _turned(around, -degrees)
    return top, left, np.asarray((along[..., 0] / across) ** 2 + (along[..., 1] / down) ** 2 <= 1)


def packed(crops: Iterable[Crop], shape: tuple[int, int]) -> Masks:
    """Masks of an image (height, width) from parts of it."""
    masks = [Masks.from_dense(pixels[None]).placed(shape, top, left) for top, left, pixels in crops]
    return Masks.concatenate([Masks.none(shape), *masks])


def united(crops: Sequence[Crop], shape: tuple[int, int]) -> Crop:
    """All of several parts of an image as one."""
    if len(crops) == 1:
        return crops[0]
    together = np.zeros(shape, np.bool_)
    for top, left, pixels in crops:
        together[top : top + pixels.shape[0], left : left + pixels.shape[1]] |= pixels
    return 0, 0, together


def _within(corners: Ring, shape: tuple[int, int]) -> tuple[int, int, int, int]:
    """Rows and columns of an image that hold corners, at least one pixel."""
    height, width = shape
    low, high = np.floor(corners.min(axis=0)), np.ceil(corners.max(axis=0))
    left, top = (int(min(max(value, 0), most - 1)) for value, most in zip(low, (width, height), strict=True))
    right, bottom = (
        int(min(max(value, edge + 1), most))
        for value, edge, most in zip(high, (left, top), (width, height), strict=True)
    )
    return top, left, bottom, right


def _turned(points: Ring, degrees: float) -> Ring:
    """Points (..., 2) turned clockwise on the screen around the origin."""
    if not degrees:
        return points
    angle = np.deg2rad(degrees)
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([points[..., 0] * cos - points[..., 1] * sin, points[..., 0] * sin + points[..., 1] * cos], axis=-1)
