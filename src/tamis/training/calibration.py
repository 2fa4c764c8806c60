"""Three numbers of the answer that counts, set last, so that one half is the best threshold.

Cross-entropy makes probabilities true and the soft IoU makes masks large; the mask at one half is then not quite the
one with the best IoU. A shift of all answers, and how much more borders and the tree of edges count, are linear
terms of the region network's last layer, so nothing is added to it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray

from tamis.regions.features import region_inputs
from tamis.training.examples import Example
from tamis.training.region_network import GAIN, RegionNetwork
from tamis.training.regions import RegionOptions, draw_rows, on_device

SHIFTS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.3)
"""Subtracted from every logit."""

BORDERS = (0.0, 0.25, 0.5)
"""Times the logit of the border between two regions, subtracted too."""

EDGES = (0.0, 0.08, 0.16, 0.24, 0.32)
"""Times the logit of the tree of edges, added."""


ALLOWANCE = 0.01
"""No data set may lose more: small parts are not bought with whole objects."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was found."""

    shift: float
    border: float
    edges: float
    before: dict[str, float]
    """Mean IoU per data set without it."""
    after: dict[str, float]
    """And with it."""


def calibrate(network: RegionNetwork, examples: Sequence[Example], clicks: int = 60, seed: int = 0) -> Calibration:
    """Find the numbers by the mean over data sets of the mean IoU of answers to random clicks, and set them.

    Only numbers that cost no data set more than `ALLOWANCE` are considered.

    Args:
        network: changed in place.
        examples: photographs; best such that stage B did not see.
        clicks: per annotator.
        seed: of the clicks.
    """
    choices = list(product(SHIFTS, BORDERS, EDGES))
    scores: dict[str, list[NDArray[np.float64]]] = {}
    rng = np.random.default_rng(seed)
    network.eval()
    for example in examples:
        inputs = region_inputs(example.summary)
        for annotated in example.annotations:
            options = RegionOptions(clicks=clicks, background=0.0)
            rows, masks, _ = draw_rows(annotated, inputs.areas, rng, options)
            with torch.no_grad():
                told = network(*on_device(inputs, torch.device("cpu")), rows=torch.from_numpy(rows))
            logits = told.answers[network.shape.middle].numpy()
            border, edges = 2 * inputs.pairs[0, rows], 4 * inputs.pairs[8, rows]  # pairs hold parts of the logits
            weights = (inputs.areas * annotated.known)[None]
            truth = annotated.inside[masks]
            each = [mean_iou(logits - a - b * border + c * edges > 0, truth, weights) for a, b, c in choices]
            scores.setdefault(example.dataset, []).append(np.array(each))
    means = {name: np.mean(found, axis=0) for name, found in scores.items()}
    table = np.stack(list(means.values()))
    harmless = (table >= table[:, :1] - ALLOWANCE).all(axis=0)
    best = int(np.argmax(np.where(harmless, table.mean(axis=0), -1.0)))
    shift, border_weight, edge_weight = choices[best]
    middle = network.shape.middle
    with torch.no_grad():
        network.shortcut.bias[middle].sub_(shift / GAIN)
        network.shortcut.weight[middle, 0].sub_(2 * border_weight / GAIN)
        network.shortcut.weight[middle, 8].add_(4 * edge_weight / GAIN)
    before = {name: round(float(each[0]), 4) for name, each in means.items()}
    return Calibration(
        shift,
        border_weight,
        edge_weight,
        before,
        {name: round(float(each[best]), 4) for name, each in means.items()},
    )


def mean_iou(answer: NDArray[np.bool_], truth: NDArray[np.float32], weights: NDArray[np.float32]) -> float:
    """Mean over clicks of the IoU of whole regions (K, R) with shares of regions (K, R), regions counting by weight."""
    both = (answer * truth * weights).sum(1)
    either = (np.maximum(answer, truth) * weights).sum(1)
    return float(np.mean(both / np.maximum(either, 1e-9)))
