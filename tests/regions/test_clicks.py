from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.clicks import Click
from tamis.regions.clicks import SURE, answer_by_region, as_bytes, granularities_of, split_contested

ANSWERS = np.array([[230, 204, 5], [153, 230, 76], [5, 178, 230]], np.uint8)


def joined(*clicks: tuple[int, bool], answers: np.ndarray = ANSWERS) -> np.ndarray:
    clicked, positive = np.array([c[0] for c in clicks]), np.array([c[1] for c in clicks])
    return answer_by_region(answers[clicked], clicked, positive)


def test_one_click_is_its_row_and_sure_of_its_own_region() -> None:
    np.testing.assert_allclose(joined((0, True)), [0.95, 204 / 255, 5 / 255], rtol=1e-6)


def test_a_further_click_adds_an_object_that_the_first_was_certain_not_to_mean() -> None:
    answers = np.array([[230, 5, 5], [5, 230, 204], [5, 178, 230]], np.uint8)
    np.testing.assert_allclose(joined((0, True), (2, True), answers=answers), [0.95, 178 / 255, 0.95], rtol=1e-6)


def test_a_negative_click_takes_away_what_goes_with_it() -> None:
    # Region 1: odds 204 / 51 · 77 / 178; region 0 does not go with region 2, so nothing is said of it.
    odds = 204 / 51 * 77 / 178
    np.testing.assert_allclose(joined((0, True), (2, False)), [0.95, odds / (1 + odds), 0.0], rtol=1e-6)


def test_a_negative_click_alone_leaves_the_rest_undecided() -> None:
    np.testing.assert_allclose(joined((2, False)), [0.5, 77 / 255, 0.0], rtol=1e-6)


def test_two_clicks_that_are_both_certain_leave_a_region_undecided() -> None:
    answers = np.array([[255, 0, 255], [0, 255, 255], [0, 0, 255]], np.uint8)
    assert joined((0, True), (1, False), answers=answers)[2] == 0.5


def test_a_negative_click_makes_the_first_mean_a_part() -> None:
    """Regions 0 and 1 are two objects; a group of both is what is rated best."""
    alone, group = np.eye(3) * 255, np.array([[255, 255, 0], [255, 255, 0], [0, 0, 255]])
    answers = np.stack([alone, alone, group]).astype(np.uint8)
    ratings = np.array([[100] * 3, [100] * 3, [220] * 3], np.uint8)

    def chosen(*clicks: tuple[int, bool]) -> list[int]:
        clicked, positive = np.array([c[0] for c in clicks]), np.array([c[1] for c in clicks])
        return list(granularities_of(answers, ratings, clicked, positive))

    assert chosen((0, True)) == [2]
    assert chosen((0, True), (1, False)) == [1, 1]  # the middle one is preferred of two that agree
    assert chosen((0, True), (1, True)) == [2, 2]
    assert chosen((0, True), (2, False)) == [2, 2]


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=1, max_size=6), st.integers(0, 2**32 - 1))
def test_at_one_half_the_larger_answer_wins(clicks: list[tuple[int, bool]], seed: int) -> None:
    answers = as_bytes(np.random.default_rng(seed).random((5, 5)).astype(np.float32))
    result = joined(*clicks, answers=answers) > 0.5
    wanted = [row for row, positive in clicks if positive]
    refused = [row for row, positive in clicks if not positive]
    for region in range(5):
        yes = max((Fraction(int(answers[row, region]), 255) for row in wanted), default=Fraction(1, 2))
        no = max([Fraction(int(answers[row, region]), 255) for row in refused] + [Fraction(1, 2)])
        expected = region in wanted or (yes > no and region not in refused)
        assert result[region] == expected


def test_a_contested_region_is_split_by_nearness() -> None:
    full = np.full((1, 6), 0.5, np.float32)
    fine_map = np.zeros((1, 6), np.uint16)
    clicks = [Click.at_pixel(0, 1), Click.at_pixel(0, 4, positive=False)]
    split_contested(full, fine_map, np.array([0, 0]), clicks)
    np.testing.assert_allclose(full[0], [SURE] * 3 + [1 - SURE] * 3)


@pytest.mark.parametrize("probability", [0.0, 0.2, 0.4999, 0.5001, 1.0])
def test_bytes_keep_the_side_of_one_half_and_are_near(probability: float) -> None:
    byte = int(as_bytes(np.array([probability], np.float32))[0])
    assert (byte / 255 > 0.5) == (probability > 0.5)
    assert abs(byte / 255 - probability) <= 1 / 100
