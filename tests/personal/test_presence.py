"""The ROC is tested where it is reported (tests/evaluation/test_personalized.py)."""

import numpy as np
import pytest

from tamis.errors import InputError
from tamis.personal.presence import logistic_of


def newton(present: list[float], absent: list[float]) -> tuple[float, float]:
    """Slope and offset by Newton's method, pair after pair."""
    pairs = [(x, (len(present) + 1) / (len(present) + 2), 0.5 / len(present)) for x in present]
    pairs += [(x, 1 / (len(absent) + 2), 0.5 / len(absent)) for x in absent]
    slope = offset = 0.0
    for _ in range(50):
        gradient, curvature = np.zeros(2), np.zeros((2, 2))
        for x, target, weight in pairs:
            told = 1 / (1 + np.exp(-(slope * x + offset)))
            gradient += weight * (told - target) * np.array([x, 1])
            curvature += weight * told * (1 - told) * np.outer([x, 1], [x, 1])
        slope, offset = np.array([slope, offset]) - np.linalg.solve(curvature, gradient)
    return slope, offset


def test_the_logistic_is_the_one_that_newtons_method_finds() -> None:
    rng = np.random.default_rng(0)
    present, absent = rng.normal(0.7, 0.1, 20).tolist(), rng.normal(0.3, 0.1, 300).tolist()
    assert logistic_of(present, absent) == pytest.approx(newton(present, absent), rel=1e-3)


def test_it_is_finite_where_no_threshold_errs_and_half_way_between() -> None:
    slope, offset = logistic_of([0.8, 0.9], [0.1, 0.2])
    assert 0 < slope < 100
    assert -offset / slope == pytest.approx(0.5, abs=1e-3)


def test_both_kinds_of_pairs_are_needed() -> None:
    with pytest.raises(InputError, match="one kind is missing"):
        logistic_of([0.5], [])
