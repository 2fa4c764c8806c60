"""Crops, on cases made by hand."""

import numpy as np
import pytest

from tamis.segmentors.clickseg.boxes import contains, focus_box, merged, object_box, overlap


def rectangle(top: int, bottom: int, left: int, right: int) -> np.ndarray:
    mask = np.zeros((100, 200), bool)
    mask[top:bottom, left:right] = True
    return mask


def test_the_box_of_an_object_is_widened_about_its_middle() -> None:
    mask = rectangle(40, 60, 80, 120)  # rows 40 to 59, columns 80 to 119: 20 and 40 long
    assert object_box(mask, [], 1.4, 0) == (36, 64, 72, 128)  # round(49.5 ± 14), halves to even
    assert object_box(mask, [], 1.4, 50) == (24, 74, 72, 128)


def test_positive_clicks_outside_the_mask_belong_to_it() -> None:
    mask = rectangle(40, 60, 80, 120)
    assert object_box(mask, [(10, 150)], 1.0, 0) == (10, 60, 80, 150)


def test_a_box_is_cut_to_the_image() -> None:
    assert object_box(rectangle(0, 100, 0, 10), [], 1.4, 200) == (0, 99, 0, 104)


def test_the_last_row_and_column_of_a_crop_do_not_hold_a_click() -> None:
    assert contains((0, 10, 0, 10), [(9, 9)])
    assert not contains((0, 10, 0, 10), [(10, 9)])
    assert contains((0, 10, 0, 10), [])


@pytest.mark.parametrize(
    ("other", "wanted"), [((0, 9, 0, 9), 1.0), ((0, 9, 0, 4), 0.5), ((0, 4, 0, 4), 0.25), ((20, 29, 0, 9), 0.0)]
)
def test_overlap_is_a_product_of_two_ious(other: tuple[int, int, int, int], wanted: float) -> None:
    assert overlap((0, 9, 0, 9), other) == pytest.approx(wanted)


WHOLE = (0, 100, 0, 200)


def test_the_second_look_is_at_the_mask_if_there_was_none() -> None:
    box = focus_box(rectangle(40, 60, 80, 120), rectangle(0, 0, 0, 0), WHOLE, (50, 100), 1.0)
    assert box == (39, 59, 79, 119)  # int(49.5 ± 10), int(99.5 ± 20)


def test_then_at_what_has_changed_around_the_click() -> None:
    before = rectangle(40, 60, 80, 120)
    after = before | rectangle(40, 60, 120, 180) | rectangle(90, 95, 90, 99)
    assert focus_box(after, before, WHOLE, (50, 150), 1.0) == (39, 59, 119, 179)


def test_or_at_the_click_if_little_has_changed() -> None:
    before = rectangle(20, 80, 20, 180)
    after = before | rectangle(40, 44, 180, 184)
    top, bottom, left, right = focus_box(after, before, WHOLE, (42, 182), 1.0)
    reach = 0.2 * 163  # of the mask's longer side, columns 20 to 183
    assert (top, bottom) == (int(42 - (2 * reach + 1) / 2), int(42 + (2 * reach + 1) / 2))
    assert (left, right) == (int(182 - (2 * reach + 1) / 2), 200)


def test_a_second_look_stays_within_the_first() -> None:
    box = focus_box(rectangle(0, 100, 0, 200), rectangle(0, 0, 0, 0), (10, 50, 30, 60), (20, 40), 1.4)
    assert box == (10, 50, 30, 60)


def test_of_what_changes_only_the_part_at_the_click_is_kept() -> None:
    before = rectangle(40, 60, 80, 120)
    after = before | rectangle(10, 20, 10, 20) | rectangle(10, 20, 50, 60)
    assert np.array_equal(merged(after, before, (15, 15)), before | rectangle(10, 20, 10, 20))
    smaller = before & ~rectangle(40, 50, 80, 90) & ~rectangle(55, 60, 110, 120)
    assert np.array_equal(merged(smaller, before, (45, 85)), before & ~rectangle(40, 50, 80, 90))
