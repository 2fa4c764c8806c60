from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
import torch

from tamis.errors import InputError
from tamis.training.checkpoint import Average
from tamis.training.embedding import EmbeddingTask
from tamis.training.guard import PATIENCE, Guard
from tamis.training.loop import LoopOptions, train
from tests.training.scenes import OPTIONS, column, scenes


class Poisoned(EmbeddingTask):
    """Some of its losses are not finite."""

    poisoned: range = range(0)
    seen = 0

    def losses(self, batch: Any) -> dict[str, torch.Tensor]:
        values = super().losses(batch)
        self.seen += 1
        return {**values, "loss": values["loss"] * float("nan")} if self.seen in self.poisoned else values


def run(tmp_path: Path, poisoned: range, steps: int = 40) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    task = Poisoned({"scenes": scenes(3)}, {"scenes": 1.0}, scenes(1), OPTIONS, torch.device("cpu"), half=False)
    task.poisoned = poisoned
    return train(task, LoopOptions(steps=steps, warmup=5, threads=1), tmp_path, {})


def test_a_step_that_is_not_finite_is_left_out_and_counted(tmp_path: Path) -> None:
    weights = run(tmp_path, range(25, 27))
    assert all(torch.isfinite(value).all() for value in weights.values())
    assert column(tmp_path / "metrics.csv", "skipped") == [0, 2]


def test_after_some_in_a_row_the_run_goes_back_and_learns_more_slowly(tmp_path: Path) -> None:
    weights = run(tmp_path, range(25, 25 + PATIENCE))
    assert all(torch.isfinite(value).all() for value in weights.values())
    saved = torch.load(tmp_path / "last.pt", weights_only=True)
    assert (saved["skipped"], saved["rate"]) == (PATIENCE, 0.5)


def test_a_run_that_never_was_finite_ends_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="smaller --lr"):
        run(tmp_path, range(1, 1000), steps=200)


def test_spoilt_statistics_of_norms_are_not_kept() -> None:
    network = torch.nn.BatchNorm1d(1)
    guard = Guard(network, Average(network, 0.9), torch.optim.AdamW(network.parameters()))
    guard.keep()
    network(torch.tensor([[float("nan")], [1.0]]))
    assert network.running_mean is not None
    assert network.running_mean.isnan().any()
    assert not guard.accepts(float("nan"), 1.0)
    assert torch.isfinite(network.running_mean).all()
    assert guard.rate == 0.5
