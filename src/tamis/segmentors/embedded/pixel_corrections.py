"""A correction looked at pixel by pixel: what a network over pixels is told, where regions say what is meant.

Regions end where the image's own edges are, more or less; a mask that people finish should end where the object does.
The network sees the image at the working size, the answer over regions, the mask before it and all clicks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ImageArray, MaskArray, ProbabilityArray
from tamis.clicks import Click
from tamis.regions.features import PixelMaps
from tamis.regions.surroundings import surroundings

RADIUS = 5
"""Of the disc that a click is drawn as, in pixels of the working size, as in RITM."""

SAMPLES = 4
"""Pixels along each side of a cell that are looked at, of a large image; of a smaller one two that stand for all."""

TILE = 16
"""Cells along each side of what is replaced at a time of a large image: borders are thin, and most of it stays."""

AT_ONCE = 1 << 21
"""Pixels of an image up to which enlarging all of it costs less than going from tile to tile."""


@dataclass(frozen=True, eq=False)
class PixelContext:
    """What does not depend on clicks, at the working size (h, w).

    Attributes:
        small: (h, w, 3) uint8 RGB.
        boundary: (h/2, w/2) float32, logit of a border.
        features: (D, h/4, w/4) float32, what the network over pixels knows besides.
    """

    small: ImageArray
    boundary: NDArray[np.float32]
    features: NDArray[np.float32]

    @classmethod
    def of(cls, small: ImageArray, maps: PixelMaps) -> "PixelContext":
        """From an image at the working size and the maps of the network over pixels."""
        return cls(small, maps.boundary, np.concatenate([maps.features, maps.embedding]))

    @property
    def shape(self) -> tuple[int, int]:
        """(h, w)."""
        return self.small.shape[0], self.small.shape[1]

    @cached_property
    def known(self) -> NDArray[np.float32]:
        """(h/4, w/4, D) float32: the features with all of a pixel together; made when first asked for."""
        return np.ascontiguousarray(self.features.transpose(1, 2, 0))

    @cached_property
    def around(self) -> NDArray[np.float32]:
        """(h, w, C) float32: the surroundings of every pixel; made when first asked for."""
        return surroundings(self.small)

    def scene_inputs(self) -> dict[str, NDArray[np.float32]]:
        """What the network is fed once, a batch of one."""
        return {
            "image": np.ascontiguousarray(self.small.transpose(2, 0, 1)[None], np.float32) / np.float32(255),
            "boundary": self.boundary[None, None],
            "features": self.features[None],
        }

    def inputs(
        self,
        told: ProbabilityArray | NDArray[np.uint8],
        before: MaskArray,
        clicks: Sequence[Click],
        shape: tuple[int, int],
    ) -> dict[str, NDArray[np.float32]]:
        """What the network is fed for a click, a batch of one, beside what it has made of the scene.

        Args:
            told: (H, W), the answer over regions, from 0 to 1.
            before: (H, W), the mask that was corrected.
            clicks: all of them, the new one last.
            shape: (H, W), in whose pixels they are.
        """
        height, width = self.shape
        masks = [_shrunk(told, self.shape), _shrunk(before.view(np.uint8), self.shape)]
        scale = width / shape[1], height / shape[0]
        moved = [Click(each.x * scale[0], each.y * scale[1], each.positive) for each in clicks]
        return {
            "masks": np.stack(masks)[None] * np.float32(2) - np.float32(1),
            "clicks": discs(moved, self.shape)[None],
        }


def discs(clicks: Sequence[Click], shape: tuple[int, int]) -> NDArray[np.float32]:
    """(3, h, w): 1 around positive clicks; around negative ones; the sign of the last click around it."""
    import cv2

    planes = np.zeros((3, *shape), np.float32)
    for number, click in enumerate(clicks, 1):
        middle = click.pixel[1], click.pixel[0]
        cv2.circle(planes[0 if click.positive else 1], middle, RADIUS, 1.0, -1)
        if number == len(clicks):
            cv2.circle(planes[2], middle, RADIUS, 1.0 if click.positive else -1.0, -1)
    return planes


def around(cells: MaskArray, radius: int) -> MaskArray:
    """(h, w): what lies within some pixels of some cells (h, w)."""
    import cv2

    # A dilation takes longer from twelve pixels on.
    return np.asarray(cv2.distanceTransform((~cells).view(np.uint8), cv2.DIST_L2, 3) <= radius)


def replace_where(
    answer: ProbabilityArray, values: ProbabilityArray, cells: MaskArray, mask: MaskArray, inside: bool
) -> None:
    """Take over probabilities (h, w), in place, where an answer (H, W) lies in some cells (h, w) and a pixel around.

    Args:
        answer: to change.
        values: of all cells.
        cells: where they are taken over.
        mask: (H, W).
        inside: whether it is the mask's pixels that may change, or the others.
    """
    import cv2

    height, width = cells.shape
    if answer.size <= AT_ONCE:
        if cells.any():
            _replace_tile(answer, values, cells, mask, inside, (slice(0, height), slice(0, width)))
        return
    near = cv2.dilate(cells.view(np.uint8), np.ones((3, 3), np.uint8))
    tiles = np.logical_or.reduceat(near, range(0, height, TILE), axis=0)
    tiles = np.logical_or.reduceat(tiles, range(0, width, TILE), axis=1)
    for number, row in enumerate(tiles):
        down = slice(number * TILE, min((number + 1) * TILE, height))
        # Tiles beside each other are one.
        for first, last in np.flatnonzero(np.diff(row, prepend=False, append=False)).reshape(-1, 2).tolist():
            across = slice(first * TILE, min(last * TILE, width))
            _replace_tile(answer, values, cells, mask, inside, (down, across))


def _replace_tile(
    answer: ProbabilityArray,
    values: ProbabilityArray,
    cells: MaskArray,
    mask: MaskArray,
    inside: bool,
    tile: tuple[slice, slice],
) -> None:
    import cv2

    sides = list(zip(tile, cells.shape, answer.shape, strict=True))
    # Two cells around, so that what lies between the middles of cells is known.
    seen = tuple(slice(max(0, each.start - 2), min(small, each.stop + 2)) for each, small, _ in sides)
    (top, bottom), (left, right) = (_pixels(*side) for side in sides)
    wide = [_pixels(cut, small, full) for cut, (_, small, full) in zip(seen, sides, strict=True)]
    down, across = (slice(a - c, b - c) for (a, b), (c, _) in zip([(top, bottom), (left, right)], wide, strict=True))
    size = wide[1][1] - wide[1][0], wide[0][1] - wide[0][0]

    def enlarged(cut: NDArray[Any]) -> NDArray[Any]:
        whole = cv2.resize(np.ascontiguousarray(cut[seen]), size, interpolation=cv2.INTER_LINEAR)
        return np.asarray(whole)[down, across]

    here = answer[top:bottom, left:right]
    there = (enlarged(cells.view(np.uint8) * np.uint8(255)) > 0) & (mask[top:bottom, left:right] == inside)
    np.copyto(here, enlarged(values), where=there)


def _pixels(cells: slice, small: int, full: int) -> tuple[int, int]:
    """Where some cells of a side begin and end in pixels, to the nearest: half a pixel of a large image is little."""
    return round(cells.start * full / small), round(cells.stop * full / small)


def _shrunk(values: NDArray[Any], shape: tuple[int, int]) -> NDArray[np.float32]:
    """(h, w): about the means of an array (H, W) over cells."""
    import cv2

    height, width = shape
    finer = min(SAMPLES, values.shape[0] // height, values.shape[1] // width)
    if finer == SAMPLES:
        values = cv2.resize(values, (finer * width, finer * height), interpolation=cv2.INTER_NEAREST_EXACT)
    few = np.asarray(values, np.float32)
    if 2 <= finer < SAMPLES:
        # Linear, and then the mean of whole pixels: a fifth of the time of means of parts, within .07 of them.
        few = np.asarray(cv2.resize(few, (2 * width, 2 * height), interpolation=cv2.INTER_LINEAR), np.float32)
    return np.asarray(cv2.resize(few, (width, height), interpolation=cv2.INTER_AREA), np.float32)
