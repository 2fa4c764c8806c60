import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tamis.arrays import ProbabilityArray
from tamis.errors import InputError
from tamis.evaluation import combining

answers = hnp.arrays(
    np.float32, hnp.array_shapes(min_dims=3, max_dims=3, max_side=4), elements=st.floats(0, 1, width=32)
)


def test_maximum_certainty_takes_the_answer_farthest_from_one_half() -> None:
    two = np.array([[0.6, 0.9, 0.2], [0.1, 0.4, 0.8]], dtype=np.float32)
    assert combining.max_certainty(two) == pytest.approx([0.1, 0.9, 0.2])  # a tie goes to the first click


def test_means_by_hand() -> None:
    two = np.array([[0.5], [0.9]], dtype=np.float32)
    assert combining.mean(two) == pytest.approx([0.7])
    assert combining.log_mean(two) == pytest.approx([0.75])  # odds 1 and 9 have the geometric mean 3
    # Weights 1 / .25 = 4 and 1 / .09 = 11.1: (4 · .5 + 11.1 · .9) / 15.1.
    assert combining.inverse_uncertainty(two) == pytest.approx([0.794118], abs=1e-4)


def test_triangulation_is_the_law_of_total_probability() -> None:
    if_inside, if_outside = np.array([0.9, 0.2], np.float32), np.array([0.1, 0.6], np.float32)
    assert combining.triangulate(if_inside, if_outside, 1.0) == pytest.approx(if_inside)
    assert combining.triangulate(if_inside, if_outside, 0.25) == pytest.approx([0.3, 0.5])


@given(answers)
def test_every_rule_stays_between_the_answers(probabilities: ProbabilityArray) -> None:
    low, high = probabilities.min(axis=0) - 1e-4, probabilities.max(axis=0) + 1e-4
    for rule in combining.RULES.values():
        result = rule(probabilities)
        assert result.dtype == np.float32
        assert ((low <= result) & (result <= high)).all()


@given(answers)
def test_one_answer_is_itself(probabilities: ProbabilityArray) -> None:
    for rule in combining.RULES.values():
        assert rule(probabilities[:1]) == pytest.approx(probabilities[0], abs=1e-5)


@pytest.mark.parametrize("rule", combining.RULES.values())
def test_no_answers_cannot_be_combined(rule: combining.Rule) -> None:
    with pytest.raises(InputError, match="at least one click"):
        rule(np.zeros((0, 2, 2), dtype=np.float32))
