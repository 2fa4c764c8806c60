from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from scipy import ndimage

from tamis.arrays import MaskArray
from tamis.clicks import (
    Click,
    center_click,
    corrective_click,
    grid_clicks,
    pixels_at,
    random_click,
    require_inside,
    uncertain_click,
    with_clicked_pixels,
)
from tamis.errors import InputError

Pixel: TypeAlias = tuple[int, int]

masks = hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12))


def test_a_click_belongs_to_the_pixel_whose_square_holds_it() -> None:
    assert Click(0, 0).pixel == (0, 0)
    assert Click(1.999, 2.0).pixel == (2, 1)
    assert Click.at_pixel(4, 7) == Click(x=7.5, y=4.5)


def test_clicks_outside_the_image_are_named() -> None:
    require_inside([Click(0, 0), Click(9.99, 4.99)], (5, 10))
    for x, y in [(10, 0), (0, 5), (-0.1, 0), (float("nan"), 0)]:
        with pytest.raises(InputError, match="lies outside the 10x5 image"):
            require_inside([Click(x, y)], (5, 10))


def test_pixels_in_a_smaller_copy_cover_the_same_place() -> None:
    rows, columns = pixels_at([Click(0, 0), Click(99.999, 49.999), Click(50, 10)], (50, 100), (5, 10))
    assert rows.tolist() == [0, 4, 1]
    assert columns.tolist() == [0, 9, 5]


@pytest.mark.parametrize("clicker", [center_click, lambda mask: random_click(mask, np.random.default_rng(0))])
def test_an_empty_mask_has_no_click(clicker: Callable[[MaskArray], Click]) -> None:
    with pytest.raises(InputError, match="mask is empty"):
        clicker(np.zeros((4, 4), bool))


def test_center_click_is_the_deepest_point_and_the_border_counts_as_outside() -> None:
    assert center_click(np.ones((5, 7), bool)).pixel == (2, 2)  # the first of the three that are 3 pixels deep
    mask = np.zeros((9, 9), bool)
    mask[0:3, 0:3] = mask[4:9, 4:9] = True
    assert center_click(mask).pixel == (6, 6)


def test_a_tie_between_the_errors_gives_a_negative_click() -> None:
    target, prediction = np.zeros((3, 9), bool), np.zeros((3, 9), bool)
    target[:, :3] = prediction[:, 6:] = True
    click = corrective_click(target, prediction)
    assert (click.pixel, click.positive) == ((1, 7), False)


def test_ignored_and_clicked_pixels_are_not_clicked() -> None:
    target = np.ones((3, 3), bool)
    nothing = np.zeros((3, 3), bool)
    first = corrective_click(target, nothing)
    assert first.pixel == (1, 1)
    assert corrective_click(target, nothing, [first]).pixel == (0, 0)
    valid = np.zeros((3, 3), bool)
    valid[2, 0] = True
    assert corrective_click(target, nothing, valid=valid).pixel == (2, 0)


def test_a_perfect_prediction_leaves_nothing_to_click() -> None:
    target = np.eye(4, dtype=bool)
    with pytest.raises(InputError, match="nothing to correct"):
        corrective_click(target, target)


@given(masks, st.randoms(use_true_random=False))
def test_corrective_click_equals_scipy_on_any_two_masks(target: MaskArray, random: Any) -> None:
    prediction = target.copy()
    for _ in range(random.randint(1, 8)):
        prediction[random.randrange(target.shape[0]), random.randrange(target.shape[1])] ^= True
    if (target == prediction).all():
        return
    click = corrective_click(target, prediction)
    assert (click.pixel, click.positive) == by_scipy(target, prediction)


@pytest.mark.data
def test_corrective_click_equals_scipy_on_real_masks(data: Path) -> None:
    files = sorted((data / "davis" / "Annotations").rglob("*.png"))
    for wanted, predicted in zip(files[:6], files[3:9], strict=True):
        target, prediction = np.array(Image.open(wanted)) > 0, np.array(Image.open(predicted)) > 0
        click = corrective_click(target, prediction)
        assert (click.pixel, click.positive) == by_scipy(target, prediction)


def test_random_click_is_uniform_over_the_mask() -> None:
    mask = np.zeros((4, 5), bool)
    mask[1, 1:4] = mask[3, 0] = True
    rng = np.random.default_rng(0)
    rows, columns = np.array([random_click(mask, rng).pixel for _ in range(4000)]).T
    counts = np.zeros(mask.shape)
    np.add.at(counts, (rows, columns), 1)
    assert (counts[~mask] == 0).all()
    chi_square = ((counts[mask] - 1000) ** 2 / 1000).sum()
    assert chi_square < 16.3  # the 99.9 % quantile at 3 degrees of freedom


def test_uncertain_click_finds_the_probability_nearest_one_half() -> None:
    probability = np.array([[0.9, 0.52], [0.45, 0.1]], dtype=np.float32)
    assert uncertain_click(probability).pixel == (0, 1)
    assert uncertain_click(probability, among=np.array([[True, False], [True, True]])).pixel == (1, 0)
    with pytest.raises(InputError, match="mask is empty"):
        uncertain_click(probability, among=np.zeros((2, 2), bool))


def test_grid_clicks_are_sams_grid() -> None:
    clicks = grid_clicks(32, (480, 640))
    assert len(clicks) == 1024
    assert (clicks[0].x, clicks[0].y) == (10, 7.5)
    assert (clicks[1].x, clicks[1].y) == (30, 7.5)  # x runs fastest
    assert (clicks[-1].x, clicks[-1].y) == (630, 472.5)
    with pytest.raises(InputError, match="at least 1 click"):
        grid_clicks(0, (10, 10))


def by_scipy(target: MaskArray, prediction: MaskArray) -> tuple[Pixel, bool]:
    """RITM's clicker, written anew with scipy's exact transform."""

    def deepest(error: MaskArray) -> tuple[float, Pixel]:
        depth = ndimage.distance_transform_edt(np.pad(error, 1))[1:-1, 1:-1]
        row, column = np.unravel_index(np.argmax(depth), depth.shape)
        return float(depth[row, column]), (int(row), int(column))

    missed, excess = deepest(target & ~prediction), deepest(prediction & ~target)
    return (missed[1], True) if missed[0] > excess[0] + 1e-4 else (excess[1], False)


def test_clicks_own_pixels_are_what_the_clicks_say() -> None:
    probability = np.full((2, 3), 0.9, dtype=np.float32)
    kept = with_clicked_pixels(probability, [Click(2.2, 0.7, positive=False), Click(0.5, 1.5)])
    assert kept[0, 2] == 0
    assert kept[1, 0] == 1
    assert (probability == np.float32(0.9)).all()  # the argument is untouched
