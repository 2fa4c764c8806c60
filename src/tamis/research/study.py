"""What an experiment is, and how two ways of doing something are compared on the same masks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis.datasets.protocol import Dataset
from tamis.errors import InputError
from tamis.evaluation.summary import bootstrap_weights, resampled_means
from tamis.segmentors import Segmentor


@dataclass(frozen=True)
class Setting:
    """What an experiment is made with.

    Attributes:
        segmentor: the model.
        dataset: whose masks are clicked on.
        seed: of all chance.
        out: the folder for pictures and runs.
        start: a checkpoint of SegNext, for the experiments that train.
        samples: of a training.
        training: NAME=ROOT[:SPLIT] to train on.
    """

    segmentor: Segmentor
    dataset: Dataset
    seed: int
    out: Path
    start: Path | None = None
    samples: int = 480
    training: Sequence[str] = ()


@dataclass(frozen=True)
class Way:
    """One way of doing something.

    Attributes:
        name: of it.
        images: of each value, the image it is of.
        values: one for each mask and try, in the same order for all ways that are compared.
    """

    name: str
    images: Sequence[str]
    values: Sequence[float]


@dataclass(frozen=True)
class Finding:
    """What an experiment gave.

    Attributes:
        rows: as `paired` makes them, or of the experiment's own.
        said: sentences for people.
        pictures: files that were written.
    """

    rows: Sequence[Mapping[str, Any]]
    said: Sequence[str] = ()
    pictures: Sequence[Path] = field(default_factory=tuple)


@dataclass(frozen=True)
class Study:
    """One experiment.

    Attributes:
        name: on the command line.
        claim: as the notes have it, in one sentence.
        run: makes it.
        trains: whether it trains networks, and needs a checkpoint to start from.
    """

    name: str
    claim: str
    run: Callable[[Setting], Finding]
    trains: bool = False


def paired(ways: Sequence[Way], seed: int) -> list[dict[str, Any]]:
    """A row for each way: its mean, and its difference from the first with a 95 % interval.

    The interval is of a bootstrap over images, whose masks are not independent of each other.

    Raises:
        InputError: there is nothing to compare.
    """
    first = ways[0]
    if not first.values:
        raise InputError(
            "there is no mask of at least 256 pixels to click on; choose another dataset or a larger --limit"
        )
    names = {name: index for index, name in enumerate(dict.fromkeys(first.images))}
    image = np.array([names[name] for name in first.images])
    weights = bootstrap_weights(len(names), np.random.default_rng(seed))
    base = np.asarray(first.values, np.float64)
    rows = []
    for way in ways:
        values = np.asarray(way.values, np.float64)
        if len(values) != len(base):
            raise InputError(f"'{way.name}' has {len(values)} values, '{first.name}' {len(base)}")
        low, high = np.quantile(resampled_means(values - base, image, weights), [0.025, 0.975])
        rows.append(
            {
                "way": way.name,
                "mean": round(float(values.mean()), 6),
                "difference": round(float((values - base).mean()), 6),
                "ci95": [round(float(low), 6), round(float(high), 6)],
                "masks": len(values),
                "images": len(names),
            }
        )
    return rows


def correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> tuple[float, float]:
    """Pearson's and Spearman's coefficients; NaN for fewer than three values."""
    from scipy.stats import pearsonr, spearmanr

    if len(one) < 3:
        return float("nan"), float("nan")
    return float(pearsonr(one, other).statistic), float(spearmanr(one, other).statistic)
