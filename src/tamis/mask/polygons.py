"""Masks as polygons with holes, and back.

Polygons live in tamis's coordinates (`tamis.clicks`): the pixel in row i and column j covers [j, j + 1) × [i, i + 1)
and belongs to a polygon that holds its centre. Without tolerance the way there and back gives the same mask, always.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import MaskArray
from tamis.errors import InputError
from tamis.mask.contours import Ring, outlines_of
from tamis.mask.ranges import ranges

_CROSSINGS = 1 << 20
"""Places where lines cross the middles of rows, looked at in one go."""


@dataclass(frozen=True, slots=True, eq=False)
class Polygon:
    """One part of a mask.

    outer: (K, 2) float64 x, y in pixels, clockwise on the screen; the last corner joins the first.
    holes: the same for each hole, counterclockwise.
    """

    outer: Ring
    holes: tuple[Ring, ...] = ()


@dataclass(frozen=True, slots=True)
class CocoPolygons:
    """COCO's polygons of a mask and what they lose.

    segmentation: [x0, y0, x1, y1, ...] for each part, in pixels; COCO cannot express holes.
    iou: of the mask with what the polygons give back.
    """

    segmentation: list[list[float]]
    iou: float


def to_polygons(mask: MaskArray, tolerance: float = 0.0) -> list[Polygon]:
    """The 4-connected parts of a mask, from top to bottom, as polygons.

    Args:
        mask: (H, W) bool.
        tolerance: how far, in pixels, corners may lie from the simplified outline (Douglas and Peucker's method);
            by default the outlines follow the pixels exactly.

    Raises:
        InputError: a negative tolerance or an array that is no mask.

    >>> to_polygons(np.array([[1, 1], [1, 0]], bool))[0].outer.tolist()
    [[0.0, 0.0], [2.0, 0.0], [2.0, 1.0], [1.0, 1.0], [1.0, 2.0], [0.0, 2.0]]
    """
    import cv2

    pixels = np.ascontiguousarray(mask, np.bool_)
    if pixels.ndim != 2 or not pixels.size:
        raise InputError(f"a mask has two dimensions, height and width, but this one has shape {pixels.shape}")
    if not tolerance >= 0:
        raise InputError(f"the tolerance is a distance in pixels, 0 or more, not {tolerance}")
    _, labels = cv2.connectedComponents(pixels.view(np.uint8), connectivity=4)
    rings: dict[int, list[Ring]] = {}
    for ring, beside in outlines_of(pixels):
        rings.setdefault(int(labels[beside]), []).append(ring)
    # The topmost edge of a part is on its outer outline, so that this comes before its holes.
    return [_simplified(outer, holes, tolerance) for outer, *holes in rings.values()]


def from_polygons(polygons: Iterable[Polygon], shape: tuple[int, int]) -> MaskArray:
    """(H, W) bool: the pixels whose centres lie inside any of the polygons, by the even-odd rule within each.

    Args:
        polygons: their corners may lie outside the image.
        shape: (H, W) of the image in pixels.

    Raises:
        InputError: a ring that is no list of finite x, y.
    """
    mask = np.zeros(shape, np.bool_)
    for polygon in polygons:
        rings = [_checked(ring) for ring in (polygon.outer, *polygon.holes)]
        starts = np.concatenate(rings)
        ends = np.concatenate([np.roll(ring, -1, axis=0) for ring in rings])
        _add(mask, starts, ends)
    return mask


def polygon_iou(mask: MaskArray, polygons: Iterable[Polygon]) -> float:
    """IoU of a mask with what its polygons give back; 1 where both are empty.

    Args:
        mask: (H, W) bool.
        polygons: as from `to_polygons`.
    """
    height, width = mask.shape
    back = from_polygons(polygons, (height, width))
    union = int(np.count_nonzero(back | mask))
    return int(np.count_nonzero(back & mask)) / union if union else 1.0


def to_coco_polygons(mask: MaskArray, tolerance: float = 0.0) -> CocoPolygons:
    """COCO's polygons of a mask: the outer outline of each part, and the IoU that is left without holes.

    Args:
        mask: (H, W) bool.
        tolerance: as in `to_polygons`, in pixels.
    """
    parts = [Polygon(polygon.outer) for polygon in to_polygons(mask, tolerance)]
    return CocoPolygons([part.outer.ravel().tolist() for part in parts], polygon_iou(mask, parts))


def from_coco_polygons(segmentation: Sequence[Sequence[float]], shape: tuple[int, int]) -> MaskArray:
    """(H, W) bool: the union of COCO's polygons, by pixel centres.

    pycocotools' own rasteriser rounds corners to fifths of a pixel, so that it may differ along the outlines.

    Args:
        segmentation: [x0, y0, x1, y1, ...] for each part, in pixels.
        shape: (H, W) of the image in pixels.

    Raises:
        InputError: an odd number of coordinates, or fewer than three corners.
    """
    for part in segmentation:
        if len(part) % 2 or len(part) < 6:
            raise InputError(f"a COCO polygon needs x and y of at least three corners, not {len(part)} numbers")
    parts = [Polygon(np.asarray(part, np.float64).reshape(-1, 2)) for part in segmentation]
    return from_polygons(parts, shape)


def _simplified(outer: Ring, holes: Sequence[Ring], tolerance: float) -> Polygon:
    """A hole that shrinks to a line goes; an outer outline that would is kept as it is."""
    if tolerance == 0:
        return Polygon(outer, tuple(holes))
    around, *inside = (_approximated(ring, tolerance) for ring in (outer, *holes))
    return Polygon(around if len(around) > 2 else outer, tuple(ring for ring in inside if len(ring) > 2))


def _approximated(ring: Ring, tolerance: float) -> Ring:
    import cv2

    return cv2.approxPolyDP(ring.astype(np.float32), tolerance, closed=True).reshape(-1, 2).astype(np.float64)


def _checked(ring: Ring) -> Ring:
    corners = np.asarray(ring, np.float64)
    if corners.ndim != 2 or corners.shape[1] != 2 or not np.isfinite(corners).all():
        raise InputError(f"a ring of a polygon must be finite x, y of its corners, not an array {corners.shape}")
    return corners


def _add(mask: MaskArray, starts: NDArray[np.float64], ends: NDArray[np.float64]) -> None:
    """Set the pixels to the right of an odd number of the lines from `starts` to `ends`, (E, 2) x, y in pixels."""
    height, width = mask.shape
    downward = (starts[:, 1] <= ends[:, 1])[:, None]  # each line one way round, that neighbours meet without a gap
    starts, ends = np.where(downward, starts, ends), np.where(downward, ends, starts)
    first = np.clip(np.ceil(starts[:, 1] - 0.5), 0, height).astype(np.int64)
    last = np.clip(np.ceil(ends[:, 1] - 0.5), 0, height).astype(np.int64)
    reach = np.maximum(last - first, 0)
    if not reach.any():
        return
    top, bottom = int(first[reach > 0].min()), int(last.max())
    sides = np.concatenate([starts[:, 0], ends[:, 0]])
    left, right = (int(value) for value in np.clip(np.ceil([sides.min() - 0.5, sides.max() - 0.5]), 0, width))
    across = right - left + 1
    crossed = np.zeros((bottom - top) * across, np.bool_)
    for part in _parts(reach):
        rows = ranges(first[part], reach[part])
        line = np.repeat(np.arange(part.start, part.stop), reach[part])
        slope = (ends[line, 0] - starts[line, 0]) / (ends[line, 1] - starts[line, 1])
        x = starts[line, 0] + (rows + 0.5 - starts[line, 1]) * slope
        columns = np.clip(np.ceil(x - 0.5), left, right).astype(np.int64)
        places = (rows - top) * across + columns - left
        crossed ^= np.bincount(places, minlength=len(crossed)) % 2 == 1
    inside = np.logical_xor.accumulate(crossed.reshape(-1, across)[:, :-1], axis=1)
    mask[top:bottom, left:right] |= inside


def _parts(reach: NDArray[np.int64]) -> Iterator[slice]:
    """Some lines at a time: those of one polygon of millions of corners cross rows billions of times."""
    crossings = np.cumsum(reach)
    begin = 0
    while begin < len(reach):
        before = crossings[begin - 1] if begin else 0
        end = max(begin + 1, int(np.searchsorted(crossings, before + _CROSSINGS, "right")))
        yield slice(begin, end)
        begin = end
