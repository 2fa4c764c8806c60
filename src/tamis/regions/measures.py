"""What can be measured of the regions of an image: means of maps, colour, place, size.

R is the number of regions, (h, w) the working size.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from tamis.arrays import ImageArray

Float32 = NDArray[np.float32]


def pool(region_map: NDArray[np.uint16], maps: Float32) -> tuple[Float32, Float32]:
    """Means of maps at stride 4 over regions, each cell weighted by its pixels in the region; and areas.

    Args:
        region_map: (h, w) uint16.
        maps: (C, h/4, w/4) float32.

    Returns:
        (R, C) float32, and (R,) float32 shares of the image.
    """
    regions, cells, counts = overlaps(region_map)
    totals = np.bincount(region_map.ravel()).astype(np.float32)
    flat = np.ascontiguousarray(maps.reshape(len(maps), -1).T)
    starts = np.searchsorted(regions, np.arange(len(totals) + 1))
    sums = csr_array((counts, cells, starts), shape=(len(totals), len(flat))) @ flat
    return np.asarray(sums / totals[:, None], dtype=np.float32), totals / np.float32(region_map.size)


def overlaps(region_map: NDArray[np.uint16]) -> tuple[NDArray[np.int64], NDArray[np.int64], Float32]:
    """Which 4 × 4 cells each region meets, in how many pixels: regions (N,), flat cells (N,), pixels (N,), sorted."""
    height, width = region_map.shape
    by_cell = region_map.reshape(height // 4, 4, width // 4, 4).swapaxes(1, 2).reshape(-1, 16)
    by_cell.sort(axis=1)
    new = np.ones(by_cell.shape, dtype=bool)
    np.not_equal(by_cell[:, 1:], by_cell[:, :-1], out=new[:, 1:])
    first = np.flatnonzero(new)
    regions, pixels = by_cell.ravel()[first], np.diff(first, append=by_cell.size)
    order = np.argsort(regions, kind="stable")
    return regions[order].astype(np.int64), first[order] // 16, pixels[order].astype(np.float32)


def appearance(image: ImageArray, region_map: NDArray[np.uint16]) -> tuple[Float32, Float32, Float32, Float32]:
    """Colour (R, 3), spread (R, 3), centre (R, 2) and contact (R,) of regions, as `RegionSummary` has them."""
    height, width = region_map.shape
    labels = region_map.ravel()
    totals = np.bincount(labels)
    values = image.reshape(-1, 3).astype(np.float32) / 255
    mean = np.stack([np.bincount(labels, values[:, c]) for c in range(3)], axis=1) / totals[:, None]
    square = np.stack([np.bincount(labels, values[:, c] ** 2) for c in range(3)], axis=1) / totals[:, None]
    long = max(height, width)
    x = np.tile((np.arange(width) + 0.5 + (long - width) / 2) / long, height)
    y = np.repeat((np.arange(height) + 0.5 + (long - height) / 2) / long, width)
    centre = np.stack([np.bincount(labels, x), np.bincount(labels, y)], axis=1) / totals[:, None]
    frame = np.concatenate([region_map[0], region_map[-1], region_map[:, 0], region_map[:, -1]])
    contact = np.sqrt(np.bincount(frame, minlength=len(totals)) / frame.size)
    return (
        mean.astype(np.float32),
        np.sqrt(np.maximum(square - mean**2, 0)).astype(np.float32),
        centre.astype(np.float32),
        contact.astype(np.float32),
    )
