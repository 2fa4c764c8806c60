"""Edges are learned on a pixel network that stays as it is."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("tensorboardX")

from tamis.datasets.supervision import Kind  # noqa: E402
from tamis.errors import InputError  # noqa: E402
from tamis.training.crops import CropOptions  # noqa: E402
from tamis.training.edges import EdgeOptions, EdgeTask  # noqa: E402
from tamis.training.loop import LoopOptions, train  # noqa: E402
from tamis.training.losses import balanced_borders  # noqa: E402
from tamis.training.networks import PixelNetwork  # noqa: E402
from tamis.training.photographs import Photograph  # noqa: E402
from tests.training.scenes import TINY, column  # noqa: E402

CPU = torch.device("cpu")
OPTIONS = EdgeOptions(batch=2, crops=CropOptions(size=64, scales=(0.5, 1.0), quarter_turns=0.5, clicks=1))


def halves(number: int) -> Photograph:
    """A dark and a bright half, noisy, cut as two people saw it."""
    rng = np.random.default_rng(number)
    labels = np.ones((96, 96), np.int16)
    labels[:, 20 + 8 * number :] = 2
    image = np.where(labels == 1, 60, 190)[:, :, None] + rng.normal(0, 6, (96, 96, 3))
    return Photograph("halves", f"{number}", Kind.PARTITION, image.clip(0, 255).astype(np.uint8), (labels, labels))


def test_edges_are_learned_and_nothing_else_changes(tmp_path: Path) -> None:
    torch.manual_seed(0)
    pixels = PixelNetwork(TINY)
    before = {name: value.clone() for name, value in pixels.state_dict().items()}
    task = EdgeTask({"halves": [halves(0), halves(2), halves(4)]}, {"halves": 1.0}, [halves(1)], pixels, OPTIONS, CPU)
    train(task, LoopOptions(steps=60, warmup=5, average=0.9, lr=5e-3), tmp_path, {})
    losses = column(tmp_path / "metrics.csv", "loss")
    assert losses[-1] < 0.8 * losses[0]
    assert column(tmp_path / "validation.csv", "ods")[-1] > 0.6
    assert all(torch.equal(value, before[name]) for name, value in pixels.state_dict().items())


def test_photographs_of_single_objects_say_nothing_of_edges() -> None:
    with pytest.raises(InputError, match="bsds500"):
        EdgeTask({"one": [replace(halves(0), kind=Kind.SINGLE)]}, {"one": 1.0}, [], PixelNetwork(TINY), OPTIONS, CPU)


def test_rare_edges_count_as_much_as_the_rest_and_doubtful_ones_do_not() -> None:
    consensus, logits = torch.zeros(1, 1, 4, 4), torch.full((1, 1, 4, 4), -2.0)
    consensus[0, 0, 0, 0], consensus[0, 0, 1, 1] = 1.0, 0.2
    missed = balanced_borders(logits, consensus, torch.ones_like(logits))
    expected = (np.log1p(np.exp(2.0)) + np.log1p(np.exp(-2.0))) / 2
    assert float(missed) == pytest.approx(expected, rel=1e-5)
    logits[0, 0, 1, 1] = 9.0
    assert float(balanced_borders(logits, consensus, torch.ones_like(logits))) == pytest.approx(expected, rel=1e-5)
