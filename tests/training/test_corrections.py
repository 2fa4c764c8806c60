from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
import torch

from tamis.clicks import Click
from tamis.errors import InputError
from tamis.regions.corrections import TOKENS, CorrectionContext
from tamis.segmentors import load_segmentor
from tamis.training.correction_network import CorrectionNetwork, CorrectionShape
from tamis.training.corrections import (
    CorrectionExample,
    CorrectionOptions,
    CorrectionTask,
    begin,
    click_error,
    corrected,
    correction_example,
)
from tamis.training.loop import LoopOptions, train
from tests.training.scenes import column, scenes

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def examples() -> list[CorrectionExample]:
    hierarchy = load_segmentor("hierarchy")
    three = [correction_example(scene, hierarchy) for scene in scenes(3, side=128)]
    # The classical model has one answer; part, object and whole are made of it.
    return [
        CorrectionExample(
            each.dataset, each.region_map, each.answers.repeat(3, 0), each.ratings.repeat(3, 0), each.small, each.maps
        )
        for each in three
    ]


def test_corrections_need_regions() -> None:
    with pytest.raises(InputError, match="has none"):
        correction_example(scenes(1)[0], load_segmentor("grabcut"))


def test_masks_begin_right_or_wrong_by_chance_alone(examples: list[CorrectionExample]) -> None:
    first, again = (begin(examples[0], 8, np.random.default_rng(5)) for _ in range(2))
    for one, other in zip(first.begun, again.begun, strict=True):
        np.testing.assert_array_equal(one, other)
    assert first.clicks == again.clicks
    right = begin(examples[0], 8, np.random.default_rng(5), wrong=0)
    for truth, clicks in zip(right.truths, right.clicks, strict=True):
        assert len(clicks) == 1
        assert truth[clicks[0].pixel]


def test_clicks_go_into_the_largest_error() -> None:
    wanted, mask = np.zeros((9, 9), bool), np.zeros((9, 9), bool)
    wanted[1:6, 1:6] = True
    mask[1:6, 1:3] = True
    clicks: list[Click] = []
    click_error(wanted, mask, clicks, np.ones_like(mask))
    assert clicks[0].positive
    assert clicks[0].pixel == (2, 4)  # the first of equally deep ones
    click_error(wanted, wanted, clicks, np.ones_like(mask))
    assert clicks[1].positive  # nothing is left to correct: the mask is confirmed


def test_the_network_begins_by_keeping_the_mask() -> None:
    network = CorrectionNetwork(CorrectionShape(width=16, layers=1))
    tokens = torch.rand(2, 5, TOKENS) * 2 - 1
    weights = network.weights(torch.rand(5, 5), torch.full((5,), 0.2), torch.full((5, 5), 0.2))
    torch.testing.assert_close(weights.sum(dim=-1), torch.ones(4, 5))
    torch.testing.assert_close(network(tokens, weights), 3 * tokens[..., 0])


def test_a_click_only_adds_or_only_takes_away_and_means_a_part_where_the_region_does_not_follow() -> None:
    region_map = np.repeat(np.array([[0, 1]], np.uint16), 8, axis=1).repeat(8, axis=0)
    context = CorrectionContext.of(np.zeros((8, 16, 3), np.uint8), region_map, np.full((3, 2, 2), 255, np.uint8))
    mask = region_map == 0
    begun = context.shares(mask)
    clicks = [Click(12.5, 4.5)]
    added = corrected(context, mask, begun, np.array([False, True]), clicks)
    assert added.all()  # it does not take region 0 away
    part = corrected(context, mask, begun, np.array([True, False]), clicks)
    assert part[:, :8].all()
    assert part[4, 12]
    assert 0 < part[:, 8:].mean() < 1


def test_it_learns_on_scenes(examples: list[CorrectionExample], tmp_path: Path) -> None:
    torch.manual_seed(0)
    options = CorrectionOptions(CorrectionShape(width=32, layers=2), masks=4, rounds=2)
    task = CorrectionTask(examples, {"scenes": 1.0}, examples[:1], options, CPU, half=False)
    train(task, LoopOptions(steps=100, lr=3e-3, warmup=5, threads=1, validate_minutes=60), tmp_path, {})
    loss, corrected = column(tmp_path / "metrics.csv", "loss"), column(tmp_path / "metrics.csv", "iou_2")
    assert loss[-1] < 0.8 * loss[0]
    assert corrected[-1] > column(tmp_path / "metrics.csv", "iou_0")[-1] + 0.05
    assert 0 < column(tmp_path / "validation.csv", "miou")[-1] <= 1
