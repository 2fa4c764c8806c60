"""Questions about an encoded image, and how each kind of segmentor answers them."""

from collections.abc import Sequence

import numpy as np

from tamis.annotation.problems import RequestError
from tamis.arrays import MaskArray, ProbabilityArray
from tamis.clicks import Box, Click
from tamis.segmentors import AnswersByRegion, EncodedImage, GivesChoices
from tamis.segmentors.prompts import answer_to, corrected


def answer_prompt(
    encoded: EncodedImage,
    clicks: Sequence[Click],
    box: Box | None = None,
    granularity: int = 0,
    mask: MaskArray | None = None,
) -> ProbabilityArray:
    """(H, W) float32: P(pixel in mask | all that is given).

    Args:
        encoded: the image.
        clicks: to be taken together.
        box: around the object.
        granularity: 0 for what the segmentor thinks best; otherwise the first, the second and so on of its choices, by
            region in their own order, from the finest to the coarsest, and others from the smallest to the largest.
        mask: (H, W) bool, the mask so far, which the last click corrects; nothing else but clicks goes with it.

    Raises:
        RequestError: neither clicks nor a box, no such granularity, or a mask and no click.
        InputError: a click or the box lies outside the image.
    """
    if mask is not None:
        if not clicks or box is not None or granularity:
            raise RequestError("a mask is corrected by clicks, and by nothing else")
        return corrected(encoded, mask, clicks)  # at once: a closer look is taken in the background
    if granularity:
        return _at(encoded, clicks, granularity)
    if box is None and not clicks:
        raise RequestError("ask with at least one click, or a box")
    return answer_to(encoded, clicks, box)


def _at(encoded: EncodedImage, clicks: Sequence[Click], granularity: int) -> ProbabilityArray:
    if not clicks:
        raise RequestError("a granularity needs at least one click")
    order = np.arange(0)
    if isinstance(encoded, GivesChoices):
        probabilities, _ = encoded.choices(clicks)
        if isinstance(encoded, AnswersByRegion):
            order = np.arange(len(probabilities))  # for the browser's own table knows no other
        else:
            order = np.argsort(np.count_nonzero(probabilities > 0.5, axis=(1, 2)), kind="stable")
    if granularity > len(order):
        raise RequestError(f"there is no granularity {granularity} to be had here: {len(order)} is the last")
    return np.asarray(probabilities[order[granularity - 1]], np.float32)
