"""Questions about an encoded image, and how each kind of segmentor answers them."""

from collections.abc import Sequence

import numpy as np

from tamis.annotation.problems import NonsenseError
from tamis.arrays import ProbabilityArray
from tamis.clicks import Click
from tamis.errors import InputError
from tamis.mask import Masks
from tamis.regions.encoded import EncodedRegions
from tamis.segmentors import EncodedImage, GivesChoices, TakesBoxes, TakesMask

Box = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels of the original image."""

ACROSS = 5
"""Clicks per side of a box, where the segmentor takes clicks alone."""


def ask(encoded: EncodedImage, clicks: Sequence[Click], box: Box | None, granularity: int) -> ProbabilityArray:
    """(H, W) float32: P(pixel in mask | all that is given).

    A box is answered by a segmentor that takes boxes; any other is asked by clicks within it, of which the one whose
    mask fills the box best counts. Clicks besides a box correct its mask where the segmentor can start from a mask, and
    are otherwise answered within the box.

    Args:
        encoded: the image.
        clicks: to be taken together.
        box: around the object.
        granularity: 0 for what the segmentor thinks best; otherwise the first, the second and so on of its choices, by
            region in their own order, from the finest to the coarsest, and others from the smallest to the largest.

    Raises:
        NonsenseError: neither clicks nor a box, or no such granularity.
        InputError: a click or the box lies outside the image.
    """
    if granularity:
        return _at(encoded, clicks, granularity)
    if box is None:
        if not clicks:
            raise NonsenseError("ask with at least one click, or a box")
        return encoded.probability(clicks)
    left, top, right, bottom = checked_box(box, encoded.shape)
    if not clicks:
        if isinstance(encoded, TakesBoxes):
            return encoded.probability_in_box((left, top, right, bottom))
        return _by_clicks(encoded, (left, top, right, bottom))
    if isinstance(encoded, TakesBoxes) and isinstance(encoded, TakesMask):
        return encoded.probability_from_mask(encoded.probability_in_box((left, top, right, bottom)) > 0.5, clicks)
    answer = encoded.probability(clicks).copy()
    inside = np.zeros(encoded.shape, np.bool_)
    inside[int(top) : int(np.ceil(bottom)), int(left) : int(np.ceil(right))] = True
    answer[~inside] = 0
    return answer


def checked_box(box: Box, shape: tuple[int, int]) -> Box:
    """A box with its corners in order, cut to an image of (height, width) `shape`.

    Raises:
        InputError: nothing of it is inside.
    """
    height, width = shape
    left, right = (min(max(value, 0.0), float(width)) for value in sorted((box[0], box[2])))
    top, bottom = (min(max(value, 0.0), float(height)) for value in sorted((box[1], box[3])))
    if not (left < right and top < bottom):
        raise InputError(f"the box {box} holds no pixel of the {width}x{height} image")
    return left, top, right, bottom


def _at(encoded: EncodedImage, clicks: Sequence[Click], granularity: int) -> ProbabilityArray:
    if not clicks:
        raise NonsenseError("a granularity needs at least one click")
    if isinstance(encoded, EncodedRegions):
        probabilities, _ = encoded.choices(clicks)
        order = np.arange(len(probabilities))  # for the browser's own table knows no other
    elif isinstance(encoded, GivesChoices):
        probabilities, _ = encoded.choices(clicks)
        order = np.argsort(np.count_nonzero(probabilities > 0.5, axis=(1, 2)), kind="stable")
    else:
        order = np.arange(0)
    if granularity > len(order):
        raise NonsenseError(f"there is no granularity {granularity} to be had here: {len(order)} is the last")
    return np.asarray(probabilities[order[granularity - 1]], np.float32)


def _by_clicks(encoded: EncodedImage, box: Box) -> ProbabilityArray:
    """The answer to one of a few clicks in a box: that whose mask has the box most like it."""
    left, top, right, bottom = box
    steps = (np.arange(ACROSS) + 0.5) / ACROSS
    clicks = [Click(left + x * (right - left), top + y * (bottom - top)) for y in steps for x in steps]
    small = encoded.probabilities(clicks)
    scale = np.array([small.shape[2] / encoded.shape[1], small.shape[1] / encoded.shape[0]] * 2)
    boxes = Masks.from_dense(small > 0.5).boxes / scale
    overlap = np.minimum(boxes[:, 2:], (right, bottom)) - np.maximum(boxes[:, :2], (left, top))
    shared = np.prod(np.maximum(overlap, 0), axis=1)
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    iou = shared / (areas + (right - left) * (bottom - top) - shared)
    return encoded.probability([clicks[int(iou.argmax())]])
