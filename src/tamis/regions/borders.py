"""Borders of regions, found again on the full image: masks as crisp at the original size as at the working size."""

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ImageArray

SHARPNESS = np.float32(1 / 12.0**2)
"""One over the squared colour distance (of 255) that weighs as much as a factor e in nearness."""

ROWS_AT_ONCE = 256
"""Full-resolution rows worked on together: bounds memory on huge images."""


def refined_regions(image: ImageArray, region_map: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Give every pixel of the full image to one of the regions around it at the working size.

    The candidates are the regions of the four nearest working pixels. Nearness (the bilinear weights, added up where
    two candidates are the same region) and likeness to the region's mean colour decide; where all four agree nothing
    is to be done.

    Args:
        image: (H, W, 3) uint8 RGB.
        region_map: (h, w) uint16.

    Returns:
        (H, W) uint16.
    """
    import cv2

    height, width = image.shape[:2]
    h, w = region_map.shape
    if (height, width) == (h, w):
        return region_map.copy()
    small = cv2.resize(image, (w, h), interpolation=cv2.INTER_AREA).reshape(-1, 3)
    counts = np.bincount(region_map.ravel())
    means = np.stack([np.bincount(region_map.ravel(), small[:, c]) for c in range(3)], axis=1) / counts[:, None]
    colours = means.astype(np.float32)
    top, bottom, down = _neighbours(height, h)
    left, right, across = _neighbours(width, w)
    nearest_row, nearest_column = np.where(down < 0.5, top, bottom), np.where(across < 0.5, left, right)
    around = np.pad(region_map, ((0, 1), (0, 1)), mode="edge")
    here = around[:-1, :-1]
    mixed = (here != around[1:, :-1]) | (here != around[:-1, 1:]) | (here != around[1:, 1:])
    result = np.empty((height, width), dtype=np.uint16)
    for start in range(0, height, ROWS_AT_ONCE):
        rows = slice(start, min(start + ROWS_AT_ONCE, height))
        strip = region_map[nearest_row[rows]][:, nearest_column]
        i, j = np.nonzero(mixed[top[rows]][:, left])
        r, c = top[rows][i], left[j]
        candidates = np.stack([around[r, c], around[r, c + 1], around[r + 1, c], around[r + 1, c + 1]])
        y, x = down[rows][i], across[j]
        weights = [(1 - y) * (1 - x), (1 - y) * x, y * (1 - x), y * x]
        pixels = image[rows][i, j].astype(np.float32)
        best = np.full(len(i), -np.inf, np.float32)
        for candidate in candidates:
            nearness = sum(
                weight * (other == candidate) for weight, other in zip(weights, candidates, strict=True)
            ) + np.float32(1e-3)
            difference = colours[candidate] - pixels
            score = np.log(nearness) - SHARPNESS * np.einsum("ij,ij->i", difference, difference)
            better = score > best
            best[better] = score[better]
            strip[i[better], j[better]] = candidate[better]
        result[rows] = strip
    return result


def _neighbours(full: int, small: int) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """For each of `full` pixels the two nearest of `small` along one axis, and the weight of the second."""
    place = (np.arange(full) + 0.5) * small / full - 0.5
    first = np.clip(np.floor(place).astype(np.intp), 0, small - 1)
    second = np.minimum(first + 1, small - 1)
    return first, second, np.clip(place - first, 0, 1).astype(np.float32)
