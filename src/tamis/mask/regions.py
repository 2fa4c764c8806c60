"""Connected regions of a mask: its parts, its holes, its islands."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import MaskArray
from tamis.errors import InputError
from tamis.mask.collection import Masks
from tamis.mask.labels import masks_from_labels

Connectivity = Literal[4, 8]


def components(mask: MaskArray, connectivity: Connectivity = 8) -> Masks:
    """The connected parts of a mask, the largest first; of equal parts the one further left, then further up, is first.

    Args:
        mask: (H, W) bool.
        connectivity: 8 where pixels that touch at a corner belong together, 4 where they do not.
    """
    labels, _ = _labelled(mask, connectivity)
    parts, _ = masks_from_labels(labels, background=0)
    first_pixel = parts.edges[parts.offsets[:-1]]
    return parts[np.lexsort((first_pixel, -parts.areas))]


def fill_holes(
    mask: MaskArray, max_area: int | None = None, connectivity: Connectivity = 8, border: bool = False
) -> MaskArray:
    """A copy of a mask without its holes: background regions that the mask encloses.

    `fill_holes(mask, area - 1, border=True)` is what SAM does to regions smaller than `area`.

    Args:
        mask: (H, W) bool.
        max_area: the largest hole to fill, in pixels; all of them by default.
        connectivity: how background pixels hang together; by 8 a diagonal gap in the mask already opens a hole.
        border: fill also background regions that touch the border of the image.
    """
    labels, areas = _labelled(~np.asarray(mask, np.bool_), connectivity)
    fill = np.ones(len(areas), np.bool_) if max_area is None else areas <= max_area
    if not border:
        for side in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
            fill[side] = False
    fill[0] = True  # label 0 is the mask itself
    return fill[labels]


def remove_islands(mask: MaskArray, min_area: int, connectivity: Connectivity = 8) -> MaskArray:
    """A copy of a mask without its parts smaller than `min_area` pixels; the largest part stays whatever its size.

    Args:
        mask: (H, W) bool.
        min_area: the smallest part to keep, in pixels.
        connectivity: 8 where pixels that touch at a corner belong together, 4 where they do not.
    """
    labels, areas = _labelled(mask, connectivity)
    keep = areas >= min_area
    if len(areas) > 1:
        keep[1 + np.argmax(areas[1:])] = True
    keep[0] = False
    return keep[labels]


def _labelled(mask: MaskArray, connectivity: Connectivity) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """(H, W) int32: 0 outside, 1, 2, ... in the parts; and the area of every label in pixels."""
    import cv2

    pixels = np.ascontiguousarray(mask, np.bool_)
    if pixels.ndim != 2 or not pixels.size:
        raise InputError(f"a mask has two dimensions, height and width, but this one has shape {pixels.shape}")
    if connectivity not in (4, 8):
        raise InputError(f"pixels can be connected by 4 or 8 neighbours, not by {connectivity}")
    _, labels, stats, _ = cv2.connectedComponentsWithStats(pixels.view(np.uint8), connectivity=connectivity)
    return np.asarray(labels, np.int32), np.asarray(stats[:, cv2.CC_STAT_AREA], np.int64)
