"""Superpixels: an image cut into small pieces that masks and partitions are made of.

`own_regions` are those that a segmentor answers by; SLIC and Felzenszwalb's, which know no clicks, are there to be
compared with. `tamis.proposals.certainty` makes some of the answers of any segmentor.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ImageArray, LabelArray
from tamis.mask import boundaries
from tamis.mask.labels import label_areas
from tamis.regions.protocol import AnswersByRegion


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
        return label_areas(self.labels)

    def __len__(self) -> int:
        return len(self.areas)


def from_labels(labels: LabelArray) -> Superpixels:
    """Superpixels numbered without gaps, in the order of the labels given.

    Args:
        labels: (H, W) integers.
    """
    _, numbered = np.unique(labels, return_inverse=True)
    return Superpixels(numbered.reshape(labels.shape).astype(np.int32))


def own_regions(encoded: AnswersByRegion) -> Superpixels:
    """The regions that an image is answered by, as fine as the original; those without a pixel there are left out."""
    return from_labels(encoded.fine_map)


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
    found = cv2.dilate(boundaries(superpixels.labels).view(np.uint8), np.ones((side, side), np.uint8)) > 0
    wanted = boundaries(truth)
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
