import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.mask import Masks, iou_matrix
from tamis.proposals.nms import by_masks
from tamis.proposals.order import as_kept, by_gain
from tests.proposals.test_nms import some_unions


def strips(*bounds: tuple[int, int]) -> Masks:
    """Masks of a row of a hundred pixels, each from one pixel to another."""
    places = np.arange(100)
    return Masks.from_dense(np.stack([(places >= first) & (places < last) for first, last in bounds])[:, None])


@given(st.integers(0, 500))
def test_each_next_mask_adds_most_to_the_iou_with_all_that_clicks_gave(seed: int) -> None:
    unions, scores = some_unions(seed, 12)
    times = np.random.default_rng(seed).integers(1, 5, 12)
    kept = by_masks(unions, scores)
    similar = iou_matrix(unions.masks())
    weights = times * scores**2 / np.sqrt(np.maximum(unions.areas, 1))
    held = np.zeros(12)
    ordered = by_gain(unions, scores, times, kept).tolist()
    for place, index in enumerate(ordered):
        gains = np.maximum(similar - held, 0) @ weights
        assert gains[index] == pytest.approx(max(gains[i] for i in ordered[place:]), abs=1e-4)
        held = np.maximum(held, similar[index])
    assert sorted(ordered) == sorted(kept.tolist())
    assert by_gain(unions.masks(), scores, times, kept).tolist() == ordered


def test_another_object_comes_before_a_better_rated_part_of_the_first() -> None:
    masks, scores = strips((0, 50), (0, 33), (60, 90)), np.array([0.9, 0.8, 0.7], np.float32)
    once, kept = np.ones(3, np.int64), np.arange(3)
    assert by_gain(masks, scores, once, kept).tolist() == [0, 2, 1]
    assert as_kept(masks, scores, once, kept).tolist() == [0, 1, 2]


def test_what_many_clicks_gave_comes_first() -> None:
    masks, scores = strips((0, 30), (50, 80)), np.array([0.8, 0.8], np.float32)
    assert by_gain(masks, scores, np.array([1, 4]), np.arange(2)).tolist() == [1, 0]


def test_nothing_has_an_order_too() -> None:
    nothing = np.zeros(0, np.int64)
    assert by_gain(Masks.none((3, 4)), np.zeros(0, np.float32), nothing, nothing).tolist() == []
