"""How well predicted classes fit: IoU and accuracy of a whole dataset, by areas summed over its images.

The rules of mmsegmentation's `IoUMetric`: pixels whose label is ignored do not count, areas are summed over the dataset
before anything is divided, and a class that is in neither the labels nor the predictions is left out of the means. Sums
are whole numbers here, whereas the peer adds single-precision floats, which round above 2^24.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis.semantic.data.dataset import IGNORE, Pixels

Counts = NDArray[np.int64]
Shares = NDArray[np.float64]


@dataclass(frozen=True)
class Confusion:
    """How many pixels of each class were given which class; `+` joins images.

    Attributes:
        counts: (C, C) int64, a row for each true class and a column for each predicted one.
    """

    counts: Counts

    def __add__(self, other: "Confusion") -> "Confusion":
        return Confusion(self.counts + other.counts)

    @property
    def intersection(self) -> Counts:
        """(C,) pixels of a class that were given that class."""
        return np.diagonal(self.counts)

    @property
    def label(self) -> Counts:
        """(C,) pixels of a class."""
        return np.asarray(self.counts.sum(axis=1))

    @property
    def prediction(self) -> Counts:
        """(C,) pixels that were given a class, ignored ones left out."""
        return np.asarray(self.counts.sum(axis=0))

    @property
    def union(self) -> Counts:
        """(C,) pixels that are of a class or were given it."""
        return np.asarray(self.label + self.prediction - self.intersection)


@dataclass(frozen=True)
class Measures:
    """What published tables give, as shares from 0 to 1.

    Attributes:
        iou: (C,) float64, NaN where a class is neither in the labels nor in the predictions.
        accuracy: (C,) float64, share of a class's pixels that were given it; NaN where it has none.
        miou: mean of `iou` over the classes that have one.
        macc: mean of `accuracy` over the classes that have one.
        aacc: share of all pixels that were given their class.
    """

    iou: Shares
    accuracy: Shares
    miou: float
    macc: float
    aacc: float


def nothing_yet(classes: int) -> Confusion:
    """No pixels at all: what a sum begins with."""
    return Confusion(np.zeros((classes, classes), np.int64))


def confusion(prediction: Pixels, label: Pixels, classes: int) -> Confusion:
    """Compare the predicted classes of an image with its labels, in one pass.

    Args:
        prediction: (H, W) uint8 class indices.
        label: (H, W) uint8 class indices, 255 where ignored.
        classes: how many there are.

    Raises:
        ValueError: the shapes differ, or a pixel that counts has a class index that there is not.
    """
    if prediction.shape != label.shape:
        raise ValueError(f"a prediction of {prediction.shape} for labels of {label.shape}; resize it to theirs")
    # Both bytes in one number, whose histogram is the whole table.
    pairs = label.astype(np.uint16) << 8
    pairs |= prediction
    table = np.bincount(pairs.ravel(), minlength=1 << 16).reshape(256, 256)
    counts = table[:classes, :classes]
    if counts.sum() + table[IGNORE].sum() != label.size:
        raise ValueError(f"class indices of {classes} classes go from 0 to {classes - 1}, and 255 in labels alone")
    return Confusion(counts.astype(np.int64))


def measures(total: Confusion) -> Measures:
    """IoU and accuracy of everything that was compared; means are NaN where nothing was."""
    iou = _divided(total.intersection, total.union)
    accuracy = _divided(total.intersection, total.label)
    return Measures(
        iou,
        accuracy,
        _mean_of_known(iou),
        _mean_of_known(accuracy),
        float(_divided(total.intersection.sum(), total.label.sum())),
    )


def as_record(found: Measures, classes: tuple[str, ...]) -> dict[str, Any]:
    """Measures as JSON values: miou, macc, aacc, and iou and accuracy by class, None where there is none."""
    by_class = {
        name: {"iou": _known(iou), "accuracy": _known(accuracy)}
        for name, iou, accuracy in zip(classes, found.iou.tolist(), found.accuracy.tolist(), strict=True)
    }
    return {"miou": _known(found.miou), "macc": _known(found.macc), "aacc": _known(found.aacc), "classes": by_class}


def _divided(part: NDArray[np.int64], whole: NDArray[np.int64]) -> Shares:
    return np.asarray(np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=whole > 0))


def _mean_of_known(shares: Shares) -> float:
    known = shares[~np.isnan(shares)]
    return float(known.mean()) if known.size else float("nan")


def _known(share: float) -> float | None:
    return None if np.isnan(share) else share
