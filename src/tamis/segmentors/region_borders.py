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
    result = np.empty((height, width), dtype=np.uint16)
    for start in range(0, height, ROWS_AT_ONCE):
        rows = slice(start, min(start + ROWS_AT_ONCE, height))
        corners = [region_map[np.ix_(r, c)] for r in (top[rows], bottom[rows]) for c in (left, right)]
        nearest = np.where(
            down[rows, None] < 0.5, np.where(across < 0.5, *corners[:2]), np.where(across < 0.5, *corners[2:])
        )
        mixed = (corners[0] != corners[1]) | (corners[0] != corners[2]) | (corners[0] != corners[3])
        i, j = np.nonzero(mixed)
        candidates = np.stack([corner[i, j] for corner in corners])
        y, x = down[rows][i], across[j]
        weights = np.stack([(1 - y) * (1 - x), (1 - y) * x, y * (1 - x), y * x])
        same = candidates[:, None] == candidates[None]
        nearness = (same * weights[None]).sum(axis=1)
        difference = colours[candidates] - image[rows][i, j].astype(np.float32)
        score = np.log(nearness + np.float32(1e-3)) - SHARPNESS * (difference**2).sum(axis=2)
        nearest[i, j] = np.take_along_axis(candidates, np.argmax(score, axis=0)[None], axis=0)[0]
        result[rows] = nearest
    return result


def _neighbours(full: int, small: int) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """For each of `full` pixels the two nearest of `small` along one axis, and the weight of the second."""
    place = (np.arange(full) + 0.5) * small / full - 0.5
    first = np.clip(np.floor(place).astype(np.intp), 0, small - 1)
    second = np.minimum(first + 1, small - 1)
    return first, second, np.clip(place - first, 0, 1).astype(np.float32)
