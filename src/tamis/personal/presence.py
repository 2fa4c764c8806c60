"""Is it there at all? Receiver operating characteristic of scores of pairs with and without the object."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tamis.errors import InputError


@dataclass(frozen=True)
class Roc:
    """A curve from (0, 0) to (1, 1) and what follows from it.

    Attributes:
        false_positive_rates: (K,) float64, rising.
        true_positive_rates: (K,) float64.
        thresholds: (K,) float64, falling: present is what scores at least as much; the first is infinite.
        auc: area below; the probability that a pair with the object scores higher than one without, ties by half.
        best_threshold: where true minus false positive rate is largest (Youden's J), half-way to the next score.
        best_accuracy: the mean of true positive and true negative rate there.
    """

    false_positive_rates: NDArray[np.float64]
    true_positive_rates: NDArray[np.float64]
    thresholds: NDArray[np.float64]
    auc: float
    best_threshold: float
    best_accuracy: float

    def at(self, threshold: float) -> tuple[float, float]:
        """(false positive rate, true positive rate) if scores from a threshold on mean present."""
        place = int(np.flatnonzero(self.thresholds >= threshold)[-1])
        return float(self.false_positive_rates[place]), float(self.true_positive_rates[place])

    def record(self) -> dict[str, Any]:
        """For JSON; the rates at the best threshold and at one half besides."""
        return {
            "auc": round(self.auc, 4),
            "best_threshold": round(self.best_threshold, 4),
            "best_accuracy": round(self.best_accuracy, 4),
            "best": self._rates(self.best_threshold),
            "at_half": self._rates(0.5),
        }

    def _rates(self, threshold: float) -> dict[str, float]:
        false, true = self.at(threshold)
        return {"false_positive_rate": round(false, 4), "true_positive_rate": round(true, 4)}


def roc(present: ArrayLike, absent: ArrayLike) -> Roc:
    """The curve of the scores of pairs with the object and of those without.

    Raises:
        InputError: there is none of either.

    >>> roc([0.9, 0.4], [0.4, 0.1]).auc
    0.875
    """
    yes, no = np.asarray(present, np.float64), np.asarray(absent, np.float64)
    if not len(yes) or not len(no):
        raise InputError("presence needs pairs with the object and pairs without: one kind is missing")
    scores = np.concatenate([yes, no])
    values = np.unique(scores)[::-1]
    true = np.array([(yes >= value).mean() for value in values])
    false = np.array([(no >= value).mean() for value in values])
    true, false = np.concatenate([[0.0], true]), np.concatenate([[0.0], false])
    auc = float(((true[1:] + true[:-1]) / 2 * np.diff(false)).sum())
    best = int((true - false).argmax())
    low = values[best] if best < len(values) else values[-1]
    threshold = float((values[max(best - 1, 0)] + low) / 2)
    return Roc(
        false, true, np.concatenate([[np.inf], values]), auc, threshold, float((1 + true[best] - false[best]) / 2)
    )


def logistic_of(present: ArrayLike, absent: ArrayLike) -> tuple[float, float]:
    """Slope and offset of the logistic that makes P(present) of scores, both kinds of pairs weighing the same.

    Platt's smoothed targets, (n + 1) / (n + 2) for n pairs with the object and 1 / (m + 2) for m without (Advances in
    Large Margin Classifiers, 1999), keep the slope finite where no threshold errs.

    Raises:
        InputError: there is none of either.

    >>> slope, offset = logistic_of([0.9, 0.8, 0.5], [0.2, 0.3, 0.6])
    >>> round(-offset / slope, 2)
    0.55
    """
    from scipy.optimize import minimize
    from scipy.special import expit

    yes, no = np.asarray(present, np.float64), np.asarray(absent, np.float64)
    if not len(yes) or not len(no):
        raise InputError("presence needs pairs with the object and pairs without: one kind is missing")
    scores = np.concatenate([yes, no])
    targets = np.concatenate([np.full(len(yes), (len(yes) + 1) / (len(yes) + 2)), np.full(len(no), 1 / (len(no) + 2))])
    weights = np.concatenate([np.full(len(yes), 0.5 / len(yes)), np.full(len(no), 0.5 / len(no))])

    def loss(line: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        odds = line[0] * scores + line[1]
        errors = weights * (expit(odds) - targets)
        told = weights * (np.logaddexp(0, odds) - targets * odds)
        return float(told.sum()), np.array([errors @ scores, errors.sum()])

    slope, offset = minimize(loss, np.zeros(2), jac=True, method="BFGS", options={"gtol": 1e-8}).x
    return float(slope), float(offset)


def roc_points(curve: Roc) -> Sequence[tuple[float, float]]:
    """(false positive rate, true positive rate) of each threshold, for a chart."""
    return list(zip(curve.false_positive_rates.tolist(), curve.true_positive_rates.tolist(), strict=True))
