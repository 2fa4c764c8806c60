"""The IoU of one mask with another, by which every evaluation, validation and simulation measures."""

import numpy as np

from tamis.arrays import MaskArray


def iou_of(prediction: MaskArray, wanted: MaskArray, valid: MaskArray | None = None) -> float:
    """The IoU of a prediction with what was wanted.

    Args:
        prediction: (H, W) bool.
        wanted: (H, W) bool, at least one pixel, all of them valid.
        valid: (H, W) bool, the pixels that count; None where all do.

    >>> iou_of(np.array([[True, True]]), np.array([[True, False]]))
    0.5
    """
    counted = prediction if valid is None else prediction & valid
    return float(np.count_nonzero(counted & wanted) / np.count_nonzero(counted | wanted))
