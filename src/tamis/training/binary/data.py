"""Images and the one mask of their concept, as a network of pixels wants them."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from tamis.arrays import ImageArray, MaskArray
from tamis.datasets.protocol import Sample

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet, which torchvision's weights have seen."""


def read(sample: Sample) -> tuple[ImageArray, MaskArray]:
    """An image (H, W, 3) and all its masks together (H, W), without what is ignored.

    Raises:
        InputError: a file cannot be read.
    """
    image = sample.image()
    wanted = np.zeros(image.shape[:2], bool)
    for target in sample.targets():
        wanted |= target.mask if target.valid is None else target.mask & target.valid
    return image, wanted


def tensor_of(image: ImageArray) -> Tensor:
    """(3, H, W) float32, normalised."""
    scaled = (image.astype(np.float32) / 255 - np.asarray(MEAN, np.float32)) / np.asarray(STD, np.float32)
    return torch.from_numpy(np.ascontiguousarray(scaled.transpose(2, 0, 1)))


def squared(image: ImageArray, mask: MaskArray, size: int) -> tuple[Tensor, Tensor]:
    """An image (3, size, size) and its mask (1, size, size), both float32, squashed into a square."""
    import cv2

    small = cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)
    inside = cv2.resize(mask.astype(np.uint8), (size, size), interpolation=cv2.INTER_NEAREST_EXACT)
    return tensor_of(np.asarray(small)), torch.from_numpy(inside.astype(np.float32))[None]


def batches(
    samples: Sequence[Sample], size: int, batch: int, rng: np.random.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """The images in another order each time, `batch` of them at once; those that are left over are dropped."""
    order = rng.permutation(len(samples))
    for first in range(0, len(order) - batch + 1, batch):
        pairs = [squared(*read(samples[number]), size) for number in order[first : first + batch]]
        yield torch.stack([image for image, _ in pairs]), torch.stack([mask for _, mask in pairs])
