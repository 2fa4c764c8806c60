"""The default of the classical family: a hierarchy of regions that answers all clicks at once.

An image is cut into some hundred regions, which are merged in order of how alike they are; `tamis.regions.colour_tree`
says what their tree makes of a click.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ImageArray
from tamis.image import require_rgb, resize_to_fit
from tamis.regions.clicks import as_bytes
from tamis.regions.colour_tree import colour_tree, node_mass
from tamis.regions.encoded import EncodedRegions, expected_ratings
from tamis.regions.tree import MergeTree, lowest_common_node, oversegment

WORKING_SIZE = 512
"""Pixels on the long side; near the size of the photographs that the numbers below were fitted on."""


@dataclass(frozen=True)
class Hierarchy:
    """The segmentor `hierarchy`."""

    name: str = "hierarchy"

    @property
    def encoding_version(self) -> str:
        """What decides an encoding; the number grows with every change of how it is made."""
        return "1"

    def from_arrays(self, image: ImageArray, arrays: Mapping[str, NDArray[Any]]) -> EncodedRegions:
        """The encoded image whose `arrays()` these are."""
        return EncodedRegions.from_arrays(image, arrays)

    def encode(self, image: ImageArray) -> EncodedRegions:
        """Build the tree and the matrix of all answers.

        Args:
            image: (H, W, 3) uint8 RGB.

        Raises:
            InputError: the array is no such image.
        """
        region_map, tree, areas, looks = build_tree(require_rgb(image))
        common, mass = lowest_common_node(tree), node_mass(tree, areas)
        answers = mass[common] / mass[: tree.leaves, None]
        told = as_bytes(answers[None].astype(np.float32))
        return EncodedRegions(image, region_map, told, looks, expected_ratings(told, areas))


def build_tree(
    image: ImageArray,
) -> tuple[NDArray[np.uint16], MergeTree, NDArray[np.float64], NDArray[np.float32]]:
    """Cut an image into regions (h, w), and merge them: what `colour_tree` gives comes after the regions."""
    small = resize_to_fit(image, WORKING_SIZE)
    region_map = oversegment(small, min_size=60)
    return region_map, *colour_tree(small, region_map)
