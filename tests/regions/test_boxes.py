import numpy as np
import pytest

from tamis.errors import InputError
from tamis.regions.boxes import click_for_box, probability_in_box, region_boxes
from tamis.regions.encoded import EncodedRegions


@pytest.fixture
def quarters() -> EncodedRegions:
    """20 × 20 in four regions; of two granularities the coarser takes the upper or the lower half."""
    rows, columns = np.mgrid[:20, :20]
    region_map = (2 * (rows >= 10) + (columns >= 10)).astype(np.uint16)
    halves = np.kron(np.eye(2), np.ones((2, 2)))
    answers = (np.stack([np.eye(4), halves]) * 230).astype(np.uint8)
    ratings = np.array([[200] * 4, [200] * 4], np.uint8)
    return EncodedRegions(np.zeros((20, 20, 3), np.uint8), region_map, answers, np.zeros((4, 1), np.float32), ratings)


def test_a_box_around_a_quarter_and_one_around_a_half(quarters: EncodedRegions) -> None:
    click, granularity = click_for_box(quarters, (9, 10, 20, 20))
    assert (click.x, click.y, granularity) == (14.5, 14.5, 0)  # the pixel of the quarter nearest to (14.5, 15)
    assert np.argwhere(probability_in_box(quarters, (9, 10, 20, 20)) > 0.5).min(axis=0).tolist() == [10, 10]
    _, granularity = click_for_box(quarters, (0, 0, 20, 10))
    assert granularity == 1


def test_nothing_is_outside_the_box(quarters: EncodedRegions) -> None:
    found = probability_in_box(quarters, (2.5, 2, 9, 8.2)) > 0.5
    assert found[2:9, 2:9].all()
    assert found.sum() == 7 * 7


def test_corners_in_any_order_and_boxes_outside(quarters: EncodedRegions) -> None:
    one, other = probability_in_box(quarters, (1, 2, 9, 8)), probability_in_box(quarters, (9, 8, 1, 2))
    assert (one == other).all()
    with pytest.raises(InputError, match="holds no pixel of the 20x20 image"):
        probability_in_box(quarters, (30, 5, 40, 9))


def test_boxes_of_regions_that_have_no_pixel_are_zero() -> None:
    boxes = region_boxes(np.array([[0, 0, 2], [0, 2, 2]], np.uint16), 4)
    assert boxes.tolist() == [[0, 0, 2, 2], [0, 0, 0, 0], [1, 0, 3, 2], [0, 0, 0, 0]]
