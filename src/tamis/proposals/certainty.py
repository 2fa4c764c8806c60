"""Superpixels of the answers of any segmentor: where the same click is the most certain one."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ImageArray
from tamis.clicks import Click
from tamis.errors import InputError
from tamis.proposals.asking import in_batches
from tamis.regions.borders import refined_regions
from tamis.regions.superpixels import Superpixels, from_labels
from tamis.segmentors import EncodedImage


def certain_regions(
    encoded: EncodedImage, clicks: Sequence[Click], image: ImageArray, min_area: int = 64
) -> Superpixels:
    """Connected pieces in which the same click is the most certain one.

    Every pixel goes to the click with the largest P(pixel in mask | click), of equals the first; the connected parts of
    that map are the superpixels, and parts smaller than `min_area` are given to the nearest larger one.

    Args:
        encoded: the image, of (H, W).
        clicks: at least one, a grid of them as a rule.
        image: (H, W, 3) uint8 RGB, whose colours place the borders at full resolution.
        min_area: in pixels of the original image.

    Raises:
        InputError: there is no click.
    """
    from skimage.measure import label

    if not clicks:
        raise InputError("superpixels of clicks need at least one click")
    best, surest = None, None
    number = 0
    for probabilities in in_batches(encoded, clicks):
        for probability in probabilities:
            if best is None or surest is None:
                best, surest = probability.copy(), np.zeros(probability.shape, np.int32)
            else:
                better = probability > best
                best[better] = probability[better]
                surest[better] = number
            number += 1
    assert surest is not None  # there is at least one click
    parts = from_labels(label(surest, background=-1, connectivity=1))  # type: ignore[no-untyped-call]
    smallest = min_area * parts.labels.size / (encoded.shape[0] * encoded.shape[1])
    whole = from_labels(_absorbed(parts, smallest)).labels
    return from_labels(refined_regions(image, whole.astype(np.uint16)))


def _absorbed(parts: Superpixels, smallest: float) -> NDArray[np.int32]:
    """Labels in which every part smaller than `smallest` pixels has that of the nearest pixel of a larger one."""
    from scipy.ndimage import distance_transform_edt

    small = (parts.areas < smallest)[parts.labels]
    if not small.any() or small.all():
        return parts.labels
    rows, columns = distance_transform_edt(small, return_distances=False, return_indices=True)
    return np.asarray(parts.labels[rows, columns], np.int32)
