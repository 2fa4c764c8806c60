"""Correcting a mask by clicks on a matrix of answers by region: what a network is told, and what becomes of its answer.

The matrix answers one click at a time. A correction knows more: the mask so far, which is right almost everywhere, and
all clicks. Everything here is numpy, so that training and inference see the same. R is the number of regions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ImageArray, MaskArray
from tamis.clicks import Click, pixels_at
from tamis.regions.clicks import CERTAIN

Float32 = NDArray[np.float32]

TOKENS = 37
"""Numbers per region that a correction is made of."""

LAST = 26
"""The one of them that is 1 where the last click lies."""

FAR = np.float32(4)
"""Distances are cut here, in units of the mask's side."""

LEAST_SIDE = np.float32(0.03)
"""Of a mask, as a share of the image's side, when distances are measured by it."""

DEEPEST = 200.0
"""Pixels of the working size: no click is further from the border of the mask that it corrects."""


@dataclass(frozen=True, eq=False)
class CorrectionContext:
    """What does not depend on clicks: made once for an image.

    Attributes:
        region_map: (h, w) uint16, at the segmentor's own resolution.
        answers: (3, R, R) float32, P(region s in mask | click in region r), of a part, an object and a whole.
        colours: (R, 3) float32, mean colour from 0 to 1.
        features: (R, D) float32, what else the encoding knows of each region.
    """

    region_map: NDArray[np.uint16]
    answers: Float32
    colours: Float32
    features: Float32

    @classmethod
    def of(
        cls, image: ImageArray, region_map: NDArray[np.uint16], answers: NDArray[np.uint8], features: Float32
    ) -> "CorrectionContext":
        """From an image (H, W, 3) uint8 of any size, its regions, the bytes of its answers and its features (R, D)."""
        import cv2

        height, width = region_map.shape
        small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        flat, count = region_map.ravel(), answers.shape[1]
        sizes = np.maximum(np.bincount(flat, minlength=count), 1)
        sums = [np.bincount(flat, small[:, :, channel].ravel(), count) for channel in range(3)]
        colours = np.stack(sums, axis=1) / (sizes[:, None] * 255)
        told = answers.astype(np.float32, order="C") / np.float32(CERTAIN)
        return cls(region_map, told, colours.astype(np.float32), features.astype(np.float32))

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """(R,) pixels of each region, at least 1."""
        return np.maximum(np.bincount(self.region_map.ravel(), minlength=self.answers.shape[1]), 1)

    @cached_property
    def areas(self) -> Float32:
        """(R,) shares of the image."""
        return np.asarray(self.sizes / self.sizes.sum(), np.float32)

    @cached_property
    def centres(self) -> Float32:
        """(R, 2) x and y of the regions' middles, as shares of the image's longer side."""
        height, width = self.region_map.shape
        rows, columns = np.indices((height, width), dtype=np.float32) + np.float32(0.5)
        flat, count = self.region_map.ravel(), self.answers.shape[1]
        sums = [np.bincount(flat, each.ravel(), count) for each in (columns, rows)]
        return np.asarray(np.stack(sums, axis=1) / (self.sizes[:, None] * max(height, width)), np.float32)

    @cached_property
    def neighbours(self) -> Float32:
        """(R, R): of the border of each region, the share that it has with each other."""
        labels, count = self.region_map.astype(np.int64), self.answers.shape[1]
        here = np.concatenate([labels[:, :-1].ravel(), labels[:-1].ravel()])
        there = np.concatenate([labels[:, 1:].ravel(), labels[1:].ravel()])
        apart = here != there
        pairs = np.concatenate([(here * count + there)[apart], (there * count + here)[apart]])
        shared = np.bincount(pairs, minlength=count * count).reshape(count, count)
        return np.asarray(shared / np.maximum(shared.sum(axis=1, keepdims=True), 1), np.float32)

    @cached_property
    def adjacent(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Pairs of regions that share a border, each twice."""
        first, second = np.nonzero(self.neighbours)
        return first, second

    @cached_property
    def depths(self) -> Float32:
        """(h, w): how far each pixel is from the nearest of another region, in pixels."""
        import cv2

        border = np.zeros(self.region_map.shape, bool)
        across, down = self.region_map[:, 1:] != self.region_map[:, :-1], self.region_map[1:] != self.region_map[:-1]
        border[:, 1:] |= across
        border[:, :-1] |= across
        border[1:] |= down
        border[:-1] |= down
        inside = np.where(border, 0, 1).astype(np.uint8)
        return np.asarray(cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE) + 1, np.float32)

    @cached_property
    def deepest(self) -> Float32:
        """(R,) the largest depth in each region."""
        found = np.ones(self.answers.shape[1], np.float32)
        np.maximum.at(found, self.region_map.ravel(), self.depths.ravel())
        return found

    def depths_at(self, clicks: Sequence[Click], shape: tuple[int, int]) -> Float32:
        """(N,) of clicks in an image of (height, width)."""
        rows, columns = pixels_at(clicks, shape, (self.region_map.shape[0], self.region_map.shape[1]))
        return np.asarray(self.depths[rows, columns])

    def reduced(self, mask: MaskArray) -> MaskArray:
        """(h, w) of a mask (H, W) bool of any size."""
        import cv2

        height, width = self.region_map.shape
        small = cv2.resize(mask.view(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
        return np.asarray(small).view(np.bool_)

    def shares(self, mask: MaskArray) -> Float32:
        """(R,) the share of each region in a mask (h, w) bool."""
        inside = np.bincount(self.region_map.ravel(), mask.ravel(), self.answers.shape[1])
        return np.asarray(inside / self.sizes, np.float32)

    def shares_around(self, pixel: tuple[int, int], radius: float) -> Float32:
        """(R,) the share of each region in a disc around a pixel (row, column)."""
        (row, column), reach = pixel, int(radius)
        top, left = max(0, row - reach), max(0, column - reach)
        part = self.region_map[top : row + reach + 1, left : column + reach + 1]
        rows, columns = np.ogrid[: part.shape[0], : part.shape[1]]
        near = (rows + top - row) ** 2 + (columns + left - column) ** 2 <= radius**2
        return np.asarray(np.bincount(part[near], minlength=len(self.sizes)) / self.sizes, np.float32)


def error_depth(mask: MaskArray, click: Click, pixel: tuple[int, int]) -> float:
    """How far a click lies from the nearest pixel that is as it says already, in pixels; from 1 to `DEEPEST`.

    Who clicks in the middle of an error says by it how large the error is: hardly larger all around than that.

    Args:
        mask: (h, w), to be corrected.
        click: which corrects it.
        pixel: (row, column) of it in the mask.
    """
    rows, columns = np.ogrid[: mask.shape[0], : mask.shape[1]]
    squared = (rows - pixel[0]) ** 2 + (columns - pixel[1]) ** 2
    nearest = squared[mask == click.positive].min(initial=int(DEEPEST**2))
    return float(np.sqrt(max(1, nearest)))


def correction_tokens(
    context: CorrectionContext,
    mask: MaskArray,
    shares: Float32,
    clicked: NDArray[np.intp],
    clicks: Sequence[Click],
    shape: tuple[int, int],
) -> Float32:
    """(R, TOKENS) float32: what is said of each region before a correction.

    How deep a click lies in its region says whether all of the region is meant: who clicks near its border means a part
    of it, or more than it. How far it lies from the mask's border says how much is wrong.

    Args:
        context: of the image.
        mask: (h, w), the mask so far.
        shares: (R,) of the regions in it.
        clicked: (N,) the regions of the clicks.
        clicks: N of them, at least one; the last one is new.
        shape: (height, width) of the image that the clicks are in, in pixels.
    """
    answers, areas, middle = context.answers, context.areas, context.answers[len(context.answers) // 2]
    count, last = len(areas), clicked[-1]
    positive = np.array([click.positive for click in clicks])
    inside, outside = shares * areas, (1 - shares) * areas
    total = max(float(inside.sum()), 1e-6)
    scale = max(float(np.sqrt(total)), float(LEAST_SIDE))
    places = np.array([(click.x, click.y) for click in clicks], np.float32) / np.float32(max(shape))
    offsets = (context.centres[:, None] - places) / np.float32(scale)
    distances = np.sqrt(np.square(offsets).sum(axis=2))
    marks = np.zeros((3, count), np.float32)
    depth = context.depths_at(clicks, shape) / context.deepest[clicked]
    for sign, mark in ((positive, marks[0]), (~positive, marks[1])):
        np.maximum.at(mark, clicked[sign], np.minimum(depth[sign], 1))
    marks[2, last] = 1
    rows, steps = pixels_at(clicks[-1:], shape, (mask.shape[0], mask.shape[1]))
    pixel = int(rows[0]), int(steps[0])
    wrong = error_depth(mask, clicks[-1], pixel)
    columns = [
        2 * shares - 1,
        4 * shares * (1 - shares),
        *(2 * _largest(answers, clicked[positive]) - 1),
        *(2 * _largest(answers, clicked[~positive]) - 1),
        np.full(count, 1.0 if positive[-1] else -1.0),
        *(2 * answers[:, last] - 1),
        2 * middle[:, last] - 1,
        2 * _largest(middle.T[None], clicked[positive])[0] - 1,
        2 * _largest(middle.T[None], clicked[~positive])[0] - 1,
        2 * (middle @ inside) / np.float32(total) - 1,
        2 * (middle @ outside) / np.float32(max(float(outside.sum()), 1e-6)) - 1,
        2 * (inside @ middle) / np.float32(total) - 1,
        np.log(areas) * 0.5 + 3.5,
        *np.clip(offsets[:, -1].T, -FAR, FAR),
        np.minimum(distances[:, -1], FAR) - 1,
        _nearest(distances[:, positive]) - 1,
        _nearest(distances[:, ~positive]) - 1,
        *marks,
        *(2 * context.colours.T - 1),
        np.sqrt(np.square(context.colours - context.colours[last]).sum(axis=1)) * 4 - 1,
        np.full(count, np.log(len(clicks)) - 1),
        np.full(count, np.log(wrong) / 2 - 1),
        np.full(count, np.log(wrong / (scale * max(mask.shape))) / 2 + 1),
        2 * context.shares_around(pixel, wrong) - 1,
        2 * context.shares_around(pixel, 2 * wrong + 1) - 1,
        np.log(context.deepest / np.float32(wrong)) / 2,
    ]
    return np.asarray(np.stack(columns, axis=1), np.float32)


def _largest(answers: Float32, clicked: NDArray[np.intp]) -> Float32:
    """(G, R): the largest answer to any of some clicks, 0 where there are none; `answers` is (G, R, R)."""
    if not len(clicked):
        return np.zeros((len(answers), answers.shape[2]), np.float32)
    return np.asarray(answers[:, clicked].max(axis=1))


def _nearest(distances: Float32) -> Float32:
    """(R,) of distances (R, N), `FAR` where there are none."""
    return np.asarray(distances.min(axis=1, initial=FAR), np.float32)
