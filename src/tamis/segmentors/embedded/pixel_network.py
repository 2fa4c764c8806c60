"""The network over pixels: what it is fed and what it gives."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ImageArray
from tamis.odds import sigmoid
from tamis.regions.features import PixelMaps
from tamis.segmentors.embedded.weights import session

PIXEL_MAPS = ("boundary", "embedding", "bias", "features", "edges")
DEEP_MAPS = ("deep16", "deep32")
"""Outputs of the network over pixels: what regions are made with, and what they are compared with across images."""


def pixel_maps(image: ImageArray) -> PixelMaps:
    """Run the network over pixels for what regions are made with; the image is (h, w, 3) uint8 RGB, as below."""
    return as_pixel_maps(pixel_network(image, PIXEL_MAPS))


def pixel_network(image: ImageArray, wanted: tuple[str, ...]) -> list[NDArray[np.float32]]:
    """Run the network over pixels; each output is (channels, height, width) float32.

    Args:
        image: (h, w, 3) uint8 RGB, sides multiples of 32.
        wanted: names of outputs; what is not asked for is not brought out.
    """
    pixels = np.ascontiguousarray(image.transpose(2, 0, 1)[None], dtype=np.float32) / np.float32(255)
    return [output[0] for output in session("pixels").run(list(wanted), {"image": pixels})]


def as_pixel_maps(outputs: list[NDArray[np.float32]]) -> PixelMaps:
    """The first outputs of `pixel_network`, in the order of `PIXEL_MAPS`."""
    boundary, embedding, bias, features, edges = outputs[: len(PIXEL_MAPS)]
    return PixelMaps(boundary[0], embedding, bias[0], features, edges[0])


def edge_strength(logits: NDArray[np.float32], shape: Sequence[int]) -> NDArray[np.float32]:
    """(H, W) float32 in [0, 1]: how surely an edge passes each pixel of an image (H, W), from coarser logits (h, w)."""
    import cv2

    full = cv2.resize(sigmoid(logits), (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    return np.asarray(full.clip(0, 1), np.float32)
