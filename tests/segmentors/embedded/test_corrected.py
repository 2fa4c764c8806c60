"""Every click after the first corrects the mask so far."""

import os
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from tamis.arrays import ImageArray, MaskArray
from tamis.clicks import Click, corrective_click
from tamis.errors import InputError
from tamis.segmentors.embedded.corrected import CorrectedRegions
from tamis.segmentors.embedded.model import Embedded
from tamis.segmentors.protocol import AnswersInTurn, TakesMask

pytest.importorskip("onnxruntime")


def discs() -> tuple[ImageArray, MaskArray, MaskArray]:
    """Two bright discs on a dark ground, and their masks."""
    y, x = np.mgrid[:200, :320]
    first, second = (y - 100) ** 2 + (x - 80) ** 2 < 50**2, (y - 100) ** 2 + (x - 230) ** 2 < 60**2
    noise = np.random.default_rng(0).normal(0, 4, (200, 320, 3))
    image = np.where((first | second)[:, :, None], (220.0, 90.0, 40.0), (30.0, 60.0, 50.0)) + noise
    return np.clip(image, 0, 255).astype(np.uint8), first, second


@pytest.fixture(scope="module")
def encoded() -> CorrectedRegions:
    return Embedded().encode(discs()[0])


def iou(mask: MaskArray, other: MaskArray) -> float:
    return float((mask & other).sum() / (mask | other).sum())


def test_it_takes_a_mask_and_answers_in_turn(encoded: CorrectedRegions) -> None:
    assert isinstance(encoded, TakesMask)
    assert isinstance(encoded, AnswersInTurn)


def test_a_mask_is_kept_where_nobody_clicked(encoded: CorrectedRegions) -> None:
    """What a person drew by hand, across regions, stays; the other disc is added or goes."""
    _, first, second = discs()
    drawn = np.zeros_like(first)
    drawn[60:140, 40:121] = first[60:140, 40:121]  # its sides are cut straight
    added = encoded.probability_from_mask(drawn, [Click(230, 100)]) > 0.5
    assert iou(added & ~second, drawn) > 0.9
    assert iou(added[:, 160:], second[:, 160:]) > 0.9
    less = encoded.probability_from_mask(first | second, [Click(230, 100, positive=False)]) > 0.5
    assert iou(less, first) > 0.9


def test_clicks_together_are_clicks_in_turn(encoded: CorrectedRegions) -> None:
    clicks = [Click(80, 100), Click(230, 100), Click(150, 20, positive=False)]
    answer = encoded.in_turn()
    for count in (1, 2, 3):
        told, asked = answer(clicks[:count]), encoded.probability(clicks[:count])
        np.testing.assert_array_equal(told, encoded.drawn(asked, clicks[:1]) if count == 1 else asked)
    assert told[20, 150] == 0
    assert told[100, 80] == told[100, 230] == 1


def test_the_border_of_an_answer_is_drawn_and_what_it_means_stays(encoded: CorrectedRegions) -> None:
    _, first, second = discs()
    rough = first.copy()
    rough[:, :40] = False  # a region that was not found, and one too many
    rough[95:105, 130:138] = True
    told = rough.astype(np.float32)
    drawn = encoded.drawn(told, [Click(80, 100)])
    np.testing.assert_array_equal(told > 0.5, rough)
    assert iou(drawn > 0.5, first) > iou(rough, first)
    assert not (drawn[second] > 0.5).any()


def test_a_narrow_answer_is_left_as_it_is(encoded: CorrectedRegions) -> None:
    line = np.zeros((200, 320), np.float32)
    line[95:105, 40:120] = 1
    np.testing.assert_array_equal(encoded.drawn(line, [Click(80, 100)]), line)


def test_negative_clicks_alone_make_no_mask(encoded: CorrectedRegions) -> None:
    assert not (encoded.probability([Click(80, 100, False), Click(20, 20, False)]) > 0.5).any()
    begun = encoded.probability([Click(20, 20, False), Click(80, 100)]) > 0.5
    assert iou(begun, discs()[1]) > 0.8


def test_a_further_click_of_the_same_sign_undoes_nothing(encoded: CorrectedRegions) -> None:
    """A positive click takes nothing away, a negative one adds nothing, not even in one region."""
    clicks = [Click(80, 100), Click(100, 110, False), Click(96, 118), Click(60, 80, False), Click(63, 84)]
    answer = encoded.in_turn()
    before = answer(clicks[:1]) > 0.5
    for count in range(2, len(clicks) + 1):
        after = answer(clicks[:count]) > 0.5
        assert (after >= before if clicks[count - 1].positive else after <= before).all()
        assert all(after[click.pixel] == click.positive for click in clicks[:count])
        before = after


def test_choices_are_corrected_too(encoded: CorrectedRegions) -> None:
    clicks = [Click(80, 100), Click(300, 10, positive=False)]
    masks, ratings = encoded.choices(clicks)
    assert masks.shape == (3, 200, 320)
    assert ratings.shape == (3,)
    assert (masks[:, 10, 300] == 0).all()


def test_a_correction_needs_a_click(encoded: CorrectedRegions) -> None:
    with pytest.raises(InputError, match="at least one click"):
        encoded.probability_from_mask(discs()[1], [])
    with pytest.raises(InputError, match="outside"):
        encoded.probability_from_mask(discs()[1], [Click(500, 3)])


@pytest.mark.data
@pytest.mark.skipif("TAMIS_DATA" not in os.environ, reason="real images: set TAMIS_DATA to their folder")
def test_every_click_makes_the_mask_of_a_real_object_better() -> None:
    from tamis.training.photographs import read_photographs

    root, curves = Path(os.environ["TAMIS_DATA"]) / "duts", []
    for photograph in islice(read_photographs("duts", root, "held-out", 384), 0, 40, 4):
        target = photograph.maps[0] == 1
        answer, mask = Embedded().encode(photograph.image).in_turn(), np.zeros_like(target)
        clicks: list[Click] = []
        curve: list[float] = []
        for _ in range(4):
            clicks.append(corrective_click(target, mask, clicks))
            mask = answer(clicks) > 0.5
            curve.append(iou(mask, target))
        curves.append(curve)
    means = np.mean(curves, axis=0)
    assert (np.diff(means) > -0.02).all()
    assert 1 - means[-1] < 0.75 * (1 - means[0])
    assert means[-1] > 0.85
