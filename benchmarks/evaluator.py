"""What an evaluation costs besides the segmentor: clicks and IoUs, against the loop of SegNext's evaluation."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.report import Finding, measure
from benchmarks.segments import overlapping_masks
from benchmarks.timing import alternate
from tamis.arrays import MaskArray, ProbabilityArray
from tamis.clicks import Click
from tamis.datasets.protocol import Target
from tamis.evaluation.interactive import click_through
from tamis.evaluation.rules import Rules

N, CLICKS, REPEATS = 12, 20, 3
RULES = Rules("center", clicks=CLICKS, threshold=0.49, repeats=1, stop_at=1.01, min_area=1)


def run(seed: int = 0) -> Finding:
    """Time twenty clicks on every mask; the predictions are made beforehand and cost nothing."""
    measures = []
    for shape in ((321, 481), (480, 854)):
        masks, source = overlapping_masks(N, seed, shape)
        jobs = [(masks[i], _predictions(masks, i)) for i in range(N)]

        def ours(jobs: list[tuple[MaskArray, list[ProbabilityArray]]] = jobs) -> list[list[float]]:
            return [_by_tamis(mask, predictions) for mask, predictions in jobs]

        def theirs(jobs: list[tuple[MaskArray, list[ProbabilityArray]]] = jobs) -> list[list[float]]:
            return [_by_segnext(mask, predictions) for mask, predictions in jobs]

        if ours() != theirs():
            raise AssertionError("the IoUs differ")
        timing = alternate(ours, theirs, REPEATS)
        measures.append(measure(f"{N * CLICKS} clicks on {shape[1]}×{shape[0]}", "SegNext's loop", timing, 5, 5))
    return Finding(
        "evaluator",
        "Cost of an evaluation besides the segmentor",
        f"{N} masks, {source}, {CLICKS} clicks of RITM's clicker each, predictions that are other masks.",
        "The IoUs are the same. SegNext's loop is written anew from its description, with OpenCV's exact transform.",
        seed,
        ["src/tamis/clicks.py", "src/tamis/evaluation/interactive.py"],
        ["numpy", "opencv-python-headless"],
        measures,
    )


def _predictions(masks: NDArray[np.bool_], index: int) -> list[ProbabilityArray]:
    """Predictions that come closer: another mask first, then more and more columns of the mask itself."""
    width = masks.shape[2]
    made = []
    for click in range(CLICKS):
        prediction = masks[index - 1].copy()
        known = width * click // (CLICKS + 1)
        prediction[:, :known] = masks[index][:, :known]
        made.append(prediction.astype(np.float32))
    return made


def _by_tamis(mask: MaskArray, predictions: Sequence[ProbabilityArray]) -> list[float]:
    def answer(clicks: Sequence[Click]) -> ProbabilityArray:
        return predictions[len(clicks) - 1]

    records = click_through(answer, Target("", mask), RULES, 0, np.random.default_rng(0))
    return [record.iou for record in records]


def _by_segnext(mask: MaskArray, predictions: Sequence[ProbabilityArray]) -> list[float]:
    truth = mask.astype(np.int32)
    is_object, counts = truth == 1, truth != -1
    free = np.ones_like(is_object)
    prediction = np.zeros_like(is_object)
    ious = []
    for probability in predictions:
        if (prediction == is_object).all():
            break
        missed = np.logical_and(np.logical_and(is_object, np.logical_not(prediction)), counts)
        excess = np.logical_and(np.logical_and(np.logical_not(is_object), prediction), counts)
        depths = [
            cv2.distanceTransform(np.pad(error, 1).astype(np.uint8), cv2.DIST_L2, 0)[1:-1, 1:-1] * free
            for error in (missed, excess)
        ]
        deepest = [float(depth.max()) for depth in depths]
        depth = depths[0] if deepest[0] > deepest[1] else depths[1]
        rows, columns = np.where(depth == depth.max())
        free[rows[0], columns[0]] = False
        prediction = probability > 0.49
        intersection = np.logical_and(np.logical_and(prediction, is_object), counts).sum()
        union = np.logical_and(np.logical_or(prediction, is_object), counts).sum()
        ious.append(float(np.float32(intersection / union)))
    return ious
