"""Names for the arrays that travel through tamis; shapes are (height, width) unless said."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

ImageArray: TypeAlias = NDArray[np.uint8]
"""(H, W, 3) uint8, RGB, upright."""

MaskArray: TypeAlias = NDArray[np.bool_]
"""(H, W) bool, True inside the mask."""

LabelArray: TypeAlias = NDArray[np.integer]
"""(H, W) integers, one value per region."""

ProbabilityArray: TypeAlias = NDArray[np.float32]
"""(H, W) or (N, h, w) float32 in [0, 1]: P(pixel in mask | click)."""
