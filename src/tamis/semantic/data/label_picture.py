"""Label maps as pictures."""

import numpy as np

from tamis.arrays import ImageArray
from tamis.semantic.data.class_tables import Palette
from tamis.semantic.data.dataset import Pixels

IGNORED_COLOUR = (70, 70, 70)


def coloured_labels(label: Pixels, palette: Palette) -> ImageArray:
    """A label map with a colour for each class, and ignored pixels dark grey.

    Args:
        label: (H, W) uint8 class indices, 255 where ignored.
        palette: (C, 3) uint8 RGB.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    colours = np.full((256, 3), IGNORED_COLOUR, np.uint8)
    colours[: len(palette)] = palette
    return colours[label]
