from collections.abc import Sequence

import numpy as np
import pytest

from tamis.arrays import ImageArray, MaskArray, ProbabilityArray
from tamis.clicks import Click, grid_clicks
from tamis.mask import iou_matrix
from tamis.mask.expected import expected_iou_of
from tamis.proposals import Selection, grid_proposals, propose
from tamis.proposals.order import as_kept
from tamis.regions.encoded import EncodedRegions, expected_ratings
from tamis.segmentors import load_segmentor


def halves() -> EncodedRegions:
    """A 40 × 60 image of two regions, the left one a little surer of itself, at half the resolution."""
    regions = np.zeros((20, 30), np.uint16)
    regions[:, 15:] = 1
    answers = np.array([[[255, 51], [102, 255]]], dtype=np.uint8)
    ratings = expected_ratings(answers, np.ones(2))
    return EncodedRegions(np.zeros((40, 60, 3), np.uint8), regions, answers, np.zeros((2, 1), np.float32), ratings)


def test_a_grid_finds_each_region_once_the_surest_first() -> None:
    proposals = grid_proposals(halves(), grid=4)
    assert len(proposals) == 2
    assert proposals.masks.areas.tolist() == [1200, 1200]
    assert proposals.masks[0][:, :30].all()
    assert proposals.scores == pytest.approx([1 / 1.2, 1 / 1.4], abs=0.002)
    assert proposals.clicks[0] == Click(7.5, 5)


def test_limits_are_kept() -> None:
    assert len(grid_proposals(halves(), grid=4, selection=Selection(max_proposals=1))) == 1
    assert len(grid_proposals(halves(), grid=4, selection=Selection(min_area=1201))) == 0
    assert len(propose(halves(), [])) == 0


def test_masks_of_a_low_score_are_dropped() -> None:
    assert grid_proposals(halves(), 4, Selection(min_score=0.8)).scores == pytest.approx([1 / 1.2], abs=0.002)
    assert len(grid_proposals(SmallerThanItSeems(), 2)) == 3
    assert len(grid_proposals(SmallerThanItSeems(), 2, Selection(min_score=0.95))) == 0


class SmallerThanItSeems:
    """Four masks of a 40 × 40 image; the surest is large at half the size and a single pixel at the full one."""

    shape = (40, 40)

    def probability(self, clicks: Sequence[Click]) -> ProbabilityArray:
        row, column = clicks[0].pixel
        answer = np.zeros(self.shape, np.float32)
        side = 1 if (row, column) == (10, 10) else 20
        answer[row // 20 * 20 :, column // 20 * 20 :][:side, :side] = 0.9
        return answer

    def probabilities(self, clicks: Sequence[Click]) -> ProbabilityArray:
        answers = np.zeros((len(clicks), 20, 20), np.float32)
        for answer, click in zip(answers, clicks, strict=True):
            row, column = click.pixel
            sureness = 1 if (row, column) == (10, 10) else 0.9
            answer[row // 20 * 10 :, column // 20 * 10 :][:10, :10] = sureness
        return answers


def test_as_many_are_kept_as_asked_for_although_some_shrink_at_full_size() -> None:
    proposals = grid_proposals(SmallerThanItSeems(), grid=2, selection=Selection(max_proposals=2))
    assert proposals.masks.areas.tolist() == [400, 400]
    assert proposals.clicks == [Click(30, 10), Click(10, 30)]
    assert len(grid_proposals(SmallerThanItSeems(), grid=2)) == 3


def test_expected_iou_by_hand() -> None:
    probabilities = np.array([[[0.9, 0.7], [0.2, 0.0]], [[0.1, 0.1], [0.1, 0.1]]], dtype=np.float32)
    assert expected_iou_of(probabilities) == pytest.approx([1.6 / (2 + 0.2), 0])


@pytest.mark.parametrize("name", ["hierarchy", "grabcut"])
def test_the_object_is_among_the_proposals_and_none_is_there_twice(
    name: str, scene: tuple[ImageArray, MaskArray]
) -> None:
    image, disc = scene
    encoded = load_segmentor(name).encode(image)
    proposals = propose(encoded, grid_clicks(4, encoded.shape), Selection(min_area=64, order=as_kept))
    ious = [(mask & disc).sum() / (mask | disc).sum() for mask in proposals.masks]
    assert max(ious) > 0.9
    assert (np.diff(proposals.scores) <= 0).all()
    assert np.triu(iou_matrix(proposals.masks), 1).max() <= 0.72  # NMS is done at the working size
