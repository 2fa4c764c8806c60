from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from torch.optim.swa_utils import AveragedModel  # noqa: E402

from tamis.errors import InputError  # noqa: E402
from tamis.training.checkpoint import Average, load_checkpoint  # noqa: E402
from tamis.training.embedding import EmbeddingTask  # noqa: E402
from tamis.training.loop import LoopOptions, train  # noqa: E402
from tests.training.scenes import OPTIONS, column, scenes  # noqa: E402

CPU = torch.device("cpu")


def task() -> EmbeddingTask:
    torch.manual_seed(0)
    return EmbeddingTask({"scenes": scenes(4)}, {"scenes": 1.0}, scenes(1), OPTIONS, CPU, half=False)


class Killed(Exception):
    pass


class KilledTask(EmbeddingTask):
    """Dies after some batches."""

    left = 30

    def losses(self, batch):  # type: ignore[no-untyped-def]
        self.left -= 1
        if self.left < 0:
            raise Killed
        return super().losses(batch)


def test_a_killed_run_resumes_to_the_same_loss_curve(tmp_path: Path) -> None:
    options = LoopOptions(steps=40, warmup=5, threads=1, save_minutes=0, validate_minutes=60)
    whole = train(task(), options, tmp_path / "whole", {"some": "config"})
    torch.manual_seed(0)
    dying = KilledTask({"scenes": scenes(4)}, {"scenes": 1.0}, scenes(1), OPTIONS, CPU, half=False)
    with pytest.raises(Killed):
        train(dying, options, tmp_path / "killed", {"some": "config"})
    assert load_checkpoint(tmp_path / "killed" / "last.pt").step == 20
    resumed = train(task(), options, tmp_path / "killed", {"some": "config"}, resume=True)
    for name, value in whole.items():
        torch.testing.assert_close(resumed[name], value)
    assert (
        column(tmp_path / "whole" / "metrics.csv", "loss")[0] == column(tmp_path / "killed" / "metrics.csv", "loss")[0]
    )


def test_training_lowers_the_loss_and_leaves_its_files(tmp_path: Path) -> None:
    options = LoopOptions(steps=80, lr=5e-3, warmup=5, threads=1)
    train(task(), options, tmp_path, {})
    curve = column(tmp_path / "metrics.csv", "loss")
    assert curve[-1] < 0.85 * curve[0]
    for name in ("config.json", "last.pt", "best.pt", "validation.csv", "clicks.jpg"):
        assert (tmp_path / name).exists()
    assert not list(tmp_path.glob("*.partial"))


def test_a_run_is_not_overwritten_without_being_asked(tmp_path: Path) -> None:
    (tmp_path / "last.pt").touch()
    with pytest.raises(InputError, match="already holds a run"):
        train(task(), LoopOptions(steps=1), tmp_path, {})


def test_a_foreign_file_is_no_checkpoint(tmp_path: Path) -> None:
    torch.save({"format": 0}, tmp_path / "other.pt")
    with pytest.raises(InputError, match="not a checkpoint"):
        load_checkpoint(tmp_path / "other.pt")
    with pytest.raises(InputError, match="no checkpoint"):
        load_checkpoint(tmp_path / "missing.pt")


def test_the_average_forgets_the_start_quickly() -> None:
    network = torch.nn.Linear(1, 1)
    average = Average(network, decay=0.9)
    with torch.no_grad():
        network.weight.fill_(1.0)
    average.values["weight"].zero_()
    average.update(network)
    assert average.values["weight"].item() == pytest.approx(1 - 2 / 11)


def test_the_average_is_that_of_torch() -> None:
    network = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
    ours = Average(network, decay=0.5)
    theirs = AveragedModel(
        network,
        avg_fn=lambda mean, value, n: mean + (value - mean) * (1 - min(0.5, (1 + n) / (10 + n))),
        use_buffers=True,
    )
    theirs.update_parameters(network)  # the first is a copy
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    for seed in range(12):
        torch.manual_seed(seed)
        network(torch.randn(8, 3)).square().mean().backward()
        optimizer.step()
        ours.update(network)
        theirs.update_parameters(network)
    reference = theirs.module.state_dict()
    assert list(ours.values) == list(reference)
    for name, value in ours.values.items():
        if value.is_floating_point():
            torch.testing.assert_close(value, reference[name])
    assert ours.values["1.num_batches_tracked"] == 12  # a count, where an average would be less
    assert reference["1.num_batches_tracked"] < 12
