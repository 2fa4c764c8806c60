"""How good a mask probably is, by the probabilities that it was made of.

Every score takes `probabilities`, (N, C) float32 over C cells (pixels, or regions), `areas`, (C,) the pixels of each
cell, and `thresholds`, (N,) above which a cell is in the mask; it returns (N,) float32 in [0, 1], 0 for an empty mask.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

import numpy as np

from tamis.mask.expected import Values, expected_iou, weighed

Score: TypeAlias = Callable[[Values, Values, Values], Values]

OFFSET = 1.0
"""Logits above and below the threshold at which stability compares two masks: SAM's."""


def stability(probabilities: Values, areas: Values, thresholds: Values) -> Values:
    """SAM's stability: the IoU of the masks at one logit above and one below the threshold (`OFFSET`).

    Kirillov et al., "Segment anything", 2023: calculate_stability_score of segment_anything/utils/amg.py.
    """
    logit = np.log(thresholds) - np.log1p(-thresholds)
    higher, lower = (1 / (1 + np.exp(-(logit + shift))) for shift in (OFFSET, -OFFSET))
    larger = weighed(probabilities > lower[:, None], areas)
    return np.asarray(weighed(probabilities > higher[:, None], areas) / np.maximum(larger, 1e-9), np.float32)


def certainty(probabilities: Values, areas: Values, thresholds: Values) -> Values:
    """The mean of P over the mask."""
    inside = probabilities > thresholds[:, None]
    total = weighed(np.where(inside, probabilities, 0), areas)
    return np.asarray(total / np.maximum(weighed(inside, areas), 1e-9), np.float32)


SCORES: Mapping[str, Score] = MappingProxyType(
    {"expected-iou": expected_iou, "stability": stability, "certainty": certainty}
)
"""By the name that the command line uses."""
