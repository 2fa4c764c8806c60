"""The working size of the model in the box, and the regions it works on."""

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ImageArray
from tamis.segmentors.region_tree import oversegment

WORKING_SIZE = 384
"""Pixels on the long side of the image that the networks see."""

MOST_REGIONS = 1500
"""More make the matrix of all pairs slow: noise is cut into larger regions."""


def working_shape(shape: tuple[int, int], size: int = WORKING_SIZE) -> tuple[int, int]:
    """(height, width) near `size` pixels on the long side, both multiples of 32.

    >>> working_shape((480, 640), 384)
    (288, 384)
    """
    ratio = size / max(shape)
    height, width = (max(32, round(side * ratio / 32) * 32) for side in shape)
    return height, width


def small_regions(image: ImageArray) -> NDArray[np.uint16]:
    """(h, w) uint16: some 800 regions of an image of (h, w, 3) at the working size, never more than `MOST_REGIONS`."""
    least = 24
    while True:
        region_map = oversegment(image, scale=20, sigma=0.8, min_size=least)
        if int(region_map.max()) < MOST_REGIONS:
            return region_map
        least = least * 3 // 2
