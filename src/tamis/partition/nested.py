"""One image cut into any number of regions: what belongs together by the answers to clicks.

The graph has a node for every superpixel and, between any two, their affinity: the mean of P(s in mask | click in r)
and P(r in mask | click in s). A partition into every number of regions comes of it at once, each a refinement of the
one before.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ImageArray
from tamis.clicks import center_click, grid_clicks
from tamis.errors import InputError
from tamis.mask import masks_from_labels
from tamis.mask.labels import label_areas
from tamis.partition.linkage import linked_levels
from tamis.partition.spectral import spectral_levels
from tamis.proposals.asking import in_batches
from tamis.proposals.certainty import certain_regions
from tamis.regions.clicks import CERTAIN
from tamis.regions.protocol import AnswersByRegion
from tamis.regions.superpixels import Superpixels, own_regions
from tamis.regions.tree import region_graph
from tamis.segmentors import EncodedImage

Method: TypeAlias = Callable[[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64], int], NDArray[np.uint16]]
"""Affinity (S, S), areas (S,), pairs (E, 2) that touch and the most regions M that are wanted → levels (M', S)."""

METHODS: Mapping[str, Method] = MappingProxyType({"linkage": linked_levels, "spectral": spectral_levels})
"""How a graph is cut, by the name that the command line uses."""

GRID = 24
"""Clicks per side that superpixels are made of where a segmentor has no regions of its own."""


@dataclass(frozen=True, eq=False)
class Partitions:
    """An image cut into 1, 2, 3 … regions.

    Attributes:
        superpixels: S pieces that every region is made of.
        levels: (M, S) uint16: levels[k - 1] is the region, 0 to k - 1, of each superpixel in the partition into k. From
            one level to the next one region is split in two: the larger part keeps the number, the other gets k - 1.
    """

    superpixels: Superpixels
    levels: NDArray[np.uint16]

    def labels(self, regions: int) -> NDArray[np.uint16]:
        """(H, W) uint16: the region of every pixel, 0 to `regions` - 1; every number occurs.

        Raises:
            InputError: there is no such partition; the message says how many regions are possible.
        """
        if not 1 <= regions <= len(self.levels):
            raise InputError(
                f"the image cannot be cut into {regions} regions: it has {len(self.superpixels)} superpixels, and "
                f"1 to {len(self.levels)} regions are possible"
            )
        return np.asarray(self.levels[regions - 1][self.superpixels.labels], np.uint16)


def partition(
    encoded: EncodedImage, image: ImageArray, method: Method = linked_levels, most: int | None = None
) -> Partitions:
    """Cut an image into every number of regions up to `most`.

    A segmentor that answers by region gives superpixels and affinity as they are; of any other they come of a grid of
    clicks, and of one click in every superpixel.

    Args:
        encoded: the image.
        image: (H, W, 3) uint8 RGB, the same.
        method: how the graph is cut.
        most: regions that will be asked for; as many as there are superpixels by default.
    """
    if isinstance(encoded, AnswersByRegion):
        superpixels, affinity = own_regions(encoded), region_affinity(encoded)
    else:
        superpixels = certain_regions(encoded, grid_clicks(GRID, encoded.shape), image)
        affinity = clicked_affinity(encoded, superpixels)
    count = len(superpixels)
    touching = region_graph(superpixels.labels.astype(np.uint16), np.zeros(superpixels.labels.shape)).edges
    wanted = count if most is None else min(most, count)
    return Partitions(superpixels, method(affinity, superpixels.areas, touching, wanted))


def region_affinity(encoded: AnswersByRegion) -> NDArray[np.float32]:
    """(S, S) float32 in [0, 1], symmetric: of the regions that have pixels, the mean of all but the finest answers.

    An object and the whole it belongs to make a hierarchy; the parts cut objects before their surroundings are parted.
    """
    present = np.flatnonzero(label_areas(encoded.fine_map))
    coarse = encoded.answers[1:] if len(encoded.answers) > 1 else encoded.answers
    answers = coarse[:, present[:, None], present].mean(axis=0, dtype=np.float32)
    return both_directions(answers / np.float32(CERTAIN))


def clicked_affinity(encoded: EncodedImage, superpixels: Superpixels) -> NDArray[np.float32]:
    """(S, S) float32 in [0, 1], symmetric: by a click in the middle of every superpixel, and means over the others."""
    import cv2

    masks, _ = masks_from_labels(superpixels.labels, background=None)
    clicks = [center_click(pixels).moved(columns.start, rows.start) for _, rows, columns, pixels in masks.crops()]
    answers = np.empty((len(superpixels), len(superpixels)), np.float32)
    height, width = encoded.shape
    row = 0
    for probabilities in in_batches(encoded, clicks):
        for probability in probabilities:
            full = cv2.resize(probability, (width, height), interpolation=cv2.INTER_LINEAR)
            answers[row] = np.bincount(superpixels.labels.ravel(), full.ravel()) / superpixels.areas
            row += 1
    return both_directions(np.clip(answers, 0, 1))


def both_directions(answers: NDArray[np.float32]) -> NDArray[np.float32]:
    """(S, S) the mean of P(s in mask | click in r), answers[r, s], and P(r in mask | click in s)."""
    return np.asarray((answers + answers.T) / 2, np.float32)
