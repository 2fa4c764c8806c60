"""From clicks to the numbers that papers print, with their uncertainty."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis.datasets.protocol import Dataset
from tamis.errors import InputError
from tamis.evaluation.interactive import ImageRecord
from tamis.evaluation.rules import Rules

NOC_TARGETS = (0.85, 0.90, 0.95)
BOOTSTRAPS = 2000

HARMFUL = (0.05, 0.30)
"""Losses of IoU by one click that are counted."""


@dataclass(frozen=True)
class Trials:
    """All trials (a mask, one repeat) of an evaluation as arrays.

    Attributes:
        images: names of the I images that have any.
        image: (T,) int64, which image each trial belongs to.
        area: (T,) int64, pixels of its mask.
        ious: (T, K) float64, the IoU after every click; NaN after the last one.
    """

    images: list[str]
    image: NDArray[np.int64]
    area: NDArray[np.int64]
    ious: NDArray[np.float64]


def trials_of(records: Mapping[str, ImageRecord], clicks: int) -> Trials:
    """Gather the trials of many images.

    Args:
        records: by image name, in the order that the trials shall have.
        clicks: K, the most clicks there may be.
    """
    images = [name for name, record in records.items() if record.clicks]
    rows: dict[tuple[int, str, int], list[float]] = {}
    areas: dict[tuple[int, str, int], int] = {}
    for index, name in enumerate(images):
        for click in records[name].clicks:
            key = (index, click.mask, click.repeat)
            rows.setdefault(key, []).append(click.iou)
            areas[key] = click.area
    ious = np.full((len(rows), clicks), np.nan)
    for row, values in zip(ious, rows.values(), strict=True):
        row[: len(values)] = values
    return Trials(images, np.array([key[0] for key in rows], np.int64), np.array([*areas.values()], np.int64), ious)


def miou_by_click(trials: Trials, rules: Rules) -> NDArray[np.float64]:
    """(K',) mean IoU over trials after 1, 2, … clicks.

    Where trials stop at an IoU, K' is the length of the shortest, as in the peers' programs; where they only stop
    because the mask is perfect, the last IoU counts on and K' = K.
    """
    return np.asarray(comparable_ious(trials, rules).mean(axis=0))


def comparable_ious(trials: Trials, rules: Rules) -> NDArray[np.float64]:
    """(T, K') float64, the IoUs that `miou_by_click` averages, without gaps."""
    made = np.count_nonzero(~np.isnan(trials.ious), axis=1)
    if rules.stop_at is not None:
        return trials.ious[:, : made.min()]
    last = np.take_along_axis(trials.ious, made[:, None] - 1, axis=1)
    return np.where(np.isnan(trials.ious), last, trials.ious)


def clicks_to_reach(trials: Trials, target: float, limit: int) -> NDArray[np.int64]:
    """(T,) the first click whose IoU is at least `target`, `limit` where there is none: RITM's NoC."""
    # IoUs are kept in single precision, where .9 is reached by .9.
    reached = trials.ious.astype(np.float32) >= np.float32(target)
    return np.where(reached.any(axis=1), reached.argmax(axis=1) + 1, limit)


def harmful_share(trials: Trials, loss: float) -> float:
    """The share of clicks after the first that lower the IoU by more than `loss`; 0 where there are none."""
    steps = np.diff(trials.ious, axis=1)
    made = ~np.isnan(steps)
    return float((steps[made] < -loss).mean()) if made.any() else 0.0


def bootstrap_weights(images: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """(BOOTSTRAPS, images): how often each image is drawn when as many are drawn with replacement."""
    return rng.multinomial(images, np.full(images, 1 / images), size=BOOTSTRAPS).astype(np.float64)


def resampled_means(
    values: NDArray[np.float64], image: NDArray[np.int64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(BOOTSTRAPS, ...) means of (T, ...) values over trials, whole images drawn with replacement.

    Masks of one image are not independent of each other, so images are drawn, not masks.
    """
    images = weights.shape[1]
    sums = np.zeros((images, *values.shape[1:]))
    np.add.at(sums, image, values)
    counts = weights @ np.bincount(image, minlength=images)
    return np.asarray(np.tensordot(weights, sums, 1) / counts.reshape(-1, *[1] * (values.ndim - 1)))


def summarise(
    records: Mapping[str, ImageRecord], rules: Rules, unmatched: Mapping[str, Sequence[str]], seed: int
) -> dict[str, Any]:
    """The numbers of an evaluation, as JSON values.

    `miou` is a list by click, `miou_ci95` its 95 % intervals by bootstrap over images, `nocNN` the mean number of
    clicks to an IoU of .NN (the limit where it is never reached), `nofNN` how many trials need the limit or more (those
    that succeed with the very last click are counted too, as by the peers), `worse_by_NN` the share of corrections that
    lower the IoU by more than .NN, `miou_by_size` the mean IoU after the first click, and with several the last, by the
    root of the mask's area in pixels.

    Args:
        records: by image name, in the dataset's order.
        rules: of the evaluation.
        unmatched: of the dataset.
        seed: of the bootstrap.
    """
    trials = trials_of(records, rules.clicks)
    every = list(records.values())
    clicks = [click for record in every for click in record.clicks]
    summary: dict[str, Any] = {
        "images": len(trials.images),
        "masks": sum(record.masks for record in every),
        "tries": len(trials.image),
        "skipped_small": sum(len(record.skipped_small) for record in every),
        "empty": sum(len(record.empty) for record in every),
        "mismatched": {name: record.mismatched for name, record in records.items() if record.mismatched},
        "unreadable": {name: record.error for name, record in records.items() if record.error},
        "unmatched": {kind: list(names) for kind, names in unmatched.items()},
    }
    if len(trials.image):
        ious = comparable_ious(trials, rules)
        weights = bootstrap_weights(len(trials.images), np.random.default_rng(seed))
        low, high = np.quantile(resampled_means(ious, trials.image, weights), [0.025, 0.975], axis=0)
        summary["miou"] = _rounded(ious.mean(axis=0))
        summary["miou_ci95"] = [_rounded(pair) for pair in np.stack([low, high], axis=1)]
        summary["miou_by_size"] = miou_by_size(trials, rules)
        for target in NOC_TARGETS if rules.clicks > 1 else ():
            needed = clicks_to_reach(trials, target, rules.clicks)
            summary[f"noc{target * 100:.0f}"] = round(float(needed.mean()), 4)
            summary[f"nof{target * 100:.0f}"] = int((needed >= rules.clicks).sum())
        for loss in HARMFUL if rules.clicks > 1 else ():
            summary[f"worse_by_{loss * 100:02.0f}"] = round(harmful_share(trials, loss), 4)
        summary["seconds_per_click"] = round(float(np.mean([click.seconds for click in clicks])), 6)
        summary["seconds_encode"] = round(float(np.mean([r.encode_seconds for r in every if r.clicks])), 6)
    return summary


@dataclass(frozen=True)
class Evaluation:
    """The result of an evaluation.

    Attributes:
        dataset: its name.
        split: its part.
        segmentor: who answered.
        weights: SHA-256 of its weights, None for one without.
        rules: of the evaluation.
        summary: everything that was measured, as `summary.json` holds it.
    """

    dataset: str
    split: str
    segmentor: str
    weights: str | None
    rules: Rules
    summary: Mapping[str, Any]

    @property
    def miou(self) -> list[float]:
        """The mean IoU after 1, 2, … clicks; empty where no mask could be clicked on."""
        return list(self.summary.get("miou", []))

    @property
    def miou_ci95(self) -> list[tuple[float, float]]:
        """The 95 % interval of each, by bootstrap over images."""
        return [(low, high) for low, high in self.summary.get("miou_ci95", [])]

    def noc(self, iou: float) -> float:
        """The mean number of clicks to an IoU of .85, .9 or .95, of rules with several clicks.

        Raises:
            InputError: that was not measured.
        """
        key = f"noc{iou * 100:.0f}"
        if key not in self.summary:
            raise InputError(
                f"clicks to an IoU of {iou:g} were not counted: use rules of several clicks, and .85, .9, .95"
            )
        return float(self.summary[key])

    def __repr__(self) -> str:
        reached = f"mIoU@1 {self.miou[0]:.3f}" if self.miou else "nothing to click on"
        where = f"{self.dataset} {self.split}".strip()
        return f"Evaluation({self.segmentor} on {where}: {reached}, {self.summary['masks']} masks)"


def evaluation_of(
    records: Mapping[str, ImageRecord], dataset: Dataset, segmentor: str, weights: str | None, rules: Rules, seed: int
) -> Evaluation:
    """The result of all records, by image name in the dataset's order; the rest as `Evaluation` has it."""
    return Evaluation(
        dataset.name,
        dataset.split,
        segmentor,
        weights,
        rules,
        MappingProxyType(summarise(records, rules, dataset.unmatched, seed)),
    )


SIZES = (16, 32, 64, 128, 256, 512)
"""Borders of the size classes: the root of a mask's area, in pixels."""


def miou_by_size(trials: Trials, rules: Rules) -> dict[str, dict[str, float | int]]:
    """Number of trials, mean IoU after the first click and, where there are several, after the last, by mask size."""
    size = np.digitize(np.sqrt(trials.area), SIZES)
    names = [f"<{SIZES[0]}", *(f"{a}-{b}" for a, b in pairwise(SIZES)), f"≥{SIZES[-1]}"]
    ious = comparable_ious(trials, rules)
    shown = {"miou": ious[:, 0], **({"miou_last": ious[:, -1]} if ious.shape[1] > 1 else {})}
    return {
        name: {
            **{key: round(float(values[size == index].mean()), 4) for key, values in shown.items()},
            "tries": int((size == index).sum()),
        }
        for index, name in enumerate(names)
        if (size == index).any()
    }


def _rounded(values: NDArray[np.float64]) -> list[float]:
    return [round(float(value), 6) for value in values]
