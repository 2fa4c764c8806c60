"""Small parts and holes go where nobody clicked, and nothing else does."""

import numpy as np
import pytest

from tamis.arrays import MaskArray, ProbabilityArray
from tamis.clicks import Click
from tamis.segmentors.embedded.specks import remove_specks


def drawn(side: int = 200) -> tuple[ProbabilityArray, MaskArray]:
    """A square with a small hole, a speck beside it, and what the mask is without both."""
    unit = side // 100
    mask = np.zeros((side, side), bool)
    mask[20 * unit : 80 * unit, 20 * unit : 80 * unit] = True
    clean = mask.copy()
    mask[50 * unit : 53 * unit, 50 * unit : 53 * unit] = False
    mask[90 * unit : 93 * unit, 90 * unit : 94 * unit] = True
    return np.where(mask, np.float32(0.9), np.float32(0.2)), clean


def test_specks_go() -> None:
    answer, clean = drawn()
    remove_specks(answer, None, [Click(60, 60)])
    np.testing.assert_array_equal(answer > 0.5, clean)
    assert set(np.unique(answer[clean])) == {np.float32(0.9), np.float32(0.95)}, "all else keeps its probability"


def test_specks_that_were_clicked_on_stay() -> None:
    answer, _ = drawn()
    before = answer.copy()
    remove_specks(answer, None, [Click(60, 60), Click(102, 102, positive=False), Click(182, 182)])
    np.testing.assert_array_equal(answer, before)


def test_specks_of_somebody_elses_mask_stay() -> None:
    answer, clean = drawn()
    mask = answer > 0.5
    before = answer.copy()
    remove_specks(answer, mask, [Click(60, 60)])
    np.testing.assert_array_equal(answer, before)
    answer[70:72, 120:124] = 0.1  # a hole that a click has made, far from it
    remove_specks(answer, mask, [Click(60, 60)])
    np.testing.assert_array_equal(answer > 0.5, mask)
    assert clean.sum() > mask.sum() - 24


def test_what_a_change_cuts_off_goes() -> None:
    """Its own pixels are what they were: it is a speck because of what lay between it and the rest."""
    answer, clean = drawn()
    answer[~clean] = 0.2
    mask = answer > 0.5
    answer[40:60, 40:80] = 0.1
    answer[50:52, 60:63] = 0.9
    answer[59:61, 60] = 0.1
    remove_specks(answer, mask, [Click(150, 150), Click(42, 42, positive=False)])
    assert not (answer[40:60, 40:80] > 0.5).any()


def test_a_speck_goes_with_its_hole() -> None:
    answer, clean = drawn()
    answer[181, 182] = 0.2
    remove_specks(answer, None, [Click(60, 60)])
    np.testing.assert_array_equal(answer > 0.5, clean)


def test_small_masks_keep_small_parts() -> None:
    answer = np.zeros((50, 50), np.float32)
    answer[10:14, 10:14] = answer[20:22, 20:22] = answer[30, 30] = 1
    before = answer.copy()
    remove_specks(answer, None, [Click(11.5, 11.5)])
    np.testing.assert_array_equal(answer, before)


def test_what_reaches_the_edge_is_no_hole() -> None:
    answer = np.ones((60, 60), np.float32)
    answer[:3, 10:13] = 0
    answer[30:33, 30:33] = 0
    remove_specks(answer, None, [Click(50, 50)])
    assert (answer[:3, 10:13] == 0).all()
    assert (answer[3:] > 0.5).all()


def test_parts_that_meet_at_a_corner_are_two() -> None:
    """And what is outside is one there: a hole that meets it at a corner is none."""
    answer, clean = drawn()
    answer[~clean] = 0.2
    answer[160:163, 160:163] = 0.9
    answer[clean] = 0.9
    answer[157:160, 41:44] = answer[160:163, 44:47] = 0.2
    remove_specks(answer, None, [Click(60, 60)])
    assert not (answer[160:] > 0.5).any()
    assert not (answer[157:160, 41:44] > 0.5).any()


@pytest.mark.parametrize("side", [2000, 2600])
def test_large_images_are_looked_at_by_samples(side: int) -> None:
    answer, clean = drawn(side)
    remove_specks(answer, None, [Click(side * 0.3, side * 0.3)])
    np.testing.assert_array_equal(answer > 0.5, clean)


@pytest.mark.parametrize("side", [3201, 3202, 3203, 3204])
def test_a_speck_at_the_end_of_a_large_image_goes(side: int) -> None:
    """Samples are four pixels apart, and what is left over at the end may be too little for one."""
    answer = np.full((1500, side), 0.2, np.float32)
    answer[200:1200, 200:1200] = 0.9
    answer[-60:, -60:] = 0.9
    remove_specks(answer, None, [Click(500, 500)])
    assert (answer[-60:-3, -60:-3] < 0.5).all()
    assert (answer[200:1200, 200:1200] > 0.5).all()


def test_no_mask_at_all() -> None:
    answer = np.zeros((20, 20), np.float32)
    remove_specks(answer, None, [Click(3, 3, positive=False)])
    assert not answer.any()
