import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tamis.mask import Masks, iou_matrix, masks_from_unions, nms
from tamis.proposals.nms import by_boxes, by_containment, by_coverage, by_masks, by_nothing
from tamis.regions.unions import Unions


def some_unions(seed: int, count: int = 30) -> tuple[Unions, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 9, (12, 15))
    return Unions(labels, rng.random((count, 9)) < 0.4), rng.random(count).astype(np.float32)


@given(st.integers(0, 2000))
@example(588)  # a share of exactly .9
def test_unions_are_the_masks_they_stand_for(seed: int) -> None:
    unions, scores = some_unions(seed)
    masks = Masks.from_dense(unions.members[:, unions.labels])
    assert unions.masks() == masks
    assert unions.areas.tolist() == masks.areas.tolist()
    assert unions.boxes.tolist() == masks.boxes.tolist()
    assert unions.ious() == pytest.approx(iou_matrix(masks), abs=1e-6)
    assert unions.nms(scores, 0.6).tolist() == nms(masks, scores, 0.6).tolist()
    assert unions.nms(scores, 0.6, 0.8).tolist() == nms(masks, scores, 0.6, 0.8).tolist()
    for suppress in (by_masks, by_containment, by_boxes, by_nothing):
        assert suppress(unions, scores).tolist() == suppress(masks, scores).tolist()


@given(st.integers(0, 500))
def test_coverage_takes_the_largest_gain_each_time(seed: int) -> None:
    unions, scores = some_unions(seed, 12)
    similar = iou_matrix(unions.masks())
    kept = by_coverage(unions, scores, least=0.0).tolist()
    held = np.zeros(12)
    for index in kept:
        gains = np.maximum(similar - held, 0) @ scores
        assert gains[index] == pytest.approx(gains.max(), abs=1e-4)
        held = np.maximum(held, similar[index])
    assert by_coverage(unions.masks(), scores).tolist() == by_coverage(unions, scores).tolist()


def test_a_box_hides_what_a_mask_does_not() -> None:
    """Two halves of a square along its diagonal have nearly the same box and no pixel in common."""
    rows, columns = np.indices((20, 20))
    masks = Masks.from_dense(np.stack([rows > columns, rows < columns]))
    scores = np.array([0.9, 0.8], np.float32)
    assert by_masks(masks, scores).tolist() == [0, 1]
    assert by_boxes(masks, scores).tolist() == [0]


def test_unions_of_no_regions() -> None:
    assert len(masks_from_unions(np.zeros((3, 4), int), np.zeros((0, 1), bool))) == 0
    assert masks_from_unions(np.zeros((3, 4), int), np.array([[False], [True]])).areas.tolist() == [0, 12]
