"""Proposals from clicks: each click's mask, scored, and those that say the same thing twice taken out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import MaskArray, ProbabilityArray
from tamis.clicks import Click, grid_clicks, pixels_at
from tamis.mask import Masks, nms
from tamis.segmentors import AnswersByRegion, EncodedImage, ScoresMasks

BATCH = 64
"""Clicks asked for at a time, so that memory stays bounded; SAM's generator does the same."""


@dataclass(frozen=True)
class Proposals:
    """Masks of one image, the best first.

    Attributes:
        masks: N masks of the original size.
        scores: (N,) float32 in [0, 1], descending.
        clicks: the N clicks that made them.
    """

    masks: Masks
    scores: NDArray[np.float32]
    clicks: list[Click]

    def __len__(self) -> int:
        return len(self.clicks)


def grid_proposals(
    encoded: EncodedImage,
    grid: int = 32,
    threshold: float = 0.5,
    max_iou: float = 0.7,
    min_area: int = 256,
    max_proposals: int | None = None,
) -> Proposals:
    """The masks of a grid of grid × grid positive clicks; the arguments are those of `propose`."""
    clicks = grid_clicks(grid, encoded.shape)
    return propose(encoded, clicks, threshold, max_iou, min_area, max_proposals)


def propose(
    encoded: EncodedImage,
    clicks: Sequence[Click],
    threshold: float = 0.5,
    max_iou: float = 0.7,
    min_area: int = 256,
    max_proposals: int | None = None,
) -> Proposals:
    """Ask for every click alone, drop small masks, and keep the best of those that overlap (greedy mask NMS).

    Everything happens at the segmentor's own resolution; only survivors are brought to the original size. The score is
    the predicted IoU where the segmentor has one, otherwise the IoU to expect from the probabilities.

    Args:
        encoded: the image.
        clicks: where to click.
        threshold: a pixel is in the mask if its probability is greater.
        max_iou: of two masks that overlap more than this, the one with the lower score goes.
        min_area: of a mask, in pixels of the original image; 256 is the research's 16 × 16.
        max_proposals: how many of the best to keep; all by default.
    """
    clicks = _distinct(encoded, clicks)
    if not clicks:
        return Proposals(Masks.none(encoded.shape), np.zeros(0, np.float32), [])
    masks, scores = _answers(encoded, clicks, threshold)
    height, width = encoded.shape
    smallest = min_area * masks.shape[0] * masks.shape[1] / (height * width)
    large = np.flatnonzero(masks.areas >= max(smallest, 1))
    kept: list[int] = []

    def at_full_size() -> Iterator[MaskArray]:
        for index in large[nms(masks[large], scores[large], max_iou)].tolist():
            if len(kept) == max_proposals:
                return
            mask = encoded.probability([clicks[index]]) > threshold
            if np.count_nonzero(mask) >= max(min_area, 1):
                kept.append(index)
                yield mask

    full = Masks.from_dense(at_full_size(), encoded.shape)
    return Proposals(full, scores[kept], [clicks[i] for i in kept])


def expected_iou(probabilities: ProbabilityArray, threshold: float = 0.5) -> NDArray[np.float32]:
    """How good a mask can be expected to be if the probabilities are right.

    The expected intersection of {p > threshold} with the true mask, over the expected union: the sum of p inside over
    the area plus the sum of p outside.

    Args:
        probabilities: (N, h, w) float32.
        threshold: that makes the mask.

    Returns:
        (N,) float32 in [0, 1]; 0 where the mask is empty.
    """
    inside = probabilities > threshold
    area = np.count_nonzero(inside, axis=(1, 2))
    total = probabilities.sum(axis=(1, 2), dtype=np.float64)
    intersection = probabilities.sum(axis=(1, 2), where=inside, dtype=np.float64)
    return np.asarray(intersection / np.maximum(area + total - intersection, 1e-9), dtype=np.float32)


def _distinct(encoded: EncodedImage, clicks: Sequence[Click]) -> list[Click]:
    """One click for each different answer, where the segmentor tells which clicks have the same."""
    if not isinstance(encoded, AnswersByRegion):
        return list(clicks)
    rows, columns = pixels_at(clicks, encoded.shape, encoded.region_map.shape)
    _, first = np.unique(encoded.region_map[rows, columns], return_index=True)
    return [clicks[i] for i in np.sort(first)]


def _answers(encoded: EncodedImage, clicks: Sequence[Click], threshold: float) -> tuple[Masks, NDArray[np.float32]]:
    """Masks at the segmentor's resolution, and their scores (N,)."""
    masks, scores = [], []
    for first in range(0, len(clicks), BATCH):
        batch = clicks[first : first + BATCH]
        probabilities = encoded.probabilities(batch)
        masks.append(Masks.from_dense(probabilities > threshold))
        predicted = (
            encoded.scores(batch) if isinstance(encoded, ScoresMasks) else expected_iou(probabilities, threshold)
        )
        scores.append(predicted)
    return Masks.concatenate(masks), np.concatenate(scores)
