"""mIoU@1 during training, by the rules of `tamis.evaluation`, at the photograph's resolution.

The random clicks are drawn in turn for each photograph, not for each mask by its name as there, so that a run goes on
with the curve that it had before.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ImageArray, MaskArray, ProbabilityArray
from tamis.clicks import random_click
from tamis.evaluation.rules import PROTOCOLS
from tamis.mask.iou import iou_of
from tamis.training.photographs import Photograph

SIDES = (16, 32, 64, 128, 256, np.inf)
"""Masks are told apart by the square root of their area in pixels."""

RULES = PROTOCOLS["tamis"]
"""One uniform random click per mask, threshold .5; masks smaller than 16 × 16 pixels are skipped."""

Answer = Callable[[tuple[int, int]], ProbabilityArray]
"""From a clicked (row, column) to (H, W) probabilities."""
Encode = Callable[[ImageArray], Answer]


def masks_of(photograph: Photograph) -> Iterator[MaskArray]:
    """Every mask of every annotator that is large enough."""
    for labels in photograph.maps:
        values, counts = np.unique(labels, return_counts=True)
        for value in values[(values > 0) & (counts >= RULES.min_area)]:
            yield labels == value


def click_ious(encode: Encode, photograph: Photograph, repeats: int, seed: int = 0) -> NDArray[np.float64]:
    """(masks × repeats,) IoU of one random click each; the clicks depend on seed and name of the photograph alone."""
    answer = encode(photograph.image)
    rng = np.random.default_rng([seed, *photograph.name.encode()])
    scores = []
    for mask in masks_of(photograph):
        for _ in range(repeats):
            scores.append(iou_of(answer(random_click(mask, rng).pixel) > RULES.threshold, mask))
    return np.array(scores)


def mask_sides(photograph: Photograph, repeats: int) -> NDArray[np.float64]:
    """(masks × repeats,) square root of the area of the masks in pixels, in the order of `click_ious`."""
    return np.repeat([np.sqrt(np.count_nonzero(mask)) for mask in masks_of(photograph)], repeats)


def measure(encode: Encode, photographs: Sequence[Photograph], repeats: int = 3, seed: int = 0) -> dict[str, float]:
    """Mean IoU per data set, over all its masks and repeats, and their mean over data sets as `miou`."""
    scores: dict[str, list[NDArray[np.float64]]] = {}
    for photograph in photographs:
        scores.setdefault(photograph.dataset, []).append(click_ious(encode, photograph, repeats, seed))
    means = {name: round(float(np.concatenate(each).mean()), 4) for name, each in scores.items()}
    return {"miou": round(float(np.mean(list(means.values()))), 4), **means}


def picture_of_clicks(encode: Encode, photographs: Sequence[Photograph], file: Path, seed: int = 0) -> None:
    """A sheet: per photograph one row of it and the answers of three clicks, clicked pixel marked, mask tinted."""
    rng = np.random.default_rng(seed)
    rows = []
    for photograph in photographs:
        answer = encode(photograph.image)
        tiles = [photograph.image]
        for _ in range(3):
            pixel = int(rng.integers(photograph.image.shape[0])), int(rng.integers(photograph.image.shape[1]))
            inside = answer(pixel)[:, :, None]
            tinted = photograph.image * (0.35 + 0.65 * inside) + inside * np.array([0, 60, 0])
            tile = np.clip(tinted, 0, 255).astype(np.uint8)
            tiles.append(cv2.circle(tile, (pixel[1], pixel[0]), 4, (255, 0, 0), -1).astype(np.uint8))
        rows.append(np.concatenate([cv2.resize(tile, (224, 168)) for tile in tiles], axis=1))
    cv2.imwrite(str(file), np.concatenate(rows)[:, :, ::-1])


def interval(scores: Sequence[NDArray[np.float64]], draws: int = 1000, seed: int = 0) -> tuple[float, float, float]:
    """The mean over all clicks and its 95 % interval, by drawing photographs again (bootstrap over photographs).

    Args:
        scores: per photograph, the IoU of each of its clicks.
        draws: how often.
        seed: of the draws.
    """
    sums = np.array([each.sum() for each in scores])
    counts = np.array([len(each) for each in scores])
    chosen = np.random.default_rng(seed).integers(len(scores), size=(draws, len(scores)))
    means = sums[chosen].sum(1) / np.maximum(counts[chosen].sum(1), 1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(sums.sum() / max(counts.sum(), 1)), float(low), float(high)
