"""How good a mask probably is, by the probabilities that it was made of.

Every score takes `probabilities`, (N, C) float32 over C cells (pixels, or regions), `areas`, (C,) the pixels of each
cell, and `thresholds`, (N,) above which a cell is in the mask; it returns (N,) float32 in [0, 1], 0 for an empty mask.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ProbabilityArray

Values: TypeAlias = NDArray[np.float32]
Score: TypeAlias = Callable[[Values, Values, Values], Values]

OFFSET = 1.0
"""Logits above and below the threshold at which stability compares two masks: SAM's."""


def expected_iou(probabilities: Values, areas: Values, thresholds: Values) -> Values:
    """The expected intersection of the mask with the true one over the expected union, if the probabilities are right.

    The intersection is the sum of P inside; the union is the area plus the sum of P outside.
    """
    inside = probabilities > thresholds[:, None]
    intersection = _sum(np.where(inside, probabilities, 0), areas)
    union = _sum(inside, areas) + _sum(probabilities, areas) - intersection
    return np.asarray(intersection / np.maximum(union, 1e-9), np.float32)


def stability(probabilities: Values, areas: Values, thresholds: Values) -> Values:
    """SAM's stability: the IoU of the masks at one logit above and one below the threshold (`OFFSET`).

    Kirillov et al., "Segment anything", 2023: calculate_stability_score of segment_anything/utils/amg.py.
    """
    logit = np.log(thresholds) - np.log1p(-thresholds)
    higher, lower = (1 / (1 + np.exp(-(logit + shift))) for shift in (OFFSET, -OFFSET))
    larger = _sum(probabilities > lower[:, None], areas)
    return np.asarray(_sum(probabilities > higher[:, None], areas) / np.maximum(larger, 1e-9), np.float32)


def certainty(probabilities: Values, areas: Values, thresholds: Values) -> Values:
    """The mean of P over the mask."""
    inside = probabilities > thresholds[:, None]
    total = _sum(np.where(inside, probabilities, 0), areas)
    return np.asarray(total / np.maximum(_sum(inside, areas), 1e-9), np.float32)


SCORES: Mapping[str, Score] = MappingProxyType(
    {"expected-iou": expected_iou, "stability": stability, "certainty": certainty}
)
"""By the name that the command line uses."""


def expected_iou_of(probabilities: ProbabilityArray, threshold: float = 0.5) -> Values:
    """`expected_iou` of masks over pixels: (N, h, w) float32 → (N,) float32."""
    flat = probabilities.reshape(len(probabilities), -1)
    return expected_iou(flat, *_plain(flat, threshold))


def _plain(flat: Values, threshold: float) -> tuple[Values, Values]:
    return np.ones(flat.shape[1], np.float32), np.full(len(flat), threshold, np.float32)


def _sum(values: NDArray[np.floating] | NDArray[np.bool_], areas: Values) -> NDArray[np.float64]:
    return np.asarray(values.astype(np.float32, copy=False) @ areas, np.float64)
