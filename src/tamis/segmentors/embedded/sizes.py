"""The working size of the model in the box."""

import numpy as np

from tamis.arrays import ImageArray

WORKING_SIZE = 384
"""Pixels on the long side of the image that the networks see."""


def working_shape(shape: tuple[int, int], size: int = WORKING_SIZE) -> tuple[int, int]:
    """(height, width) near `size` pixels on the long side, both multiples of 32.

    >>> working_shape((480, 640), 384)
    (288, 384)
    """
    ratio = size / max(shape)
    height, width = (max(32, round(side * ratio / 32) * 32) for side in shape)
    return height, width


def at_working_size(image: ImageArray, size: int = WORKING_SIZE) -> ImageArray:
    """An image (H, W, 3) uint8 at its `working_shape`."""
    import cv2

    height, width = working_shape((image.shape[0], image.shape[1]), size)
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
