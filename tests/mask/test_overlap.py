import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pycocotools import mask as reference

from tamis.arrays import MaskArray
from tamis.errors import InputError
from tamis.mask import Masks, containment_matrix, intersections, iou_matrix, nms, overlap, tiles
from tests.mask.scenes import stacks


def squares(*corners: tuple[int, int, int], size: int = 100) -> Masks:
    """Squares given as (top, left, side) in an image of `size` pixels a side."""
    dense = np.zeros((len(corners), size, size), bool)
    for mask, (top, left, side) in zip(dense, corners, strict=True):
        mask[top : top + side, left : left + side] = True
    return Masks.from_dense(dense)


def greedy(
    iou: NDArray[np.float64], inside: NDArray[np.float64], scores: list[float], most: float, share: float
) -> list[int]:
    """Non-maximum suppression as one would write it down."""
    kept: list[int] = []
    for i in sorted(range(len(scores)), key=lambda i: (-scores[i], i)):
        if all(iou[i, j] <= most and inside[i, j] <= share for j in kept):
            kept.append(i)
    return kept


def test_two_squares_that_share_a_corner() -> None:
    masks = squares((0, 0, 40), (20, 20, 40))
    assert intersections(masks).tolist() == [[1600, 400], [400, 1600]]
    assert iou_matrix(masks).tolist() == [[1, 400 / 2800], [400 / 2800, 1]]


def test_containment_is_the_share_of_the_first_in_the_second() -> None:
    small_in_large = containment_matrix(squares((10, 10, 20), (0, 0, 80)))
    assert small_in_large.tolist() == [[1, 1], [400 / 6400, 1]]


def test_empty_masks_overlap_nothing() -> None:
    masks = Masks.from_dense(np.zeros((2, 50, 40), bool))
    assert iou_matrix(masks).tolist() == containment_matrix(masks).tolist() == [[0, 0], [0, 0]]
    assert nms(masks, [1, 2]).tolist() == [1, 0]


def test_no_masks() -> None:
    none, some = Masks.none((100, 100)), squares((0, 0, 40), (20, 20, 40))
    assert iou_matrix(none).shape == (0, 0)
    assert iou_matrix(none, some).shape == (0, 2)
    assert containment_matrix(some, none).shape == (2, 0)
    assert nms(none, []).tolist() == []


def test_images_of_different_sizes_cannot_be_compared() -> None:
    with pytest.raises(InputError, match="100x100 and of 7x5 pixels"):
        iou_matrix(squares((0, 0, 40)), Masks.none((5, 7)))


@given(stacks(largest=150, most=6), st.integers(0, 6))
@pytest.mark.slow
def test_iou_is_that_of_pycocotools_to_the_last_bit(dense: MaskArray, split: int) -> None:
    a, b = Masks.from_dense(dense), Masks.from_dense(dense[:split])
    if len(a) and len(b):
        assert np.array_equal(iou_matrix(a), reference.iou(a.coco(), a.coco(), [0] * len(a)))
        assert np.array_equal(iou_matrix(a, b), reference.iou(a.coco(), b.coco(), [0] * len(b)))
        pixels_a, pixels_b = dense.reshape(len(a), -1).astype(int), dense[:split].reshape(len(b), -1).astype(int)
        assert np.array_equal(intersections(a, b), pixels_a @ pixels_b.T)
        assert np.array_equal(intersections(b, a), pixels_b @ pixels_a.T)


@given(stacks(largest=100, most=8), st.data())
def test_suppression_is_the_greedy_one(dense: MaskArray, data: st.DataObject) -> None:
    masks = Masks.from_dense(dense)
    scores = data.draw(st.lists(st.sampled_from([0.1, 0.5, 0.9]), min_size=len(dense), max_size=len(dense)))
    most, share = data.draw(st.sampled_from([0.0, 0.3, 0.5, 1.0])), data.draw(st.sampled_from([0.0, 0.8, 1.0]))
    iou, inside = iou_matrix(masks), containment_matrix(masks)
    assert nms(masks, scores, most).tolist() == greedy(iou, inside, scores, most, share=2)
    assert nms(masks, scores, most, share).tolist() == greedy(iou, inside, scores, most, share)


def test_suppression_of_many_masks(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    corners = [(int(t), int(c), int(s)) for t, c, s in zip(*rng.integers(1, 150, (3, 200)), strict=True)]
    masks, scores = squares(*corners, size=300), rng.random(200).round(1).tolist()
    monkeypatch.setattr(overlap, "_CHUNK_PLACES", 7)
    monkeypatch.setattr(overlap, "_CHUNK_PAIRS", 50)
    monkeypatch.setattr(overlap, "_CHUNK_MASKS", 9)
    monkeypatch.setattr(tiles, "_CHUNK_TILES", 40)
    monkeypatch.setattr(tiles, "_CHUNK_BYTES", 1 << 17)
    iou = iou_matrix(masks)
    assert np.array_equal(iou, reference.iou(masks.coco(), masks.coco(), [0] * 200))
    for most in (0.2, 0.5, 0.8):
        assert nms(masks, scores, most).tolist() == greedy(iou, np.zeros_like(iou), scores, most, share=2)


def test_of_equal_scores_the_earlier_mask_survives() -> None:
    masks = squares((0, 0, 40), (0, 0, 39), (0, 1, 40), (60, 60, 10))
    assert nms(masks, [0.5, 0.5, 0.5, 0.9], 0.5).tolist() == [3, 0]


def test_an_iou_equal_to_the_threshold_is_no_reason_to_go() -> None:
    masks = squares((0, 0, 40), (0, 20, 40))  # they share a third
    assert nms(masks, [2, 1], 800 / 2400).tolist() == [0, 1]
    assert nms(masks, [2, 1], 0.33).tolist() == [0]


def test_a_mask_inside_a_better_one_goes_only_on_request() -> None:
    masks = squares((0, 0, 80), (10, 10, 20))
    assert nms(masks, [2, 1], 0.5).tolist() == [0, 1]
    assert nms(masks, [2, 1], 0.5, containment_threshold=0.9).tolist() == [0]
    assert nms(masks, [1, 2], 0.5, containment_threshold=0.9).tolist() == [1, 0]


@pytest.mark.parametrize("scores", [[1.0], [1.0, 2.0, 3.0], [[1.0, 2.0]], [1.0, float("nan")]])
def test_scores_must_be_one_number_per_mask(scores: object) -> None:
    with pytest.raises(InputError, match="2 masks need as many scores"):
        nms(squares((0, 0, 40), (20, 20, 40)), scores)  # type: ignore[arg-type]
