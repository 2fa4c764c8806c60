from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
import torch

from tamis.clicks import Click
from tamis.errors import InputError
from tamis.segmentors.embedded.model import Embedded
from tamis.training.loop import LoopOptions, train
from tamis.training.pixel_correction_network import PixelCorrectionNetwork, PixelCorrectionShape
from tamis.training.pixel_corrections import PixelCorrectionOptions, PixelCorrectionTask
from tamis.training.pixel_examples import Clicking, PixelExample, pixel_examples
from tests.training.scenes import column, scenes

SMALL = PixelCorrectionOptions(shape=PixelCorrectionShape(widths=(8, 8, 8, 8)), crops=4, sides=(128,))


def small() -> PixelCorrectionNetwork:
    return PixelCorrectionNetwork(SMALL.shape)


@pytest.fixture(scope="module")
def examples() -> list[PixelExample]:
    rng = np.random.default_rng(0)
    return [each for scene in scenes(2, side=160) for each in pixel_examples(scene, Embedded(), 2, rng)]


def test_examples_are_clicks_on_what_is_wrong(examples: list[PixelExample]) -> None:
    assert len(examples) >= 4
    for example in examples:
        height, width = example.context.shape
        assert example.told.shape == example.before.shape == example.truth.shape == (height, width)
        assert example.context.features.shape == (88, height // 4, width // 4)
        row, column = example.clicks[-1].pixel
        assert (example.truth[row, column] > 127) == example.clicks[-1].positive


def test_a_network_that_has_learned_nothing_repeats_the_regions() -> None:
    network = PixelCorrectionNetwork(PixelCorrectionShape(features=5, widths=(4, 4, 4, 4)))
    masks = torch.rand(2, 2, 64, 96) * 2 - 1
    fed = torch.rand(2, 3, 64, 96), masks, torch.zeros(2, 3, 64, 96), torch.zeros(2, 1, 32, 48)
    torch.testing.assert_close(network(*fed, torch.rand(2, 5, 16, 24)), 3 * masks[:, :1])


def test_crops_are_of_one_size_and_hold_the_click_more_often_than_not(examples: list[PixelExample]) -> None:
    always = replace(SMALL, around_click=1.0, untold=0.0)
    task = PixelCorrectionTask(examples, {examples[0].dataset: 1.0}, [], always, small())
    for step in range(4):
        batch = task.batch(np.random.default_rng(step), 0.0)
        assert [tuple(each.shape[1:]) for each in batch.fed] == [
            (3, 128, 128),
            (2, 128, 128),
            (3, 128, 128),
            (1, 64, 64),
            (88, 32, 32),
        ]
        assert (batch.fed[2][:, 2].abs().amax(dim=(1, 2)) == 1).all()


def test_steps_of_larger_crops_take_fewer(examples: list[PixelExample]) -> None:
    task = PixelCorrectionTask(examples, {examples[0].dataset: 1.0}, [], replace(SMALL, sides=(64, 128)), small())
    shapes = {tuple(task.batch(np.random.default_rng(step), 0.0).fed[0].shape) for step in range(8)}
    assert shapes == {(4, 3, 64, 64), (1, 3, 128, 128)}
    assert {tuple(batch.fed[0].shape) for batch in task.largest_batches()} == shapes


def test_it_learns_where_things_end(examples: list[PixelExample], tmp_path: Path) -> None:
    """Regions that are a little too large everywhere: some steps teach it to take the fringe away."""
    torch.manual_seed(0)
    grown = [replace(each, told=np.maximum(each.truth, np.roll(each.truth, 6, axis=1))) for each in examples]
    task = PixelCorrectionTask(grown, {examples[0].dataset: 1.0}, grown, SMALL, small(), half=False)
    before = task.validate(task.network.eval(), tmp_path)
    train(task, LoopOptions(steps=60, lr=5e-3, warmup=5, average=0.9, threads=1), tmp_path / "run", {})
    rows = column(tmp_path / "run" / "validation.csv", "miou")
    assert before["miou"] == before["told"]
    assert rows[-1] > before["told"] + 0.3 * (1 - before["told"])


def test_without_examples_there_is_nothing_to_learn() -> None:
    with pytest.raises(InputError, match="no mask large enough"):
        PixelCorrectionTask([], {}, [], SMALL, small())


def test_clicks_of_a_scene_are_drawn_by_its_seed_and_number_alone() -> None:
    """Whoever clicks on it, and in whatever order."""
    scene = scenes(1, side=96)[0]

    def clicks(number: int) -> list[tuple[Click, ...]]:
        return [each.clicks for each in Clicking(Embedded(), 2, seed=3)((number, scene))]

    assert clicks(0) == clicks(0) != clicks(1)
