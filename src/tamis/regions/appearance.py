"""What the regions of an image look like, so that those of one image are found again in others."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tamis.regions.protocol import AnswersByRegion

Float32 = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Appearance:
    """An encoded image and what its R regions look like: descriptors whose inner product is a cosine.

    Attributes:
        encoded: its regions and answers.
        parts: (R, P) float32, of unit length, that tell parts of things apart.
        things: (R, T) float32, of unit length, that tell things apart.
        areas: (R,) float32, shares of the image that sum to 1.
    """

    encoded: AnswersByRegion
    parts: Float32
    things: Float32
    areas: Float32


def appearance_by_descriptors(encoded: AnswersByRegion) -> Appearance:
    """The appearance that a model's own descriptors give, brought to unit length, for parts and things alike."""
    vectors = unit(encoded.descriptors)
    counts = np.bincount(encoded.region_map.ravel(), minlength=len(vectors))
    return Appearance(encoded, vectors, vectors, (counts / encoded.region_map.size).astype(np.float32))


def unit(vectors: NDArray[np.floating]) -> Float32:
    """(N, D) float32 of length 1; zeros stay zeros."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)
