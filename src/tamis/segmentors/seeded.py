"""Classical segmentors that solve anew for every set of clicks: GrabCut and the random walker.

Neither answers softly enough to be combined click by click, so all clicks together are the seeds of one solution.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tamis import combine
from tamis.arrays import ImageArray, ProbabilityArray
from tamis.clicks import Click, pixels_at
from tamis.errors import InputError
from tamis.image import require_rgb, resize_to_fit

GRABCUT_SIZE = 256
"""Pixels on the long side: on a photograph at its own size a cut takes seconds."""

WALKER_SIZE = 192
"""Pixels on the long side: the walker's linear system is solved exactly, which is quick only when it is small."""

NEAR = 0.25
"""How far from a positive click GrabCut first expects the object to reach, as a share of the image's shorter side."""


@dataclass(frozen=True)
class GrabCut:
    """The segmentor `grabcut`: colour mixtures of object and background with a graph cut.

    Rother et al., "GrabCut: interactive foreground extraction using iterated graph cuts", SIGGRAPH 2004.
    """

    name: str = "grabcut"

    def encode(self, image: ImageArray) -> "SeededImage":
        """Shrink the image; all the work is done when clicks are known."""
        image = require_rgb(image)
        return SeededImage(image.shape[:2], resize_to_fit(image, GRABCUT_SIZE), _grab_cut)


@dataclass(frozen=True)
class RandomWalker:
    """The segmentor `random-walker`: the probability that a walker from a pixel meets a positive seed first.

    Grady, "Random walks for image segmentation", PAMI 2006. The image's border is a negative seed.
    """

    name: str = "random-walker"

    def encode(self, image: ImageArray) -> "SeededImage":
        """Shrink the image; all the work is done when clicks are known."""
        image = require_rgb(image)
        return SeededImage(image.shape[:2], resize_to_fit(image, WALKER_SIZE), _random_walk)


@dataclass(frozen=True)
class SeededImage:
    """An image that is solved for every set of clicks; satisfies `EncodedImage`.

    Attributes:
        shape: (height, width) of the original image.
        small: (h, w, 3) uint8, the image at the working size.
        solve: solve(small, seeds) → (h, w) float32, where seeds is (h, w) int8: 1 at and around positive clicks, -1 at
            negative ones, 0 elsewhere.
    """

    shape: tuple[int, int]
    small: ImageArray
    solve: Callable[[ImageArray, NDArray[np.int8]], ProbabilityArray]

    def probability(self, clicks: Sequence[Click]) -> ProbabilityArray:
        """(H, W) float32: one solution with all clicks as seeds, at the original size."""
        import cv2

        if not clicks:
            raise InputError("give at least one click: without one there is nothing to segment")
        answer = self.solve(self.small, self._seeds(clicks))
        height, width = self.shape
        full = cv2.resize(answer, (width, height), interpolation=cv2.INTER_LINEAR)
        return combine.honour(np.asarray(full, dtype=np.float32), clicks)

    def probabilities(self, clicks: Sequence[Click]) -> ProbabilityArray:
        """(N, h, w) float32: each click alone, at the working size."""
        answers = np.empty((len(clicks), *self.small.shape[:2]), dtype=np.float32)
        for answer, click in zip(answers, clicks, strict=True):
            answer[:] = self.solve(self.small, self._seeds([click]))
        return answers

    def _seeds(self, clicks: Sequence[Click]) -> NDArray[np.int8]:
        import cv2

        seeds = np.zeros(self.small.shape[:2], dtype=np.int8)
        rows, columns = pixels_at(clicks, self.shape, self.small.shape[:2])
        for row, column, click in zip(rows, columns, clicks, strict=True):
            value = 1 if click.positive else 255
            cv2.circle(seeds.view(np.uint8), (int(column), int(row)), 2, value, thickness=-1)
        return seeds


def _grab_cut(image: ImageArray, seeds: NDArray[np.int8]) -> ProbabilityArray:
    """(h, w) float32: .9 in the object and .1 outside, for a hard cut does not know its doubts."""
    import cv2

    if not (seeds > 0).any():
        return np.full(seeds.shape, 0.1, dtype=np.float32)
    away = cv2.distanceTransform((seeds <= 0).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    trimap = np.where(away < NEAR * min(seeds.shape), cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    trimap[seeds > 0] = cv2.GC_FGD
    trimap[seeds < 0] = cv2.GC_BGD
    if not ((trimap == cv2.GC_BGD) | (trimap == cv2.GC_PR_BGD)).any():
        return np.full(seeds.shape, 0.9, dtype=np.float32)
    cv2.setRNGSeed(0)  # k-means starts the mixtures: the same clicks must give the same mask
    cv2.grabCut(image, trimap, (0, 0, 1, 1), np.zeros((1, 65)), np.zeros((1, 65)), 3, cv2.GC_INIT_WITH_MASK)
    inside = (trimap == cv2.GC_FGD) | (trimap == cv2.GC_PR_FGD)
    return np.where(inside, np.float32(0.9), np.float32(0.1))


def _random_walk(image: ImageArray, seeds: NDArray[np.int8]) -> ProbabilityArray:
    from skimage.segmentation import random_walker

    labels = np.zeros(seeds.shape, dtype=np.int64)
    labels[[0, -1], :] = labels[:, [0, -1]] = 2
    labels[seeds > 0] = 1
    labels[seeds < 0] = 2
    if not ((labels == 1).any() and (labels == 0).any()):
        return np.asarray(labels == 1, dtype=np.float32)
    colours = image / 255
    colours[0, 0] += 1e-6  # skimage divides by the deviation, which in a flat image is 0
    answer = random_walker(colours, labels, beta=300, mode="bf", return_full_prob=True, channel_axis=2)
    return np.asarray(answer[0], dtype=np.float32)
