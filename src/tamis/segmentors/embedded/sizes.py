"""The working size of the model in the box."""

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
