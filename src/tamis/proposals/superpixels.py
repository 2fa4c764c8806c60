"""Superpixels: an image cut into small pieces that masks and partitions are made of.

`own_regions` are those that a segmentor answers by; `certain_regions` come from the answers of any segmentor; SLIC and
Felzenszwalb's, which know no clicks, are there to be compared with.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ImageArray, LabelArray
from tamis.clicks import Click
from tamis.errors import InputError
from tamis.proposals.asking import in_batches
from tamis.segmentors import EncodedImage
from tamis.segmentors.by_region import EncodedRegions


@dataclass(frozen=True, eq=False)
class Superpixels:
    """A cover of an image by pieces that do not overlap.

    Attributes:
        labels: (H, W) int32, the piece of every pixel, numbered 0 to S - 1; every number occurs.
    """

    labels: NDArray[np.int32]

    @cached_property
    def areas(self) -> NDArray[np.int64]:
        """(S,) int64: pixels of each piece."""
        return np.bincount(self.labels.ravel())

    def __len__(self) -> int:
        return len(self.areas)


def from_labels(labels: LabelArray) -> Superpixels:
    """Superpixels numbered without gaps, in the order of the labels given.

    Args:
        labels: (H, W) integers.
    """
    _, numbered = np.unique(labels, return_inverse=True)
    return Superpixels(numbered.reshape(labels.shape).astype(np.int32))


def own_regions(encoded: EncodedRegions) -> Superpixels:
    """The regions that an image is answered by, as fine as the original; those without a pixel there are left out."""
    return from_labels(encoded.fine_map)


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

    from tamis.segmentors.region_borders import refined_regions

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


def slic(image: ImageArray, pieces: int) -> Superpixels:
    """Achanta et al., "SLIC superpixels", PAMI 2012, by scikit-image.

    Args:
        image: (H, W, 3) uint8 RGB.
        pieces: about how many.
    """
    from skimage.segmentation import slic as by_slic

    return from_labels(by_slic(image, n_segments=pieces, compactness=10, start_label=0))


def felzenszwalb(image: ImageArray, scale: float, min_size: int = 20) -> Superpixels:
    """Felzenszwalb and Huttenlocher, "Efficient graph-based image segmentation", IJCV 2004, by scikit-image.

    Args:
        image: (H, W, 3) uint8 RGB.
        scale: larger makes larger pieces.
        min_size: of a piece, in pixels.
    """
    from skimage.segmentation import felzenszwalb as by_graph

    return from_labels(by_graph(image, scale=scale, sigma=0.6, min_size=min_size))


def boundary_recall(superpixels: Superpixels, truth: LabelArray, tolerance: int = 2) -> float:
    """The share of true boundary pixels with a boundary of the superpixels at most `tolerance` pixels away.

    A pixel is on a boundary if its right or lower neighbour has another label; distances are those of the chessboard
    (Stutz, Hermans, Leibe, "Superpixels: an evaluation of the state of the art", CVIU 2018).

    Args:
        superpixels: of the image.
        truth: (H, W) integers, one label per true region.
        tolerance: in pixels.
    """
    import cv2

    side = 2 * tolerance + 1
    found = cv2.dilate(_boundaries(superpixels.labels).view(np.uint8), np.ones((side, side), np.uint8)) > 0
    wanted = _boundaries(truth)
    return float(found[wanted].mean()) if wanted.any() else 1.0


def achievable_accuracy(superpixels: Superpixels, truth: LabelArray) -> float:
    """Achievable segmentation accuracy: the share of right pixels if every superpixel took its best true region.

    Liu et al., "Entropy rate superpixel segmentation", CVPR 2011.

    Args:
        superpixels: of the image.
        truth: (H, W) integers, one label per true region.
    """
    regions = from_labels(truth)
    pairs = np.bincount(superpixels.labels.ravel() * np.int64(len(regions)) + regions.labels.ravel())
    table = np.zeros(len(superpixels) * len(regions), np.int64)
    table[: len(pairs)] = pairs
    return float(table.reshape(len(superpixels), -1).max(axis=1).sum() / truth.size)


def _boundaries(labels: LabelArray) -> NDArray[np.bool_]:
    edge = np.zeros(labels.shape, dtype=bool)
    edge[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    edge[:-1] |= labels[:-1] != labels[1:]
    return edge


def _absorbed(parts: Superpixels, smallest: float) -> NDArray[np.int32]:
    """Labels in which every part smaller than `smallest` pixels has that of the nearest pixel of a larger one."""
    from scipy.ndimage import distance_transform_edt

    small = (parts.areas < smallest)[parts.labels]
    if not small.any() or small.all():
        return parts.labels
    rows, columns = distance_transform_edt(small, return_distances=False, return_indices=True)
    return np.asarray(parts.labels[rows, columns], np.int32)
