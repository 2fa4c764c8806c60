"""Clicks, boxes and granularities, asked of segmentors of every kind."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from tamis import Click
from tamis.annotation.answers import answer_prompt
from tamis.annotation.problems import RequestError
from tamis.arrays import MaskArray, ProbabilityArray
from tamis.clicks import ordered_box
from tamis.errors import InputError
from tamis.regions.encoded import EncodedRegions


@pytest.fixture
def quarters() -> EncodedRegions:
    """20 × 20 in four regions; of two granularities the coarser takes the upper or the lower half."""
    rows, columns = np.mgrid[:20, :20]
    region_map = (2 * (rows >= 10) + (columns >= 10)).astype(np.uint16)
    halves = np.kron(np.eye(2), np.ones((2, 2)))
    answers = (np.stack([np.eye(4), halves]) * 230).astype(np.uint8)
    ratings = np.array([[200] * 4, [100] * 4], np.uint8)
    return EncodedRegions(np.zeros((20, 20, 3), np.uint8), region_map, answers, np.zeros((4, 1), np.float32), ratings)


class Prompted:
    """A segmentor that takes boxes and masks, and gives choices."""

    shape = (20, 20)

    def probability(self, clicks: Sequence[Click]) -> ProbabilityArray:
        return np.full(self.shape, 0.9, np.float32)

    def probabilities(self, clicks: Sequence[Click]) -> ProbabilityArray:
        return np.full((len(clicks), *self.shape), 0.9, np.float32)

    def probability_in_box(self, box: tuple[float, float, float, float]) -> ProbabilityArray:
        answer = np.zeros(self.shape, np.float32)
        left, top, right, bottom = (int(value) for value in box)
        answer[top:bottom, left:right] = 0.8
        return answer

    def probability_from_mask(self, mask: MaskArray, clicks: Sequence[Click]) -> ProbabilityArray:
        answer = mask.astype(np.float32)
        for click in clicks:
            answer[click.pixel] = click.positive
        return answer

    def choices(self, clicks: Sequence[Click]) -> tuple[ProbabilityArray, NDArray[np.float32]]:
        answers = np.zeros((3, *self.shape), np.float32)
        for answer, size in zip(answers, (20, 5, 10), strict=True):
            answer[:size] = 1
        return answers, np.ones(3, np.float32)


def area(probability: ProbabilityArray) -> int:
    return int((probability > 0.5).sum())


def test_granularities_of_regions(quarters: EncodedRegions) -> None:
    assert area(answer_prompt(quarters, [Click(3, 3)], None, 0)) == 100
    assert area(answer_prompt(quarters, [Click(3, 3)], None, 1)) == 100
    wide = answer_prompt(quarters, [Click(3, 3)], None, 2)
    assert area(wide) == 200
    assert (wide[:10] > 0.5).all()
    with pytest.raises(RequestError, match="there is no granularity 3 to be had here: 2 is the last"):
        answer_prompt(quarters, [Click(3, 3)], None, 3)
    with pytest.raises(RequestError, match="needs at least one click"):
        answer_prompt(quarters, [], None, 1)


def test_granularities_of_choices_go_from_small_to_large() -> None:
    clicks = [Click(3, 3)]
    assert [area(answer_prompt(Prompted(), clicks, None, level)) for level in range(4)] == [400, 100, 200, 400]
    with pytest.raises(RequestError, match="3 is the last"):
        answer_prompt(Prompted(), clicks, None, 4)


def test_a_box_for_a_segmentor_of_clicks(quarters: EncodedRegions) -> None:
    answer = answer_prompt(quarters, [], (9, 11, 21, 19), 0)  # mostly the lower right quarter
    assert area(answer) == 8 * 10  # of the quarter, what is in the box
    assert (answer[11:19, 10:] > 0.5).all()


def test_clicks_within_a_box(quarters: EncodedRegions) -> None:
    answer = answer_prompt(quarters, [Click(3, 3)], (0, 0, 5.5, 4), 0)
    assert area(answer) == 6 * 4
    assert (answer[:4, :6] > 0.5).all()


def test_a_box_for_a_segmentor_of_boxes() -> None:
    assert area(answer_prompt(Prompted(), [], (2, 2, 6, 7), 0)) == 20
    assert area(answer_prompt(Prompted(), [Click(19, 19), Click(3, 3, positive=False)], (6, 7, 2, 2), 0)) == 20


def test_boxes_are_put_in_order_and_cut(quarters: EncodedRegions) -> None:
    assert ordered_box((30, 5, -3, -5), (20, 20)) == (0.0, 0.0, 20.0, 5.0)
    for box in ((30, 5, 40, 9), (5, 5, 5, 9), (float("nan"), 0, 5, 5)):
        with pytest.raises(InputError, match="holds no pixel of the 20x20 image"):
            ordered_box(box, (20, 20))
    with pytest.raises(RequestError, match="at least one click, or a box"):
        answer_prompt(quarters, [], None, 0)
