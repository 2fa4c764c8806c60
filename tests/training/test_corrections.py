from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
import torch

from tamis.clicks import Click
from tamis.datasets.supervision import Kind
from tamis.errors import InputError
from tamis.regions.corrections import LAST, TOKENS, CorrectionContext
from tamis.segmentors import load_segmentor
from tamis.training.begun import CorrectionExample, begin, closer_example, correction_example
from tamis.training.correction_network import CorrectionNetwork, CorrectionShape, Likeness
from tamis.training.corrections import CorrectionOptions, CorrectionTask, click_error, corrected
from tamis.training.loop import LoopOptions, train
from tamis.training.photographs import Photograph
from tests.training.scenes import column, scenes

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def examples() -> list[CorrectionExample]:
    hierarchy = load_segmentor("hierarchy")
    three = [correction_example(scene, hierarchy) for scene in scenes(3, side=128)]
    # The classical model has one answer; part, object and whole are made of it.
    return [replace(each, answers=each.answers.repeat(3, 0), ratings=each.ratings.repeat(3, 0)) for each in three]


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


def test_some_click_anywhere_in_what_is_wrong(examples: list[CorrectionExample]) -> None:
    wanted, mask = np.zeros((9, 9), bool), np.zeros((9, 9), bool)
    wanted[1:6, 1:6] = True
    mask[1:8, 1:3] = True
    clicks: list[Click] = []
    for seed in range(40):
        click_error(wanted, mask, clicks, np.ones_like(mask), np.random.default_rng(seed))
    assert {click.pixel for click in clicks} <= {(int(y), int(x)) for y, x in np.argwhere(wanted != mask)}
    assert all(click.positive == wanted[click.pixel] for click in clicks)
    assert len({click.pixel for click in clicks}) > 10
    half = begin(examples[0], 40, np.random.default_rng(5), anywhere=0.5).chance
    assert 10 < sum(each is not None for each in half) < 30


def test_the_network_begins_by_keeping_the_mask() -> None:
    network = CorrectionNetwork(CorrectionShape(features=7, width=24, layers=1))
    tokens, areas = torch.rand(2, 5, TOKENS) * 2 - 1, torch.full((5,), 0.2)
    weights = network.weights(torch.rand(3, 5, 5), areas, torch.full((5, 5), 0.2))
    torch.testing.assert_close(weights.sum(dim=-1), torch.ones(6, 5))
    torch.testing.assert_close(network(tokens, torch.rand(5, 7), areas, weights), 3 * tokens[..., 0])


def test_likeness_is_a_cosine_with_what_was_clicked_what_is_in_the_mask_and_what_is_not() -> None:
    likeness = Likeness(CorrectionShape(features=4, likenesses=1))
    tokens = torch.full((1, 3, TOKENS), -1.0)
    tokens[0, :, LAST] = torch.tensor([0.0, 1.0, 0.0])
    tokens[0, 0, 0] = 1  # region 0 is in the mask
    features = torch.rand(3, 4)
    found = likeness(features, tokens, torch.full((3,), 1 / 3))
    assert found.shape == (1, 3, 3)
    described = likeness.project(likeness.norm(features))
    described = described / described.norm(dim=-1, keepdim=True)
    torch.testing.assert_close(found[0, :, 0], described @ described[1], atol=1e-3, rtol=0)
    torch.testing.assert_close(found[0, :, 1], described @ described[0], atol=1e-3, rtol=0)
    torch.testing.assert_close(found[0, :, 2], described @ described[1:].mean(0), atol=1e-3, rtol=0)


def test_a_closer_look_begins_with_what_the_whole_image_says() -> None:
    """One small disc in a large photograph: the part holds it, and masks of the whole are a coarse picture of it."""
    y, x = np.mgrid[:300, :400]
    disc = (y - 90) ** 2 + (x - 120) ** 2 < 40**2
    image = np.where(disc[:, :, None], (220, 90, 40), (30, 60, 50)).astype(np.uint8)
    photograph = Photograph("scenes", "one", Kind.SINGLE, image, (disc.astype(np.int16),))
    hierarchy = load_segmentor("hierarchy")
    whole = correction_example(photograph, hierarchy)
    closer = closer_example(photograph, whole, hierarchy, np.random.default_rng(0))
    assert closer is not None
    truth = closer.maps[0] == 1
    assert truth.mean() > 2 * disc.mean()  # larger in its frame
    assert closer.starts
    for start in closer.starts:
        assert truth[start.clicks[0].pixel]
        assert (start.mask & truth).sum() / (start.mask | truth).sum() > 0.8
    batch = begin(closer, 6, np.random.default_rng(1))
    assert all(mask.shape == truth.shape for mask in batch.begun)


def test_a_click_only_adds_or_only_takes_away_and_means_a_part_where_the_region_does_not_follow() -> None:
    region_map = np.repeat(np.array([[0, 1]], np.uint16), 8, axis=1).repeat(8, axis=0)
    context = CorrectionContext.of(
        np.zeros((8, 16, 3), np.uint8), region_map, np.full((3, 2, 2), 255, np.uint8), np.zeros((2, 4), np.float32)
    )
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
    options = CorrectionOptions(CorrectionShape(width=36, layers=2), masks=4, rounds=2)
    task = CorrectionTask(examples, {"scenes": 1.0}, examples[:1], options, CPU, half=False)
    train(task, LoopOptions(steps=100, lr=3e-3, warmup=5, threads=1, validate_minutes=60), tmp_path, {})
    loss, corrected = column(tmp_path / "metrics.csv", "loss"), column(tmp_path / "metrics.csv", "iou_2")
    assert loss[-1] < 0.8 * loss[0]
    assert corrected[-1] > column(tmp_path / "metrics.csv", "iou_0")[-1] + 0.05
    assert 0 < column(tmp_path / "validation.csv", "miou")[-1] <= 1
