"""Borders of regions, found again on the full image: masks as crisp at the original size as at the working size."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ImageArray

SHARPNESS = np.float32(1 / 12.0**2)
"""One over the squared colour distance (of 255) that weighs as much as a factor e in nearness."""

LEAST_NEAR = np.float32(1e-3)
"""Of a region that is not."""

ROWS_AT_ONCE = 256
"""Full-resolution rows worked on together: bounds memory on huge images."""

Border = NDArray[np.int32]
Shares = NDArray[np.float32]
Regions = NDArray[np.uint16]


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
    cells = _Cells.of(region_map, means.astype(np.float32))
    top, bottom, down = _neighbours(height, h)
    left, right, across = _neighbours(width, w)
    nearest_row, nearest_column = np.where(down < 0.5, top, bottom), np.where(across < 0.5, left, right)
    result = np.empty((height, width), dtype=np.uint16)
    for start in range(0, height, ROWS_AT_ONCE):
        rows = slice(start, min(start + ROWS_AT_ONCE, height))
        strip = np.take(region_map[nearest_row[rows]], nearest_column, axis=1)
        rivals, photograph = np.take(cells.rivals[top[rows]], left, axis=1), image[rows].reshape(-1, 3)
        for asked, decided in ((rivals == 2, cells.of_two), (rivals > 2, cells.of_more)):
            place = np.flatnonzero(asked)
            i, j = np.divmod(place, width)
            pixels = np.take(photograph, place, axis=0).astype(np.float32)
            cell = np.take(cells.number, top[rows][i] * w + left[j])
            strip.ravel()[place] = decided(cell, down[rows][i], across[j], pixels)
        result[rows] = strip
    return result


@dataclass(frozen=True, eq=False)
class _Cells:
    """What lies between four neighbouring working pixels, h·w times: which regions ask for it, and how they look.

    Most have one region at all corners; the others, B of them, are borders.

    Attributes:
        rivals: (h, w) uint8, how many regions its corners have: one, two, or more.
        number: (h·w,) int32, which of the borders it is, where it is one.
        corners: (4, B) uint16, the regions: upper left, upper right, lower left, lower right.
        duels: (B, 8) float32, of the first corner's region and the first other: 1 for each corner that is the other's,
            and by what it is likelier for its colour, linear in a pixel's three and a constant.
        other: (B,) uint16, the first other region.
        colours: (R, 3) float32, means of the regions.
    """

    rivals: NDArray[np.uint8]
    number: NDArray[np.int32]
    corners: NDArray[np.uint16]
    duels: NDArray[np.float32]
    other: NDArray[np.uint16]
    colours: NDArray[np.float32]

    @classmethod
    def of(cls, region_map: NDArray[np.uint16], colours: NDArray[np.float32]) -> Self:
        around = np.pad(region_map, ((0, 1), (0, 1)), mode="edge")
        views = region_map, around[:-1, 1:], around[1:, :-1], around[1:, 1:]
        border = (views[1] != region_map) | (views[2] != region_map) | (views[3] != region_map)
        corners = np.stack([each[border] for each in views])
        first, *others = corners
        other = first
        for each in reversed(others):
            other = np.where(each != first, each, other)
        theirs = corners == other
        rivals = np.ones(region_map.shape, np.uint8)
        rivals[border] = np.where((theirs | (corners == first)).all(axis=0), 2, 3)
        mine, its = colours[first], colours[other]
        squares = SHARPNESS * (np.square(mine).sum(axis=1) - np.square(its).sum(axis=1))
        duels = np.concatenate([theirs.T, 2 * SHARPNESS * (its - mine), squares[:, None]], axis=1).astype(np.float32)
        number = np.cumsum(border.ravel(), dtype=np.int32) - np.int32(1)
        return cls(rivals, number, corners, duels, other, colours)

    def of_two(self, cells: Border, down: Shares, across: Shares, pixels: NDArray[np.float32]) -> Regions:
        """(N,) regions of N pixels (N, 3), where two ask for them."""
        duels = np.take(self.duels, cells, axis=0)
        near = sum(weight * duels[:, number] for number, weight in enumerate(_weights(down, across)))
        likelier = np.einsum("ij,ij->i", duels[:, 4:7], pixels) + duels[:, 7]
        wins = np.log((near + LEAST_NEAR) / (1 - near + LEAST_NEAR)) + likelier > 0
        return np.asarray(np.where(wins, self.other[cells], self.corners[0, cells]))

    def of_more(self, cells: Border, down: Shares, across: Shares, pixels: NDArray[np.float32]) -> Regions:
        """(N,) regions of N pixels (N, 3), whoever asks for them."""
        candidates, weights = self.corners[:, cells], _weights(down, across)
        found: NDArray[np.uint16] = candidates[0].copy()
        best = np.full(len(cells), -np.inf, np.float32)
        for candidate in candidates:
            near = sum(weight * (each == candidate) for weight, each in zip(weights, candidates, strict=True))
            difference = self.colours[candidate] - pixels
            score = np.log(near + LEAST_NEAR) - SHARPNESS * np.einsum("ij,ij->i", difference, difference)
            better = score > best
            best[better] = score[better]
            found[better] = candidate[better]
        return found


def _weights(down: Shares, across: Shares) -> tuple[Shares, ...]:
    """How near a pixel is to each corner: bilinear."""
    up, back = 1 - down, 1 - across
    return up * back, up * across, down * back, down * across


def _neighbours(full: int, small: int) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """For each of `full` pixels the two nearest of `small` along one axis, and the weight of the second."""
    place = (np.arange(full) + 0.5) * small / full - 0.5
    first = np.clip(np.floor(place).astype(np.intp), 0, small - 1)
    second = np.minimum(first + 1, small - 1)
    return first, second, np.clip(place - first, 0, 1).astype(np.float32)
