"""Masks made of whole superpixels: borders where the image has them, and the best that such masks could be."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ImageArray
from tamis.clicks import grid_clicks
from tamis.mask import Masks, intersections, masks_from_labels, masks_from_unions
from tamis.proposals.certainty import certain_regions
from tamis.regions.protocol import AnswersByRegion
from tamis.regions.superpixels import Superpixels, felzenszwalb, own_regions, slic
from tamis.segmentors import EncodedImage

PIECES = 800
"""About how many superpixels the classics make of an image."""


def refined(masks: Masks, superpixels: Superpixels, share: float = 0.5) -> Masks:
    """Every mask as the union of the superpixels of which it covers more than `share`; empty if it covers none.

    Args:
        masks: N, of the size of the superpixels.
        superpixels: of the image.
        share: of a superpixel's pixels.
    """
    covered = covers(superpixels, masks).T / superpixels.areas > share
    return masks_from_unions(superpixels.labels, covered)


def covers(superpixels: Superpixels, masks: Masks) -> NDArray[np.int64]:
    """(S, N) int64: pixels that each superpixel shares with each mask."""
    pieces, _ = masks_from_labels(superpixels.labels, background=None)
    return intersections(pieces, masks)


def best_union_iou(
    shared: NDArray[np.int64], areas: NDArray[np.int64], target_areas: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The IoU of the best union of superpixels with each target: no mask of superpixels can do better.

    An IoU is a ratio of two sums over superpixels, so the best union holds exactly those of which more than some share
    lies in the target (Dinkelbach, "On nonlinear fractional programming", 1967): only prefixes of that order are tried.

    Args:
        shared: (S, T) pixels of each superpixel in each target.
        areas: (S,) pixels of each superpixel that count.
        target_areas: (T,) pixels of each target.

    Returns:
        (T,) float64.
    """
    order = np.argsort(-(shared / np.maximum(areas, 1)[:, None]), axis=0, kind="stable")
    inside = np.cumsum(np.take_along_axis(shared, order, axis=0), axis=0)
    taken = np.cumsum(areas[order], axis=0)
    return np.asarray((inside / np.maximum(taken + target_areas - inside, 1)).max(axis=0, initial=0.0))


def pieces_of_the_segmentor(encoded: EncodedImage, image: ImageArray) -> Superpixels:
    """The segmentor's own regions, or those of its certainty where it has none."""
    if isinstance(encoded, AnswersByRegion):
        return own_regions(encoded)
    return certain_pieces(encoded, image)


def certain_pieces(encoded: EncodedImage, image: ImageArray) -> Superpixels:
    """Superpixels of the most certain of a grid of clicks."""
    return certain_regions(encoded, grid_clicks(24, encoded.shape), image)


def slic_pieces(encoded: EncodedImage, image: ImageArray) -> Superpixels:
    """SLIC's superpixels, which know nothing of the segmentor."""
    return slic(image, PIECES)


def felzenszwalb_pieces(encoded: EncodedImage, image: ImageArray) -> Superpixels:
    """Felzenszwalb's, at the scale that masks of photographs of 352 pixels are best made of."""
    return felzenszwalb(image, scale=20)


Pieces: TypeAlias = Callable[[EncodedImage, ImageArray], Superpixels]

SOURCES: Mapping[str, Pieces] = MappingProxyType(
    {
        "own": pieces_of_the_segmentor,
        "certainty": certain_pieces,
        "slic": slic_pieces,
        "felzenszwalb": felzenszwalb_pieces,
    }
)
"""Where superpixels come from, by the name that the command line uses."""
