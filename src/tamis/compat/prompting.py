"""Any segmentor asked as SAM is: points in SAM's convention in, logits and predicted IoUs out.

SAM counts a point from the centre of the first pixel, tamis from its corner: their (x, y) is our (x + .5, y + .5).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ProbabilityArray
from tamis.clicks import Box, Click
from tamis.errors import InputError
from tamis.mask.expected import expected_iou_of
from tamis.odds import logit
from tamis.segmentors import AnswersAlone, EncodedImage, GivesChoices, GivesLogits, ScoresMasks, TakesMask
from tamis.segmentors.prompts import answer_to
from tamis.segmentors.sam.geometry import Padded

LOW = 256
"""Pixels along each side of SAM's own masks, which cover a padded square."""

_SQUARE = Padded(4 * LOW, (0, 0, 0), (1, 1, 1))


@dataclass(frozen=True)
class SamMasks:
    """What SAM's predictor gives for one prompt, before any threshold.

    Attributes:
        logits: (M, H, W) float32.
        ious: (M,) float32, predicted.
        low: (M, low, low) float32: the same logits, to be given back with the next prompt.
    """

    logits: NDArray[np.float32]
    ious: NDArray[np.float32]
    low: NDArray[np.float32]


def clicks_at(points: NDArray[np.float64], labels: Sequence[int], shape: tuple[int, int]) -> list[Click]:
    """Clicks for (N, 2) points; one just outside the image, which SAM takes, becomes the nearest inside."""
    height, width = shape
    inside = np.clip(points + 0.5, 0, np.nextafter((width, height), 0))
    return [Click(float(x), float(y), bool(label)) for (x, y), label in zip(inside, labels, strict=True)]


def predict_masks(
    encoded: EncodedImage, clicks: Sequence[Click], box: Box | None, low: NDArray[np.float32] | None, several: bool
) -> SamMasks:
    """All clicks, a box and earlier logits (low, low) together: SAM's own answer, or the nearest that there is.

    Raises:
        InputError: the segmentor takes no such prompt.
    """
    if isinstance(encoded, GivesLogits):
        return SamMasks(*encoded.logits(clicks, box, low, several))
    if several and box is None and clicks and isinstance(encoded, GivesChoices):
        return _of(*encoded.choices(clicks))
    probability = _answer(encoded, clicks, box, low)[None]
    alone = len(clicks) == 1 and box is None and isinstance(encoded, ScoresMasks)
    scores = encoded.scores(clicks) if alone and isinstance(encoded, ScoresMasks) else expected_iou_of(probability)
    return _of(probability, scores)


def predict_each(
    encoded: EncodedImage, clicks: Sequence[Click]
) -> Iterator[tuple[int, NDArray[np.float32], NDArray[np.float32]]]:
    """Each click alone: its number, (M, H, W) logits and (M,) predicted IoUs; few in memory at a time."""
    if isinstance(encoded, GivesLogits):
        for number, (logits, ious) in enumerate(encoded.logits_alone(clicks)):
            yield number, logits, ious
        return
    if isinstance(encoded, AnswersAlone) and not isinstance(encoded, GivesChoices):
        scores = encoded.scores(clicks) if isinstance(encoded, ScoresMasks) else None
        for number, probability in enumerate(encoded.alone(clicks)):
            iou = expected_iou_of(probability[None]) if scores is None else scores[number : number + 1]
            yield number, logit(probability)[None], iou
        return
    for number, click in enumerate(clicks):
        found = predict_masks(encoded, [click], None, None, several=True)
        yield number, found.logits, found.ious


def _answer(
    encoded: EncodedImage, clicks: Sequence[Click], box: Box | None, low: NDArray[np.float32] | None
) -> ProbabilityArray:
    if low is not None and clicks and box is None and isinstance(encoded, TakesMask):
        return answer_to(encoded, clicks, mask=_SQUARE.full(low, encoded.shape) > 0)
    if not clicks and box is None:
        raise InputError("this segmentor needs points or a box; give point_coords and point_labels, or box")
    # One that takes no masks needs none: it is given all points, and answers all of them together.
    return answer_to(encoded, clicks, box)


def _of(probabilities: ProbabilityArray, scores: NDArray[np.float32]) -> SamMasks:
    logits = logit(probabilities)
    return SamMasks(logits, scores, np.stack([_SQUARE.low(one, LOW) for one in logits]))
