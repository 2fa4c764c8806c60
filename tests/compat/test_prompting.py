"""Any segmentor asked in SAM's way, and what it gives in SAM's form."""

from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from tamis.arrays import MaskArray, ProbabilityArray
from tamis.clicks import Click
from tamis.compat.prompting import LOW, clicks_at, predict_each, predict_masks
from tamis.errors import InputError


class Plain:
    """Answers each click with the half of the image that it is in."""

    shape = (20, 30)

    def probability(self, clicks: Sequence[Click]) -> ProbabilityArray:
        answer = np.full(self.shape, 0.1, np.float32)
        for click in clicks:
            side = slice(0, 15) if click.x < 15 else slice(15, 30)
            answer[:, side] = 0.9 if click.positive else 0.05
        return answer

    def probabilities(self, clicks: Sequence[Click]) -> ProbabilityArray:
        return np.stack([self.probability([click]) for click in clicks])


class Able(Plain):
    """The same with all that one can be asked for besides."""

    def scores(self, clicks: Sequence[Click]) -> NDArray[np.float32]:
        return np.full(len(clicks), 0.7, np.float32)

    def choices(self, clicks: Sequence[Click]) -> tuple[ProbabilityArray, NDArray[np.float32]]:
        return np.stack([self.probability(clicks)] * 3), np.array([0.1, 0.2, 0.3], np.float32)

    def probability_from_mask(self, mask: MaskArray, clicks: Sequence[Click]) -> ProbabilityArray:
        return mask.astype(np.float32)


class Alone(Plain):
    """Answers many clicks singly."""

    def alone(self, clicks: Sequence[Click]) -> Iterator[ProbabilityArray]:
        return (self.probability([click]) for click in clicks)


def test_points_are_counted_from_the_first_pixels_centre() -> None:
    found = clicks_at(np.array([[0.0, 0.0], [29.9, -3.0]]), [1, 0], (20, 30))
    assert (found[0].x, found[0].y, found[0].positive) == (0.5, 0.5, True)
    assert found[1].x < 30
    assert (found[1].y, found[1].positive) == (0, False)


def test_one_answer_of_a_plain_segmentor() -> None:
    found = predict_masks(Plain(), [Click(3, 3)], None, None, several=True)
    assert found.logits.shape == (1, 20, 30)
    assert found.low.shape == (1, LOW, LOW)
    assert ((found.logits[0] > 0)[:, :15]).all()
    assert 0 < found.ious[0] < 1
    with pytest.raises(InputError, match="needs points or a box"):
        predict_masks(Plain(), [], None, None, several=False)


def test_abilities_are_used() -> None:
    assert predict_masks(Able(), [Click(3, 3)], None, None, several=True).ious == pytest.approx([0.1, 0.2, 0.3])
    assert predict_masks(Able(), [Click(3, 3)], None, None, several=False).ious == pytest.approx([0.7])
    low = np.full((LOW, LOW), -5, np.float32)
    low[: LOW // 2] = 5  # of the padded square, so the upper half of what is as wide as high
    begun = predict_masks(Able(), [Click(3, 3)], None, low, several=False)
    assert (begun.logits[0] > 0)[:15].all()
    assert not (begun.logits[0] > 0)[16:].any()


def test_a_box_for_a_segmentor_of_clicks_is_answered_within_it() -> None:
    inside = predict_masks(Plain(), [], (2, 3, 14, 17), None, several=False).logits[0] > 0
    assert inside[3:17, 2:14].all()
    assert inside.sum() == 14 * 12


@pytest.mark.parametrize("encoded", [Plain(), Able(), Alone()])
def test_many_clicks_each_alone(encoded: Plain) -> None:
    found = list(predict_each(encoded, [Click(3, 3), Click(20, 3)]))
    assert [number for number, _, _ in found] == [0, 1]
    assert (found[0][1][0] > 0)[:, :15].all()
    assert (found[1][1][0] > 0)[:, 15:].all()
    assert len(found[0][1]) == len(found[0][2]) == (3 if isinstance(encoded, Able) else 1)
