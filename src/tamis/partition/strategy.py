"""A partition as a way to find the masks of a whole image: no overlaps, every pixel in one."""

from dataclasses import dataclass

import numpy as np

from tamis.arrays import ImageArray
from tamis.errors import InputError
from tamis.mask import masks_from_labels
from tamis.partition.nested import partition
from tamis.proposals.collection import Proposals
from tamis.segmentors import EncodedImage


@dataclass(frozen=True)
class Partition:
    """The image cut into regions, the largest first.

    Attributes:
        regions: how many; an image with fewer superpixels is cut into those.
    """

    regions: int

    def __post_init__(self) -> None:
        if self.regions < 1:
            raise InputError(f"an image is cut into at least 1 region, not {self.regions}")


def find_by_partition(image: ImageArray, encoded: EncodedImage, strategy: Partition) -> Proposals:
    """The regions of a partition; their scores are 1, for every pixel belongs to one, and no click made them.

    Args:
        image: (H, W, 3) uint8 RGB.
        encoded: the same, encoded.
        strategy: into how many.
    """
    cut = partition(encoded, image, most=strategy.regions)
    masks, _ = masks_from_labels(cut.labels(len(cut.levels)), background=None)
    masks = masks[np.argsort(-masks.areas, kind="stable")]
    return Proposals(masks, np.ones(len(masks), np.float32), [])
