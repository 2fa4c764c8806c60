"""Runs on small scenes: what resuming, sharing a batch and bad numbers do."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tamis.errors import InputError
from tamis.semantic.data import batches
from tamis.semantic.data.batches import Batch, Shares, Stream, share_out
from tamis.semantic.data.dataset import open_semantic
from tamis.semantic.data.pipeline import TrainTransform
from tamis.semantic.networks.checkpoints import SemanticCheckpoint, read, save
from tamis.semantic.train import DivergedError, TrainJob, train
from tamis.training.devices import World
from tamis.training.tables import read_rows
from tests.semantic.scenes import CLASSES, SMALL, write_scenes


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_scenes(tmp_path_factory.mktemp("scenes"))


@pytest.fixture(scope="module")
def whole(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing disturbed."""
    return train(TrainJob(SMALL, root, tmp_path_factory.mktemp("runs") / "whole", threads=1))


def losses(run: Path) -> list[float]:
    return [row["loss"] for row in read_rows(run / "metrics.csv")]


def test_a_run_leaves_weights_tables_a_page_and_a_record(whole: Path) -> None:
    best, last = read(whole / "best.pt"), read(whole / "last.pt")
    assert (best.step, best.classes, best.optimizer) == (6, list(CLASSES), None)
    assert last.optimizer is not None
    [score] = read_rows(whole / "validation.csv")
    assert best.miou == score["miou"]
    assert [row["step"] for row in read_rows(whole / "metrics.csv")] == [2, 4, 6]
    record = json.loads((whole / "run.json").read_text())
    assert record["settings"]["recipe"]["lr"] == 1e-3
    assert record["ended"] is not None
    assert "validation.jpg" in (whole / "index.html").read_text()
    assert any((whole / "tensorboard").iterdir())


def test_a_killed_run_resumes_to_the_same_curve(root: Path, whole: Path, tmp_path: Path) -> None:
    class Killed(Exception):
        pass

    def kill(step: int, loss: float) -> None:
        if step == 5:
            raise Killed

    job = TrainJob(SMALL, root, tmp_path / "run", threads=1)
    with pytest.raises(Killed):
        train(job, on_step=kill)
    said: list[str] = []
    train(replace(job, resume=True), say=said.append)
    assert "continues after 4 of 6 steps" in said
    assert losses(job.out) == losses(whole)
    resumed = read(job.out / "last.pt").network
    for name, value in read(whole / "last.pt").network.items():
        assert torch.equal(value, resumed[name]), name


def test_a_run_killed_at_its_end_has_its_validation(
    root: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is killed between a validation and the state is made again; a state never stands without its score."""
    job = TrainJob(SMALL, root, tmp_path / "run", threads=1)

    def killed(file: Path, checkpoint: SemanticCheckpoint) -> None:
        if file.name == "last.pt" and checkpoint.step == SMALL.steps:
            raise KeyboardInterrupt
        save(file, checkpoint)

    with monkeypatch.context() as patched:
        patched.setattr("tamis.semantic.train.save", killed)
        with pytest.raises(KeyboardInterrupt):
            train(job)
    train(replace(job, resume=True))
    scores = [[row["miou"] for row in read_rows(run / "validation.csv")] for run in (job.out, whole)]
    assert scores[0] == scores[1]
    assert read(job.out / "best.pt").step == 6
    assert losses(job.out) == losses(whole)


def test_a_run_is_not_trained_over_and_not_resumed_with_another_recipe(root: Path, whole: Path) -> None:
    with pytest.raises(InputError, match="already holds a run"):
        train(TrainJob(SMALL, root, whole))
    with pytest.raises(InputError, match=r"was trained with lr 0\.001: resume it with the same"):
        train(TrainJob(replace(SMALL, lr=2e-3), root, whole, resume=True))


def test_parts_that_are_added_up_learn_what_the_whole_batch_does(root: Path, tmp_path: Path) -> None:
    recipe = replace(SMALL, norm="group", batch=4, per_device=4, loss="cross-entropy", steps=4)
    runs = []
    for per_device in (4, 2):
        said: list[str] = []
        job = TrainJob(replace(recipe, per_device=per_device), root, tmp_path / str(per_device), threads=1)
        runs.append(read_rows(train(job, say=said.append) / "metrics.csv"))
    assert "1 device × 2 images, gradients added up over 2 parts" in " ".join(said)
    for name, near in (("loss", 1e-3), ("gradient", 0.1)):  # other channels are dropped, so they are not the same
        at_once, added_up = ([row[name] for row in rows] for rows in runs)
        np.testing.assert_allclose(at_once, added_up, rtol=near)


def test_norms_of_small_batches_are_replaced_and_that_is_said(root: Path, tmp_path: Path) -> None:
    said: list[str] = []
    train(TrainJob(replace(SMALL, norm="auto", steps=4), root, tmp_path / "run", threads=1), say=said.append)
    assert said[0] == (
        "norms: group norms in place of batch norms, since 2 images at once give too rough statistics (fewer than 8)"
    )
    assert read(tmp_path / "run" / "last.pt").norm == "group"


def test_a_loss_that_is_no_number_stops_the_run_and_says_where(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Stream.batch

    def poisoned(stream: Stream, positions: range) -> Batch:
        batch = made(stream, positions)
        return batch if positions.start < 6 else batch._replace(images=batch.images * float("nan"))

    monkeypatch.setattr(batches.Stream, "batch", poisoned)
    job = TrainJob(SMALL, root, tmp_path / "run", threads=1)
    where = (
        r"the loss \(nan\) is not finite at step 4 of 6, for \d\.png, \d\.png, first in "
        r"backbone\.network\.embeddings\.patch_embeddings; nothing of this step was kept, "
        r"and the checkpoint of an earlier step, .*last\.pt, is as it was"
    )
    with pytest.raises(DivergedError, match=where):
        train(job)
    kept = read(job.out / "last.pt")
    assert kept.step == 2
    assert all(bool(torch.isfinite(value).all()) for value in kept.network.values())


def test_crops_without_a_label_are_counted_and_teach_nothing(tmp_path: Path) -> None:
    root = write_scenes(tmp_path / "blank", labelled=False, train=2)
    said: list[str] = []
    run = train(TrainJob(replace(SMALL, steps=4), root, tmp_path / "run", threads=1), say=said.append)
    assert said[-1] == "8 crops had no labelled pixel and taught nothing"
    assert losses(run) == [0.0, 0.0]


def test_weights_of_another_number_of_classes_are_refused(whole: Path, tmp_path: Path) -> None:
    other = write_scenes(tmp_path / "other", classes=("ground", "disc", "box", "ring"))
    with pytest.raises(InputError, match=r"best\.pt knows 3 classes, but folders train has 4"):
        train(TrainJob(SMALL, other, tmp_path / "run", start=whole / "best.pt"))


def test_a_run_begins_with_given_weights(root: Path, whole: Path, tmp_path: Path) -> None:
    job = TrainJob(replace(SMALL, lr=0.0, norm="frozen"), root, tmp_path / "run", start=whole / "best.pt", threads=1)
    trained = read(train(job) / "last.pt").network
    for name, value in read(whole / "best.pt").network.items():
        assert torch.equal(value, trained[name]), name
    grouped = train(TrainJob(replace(SMALL, norm="group", steps=3), root, tmp_path / "group", threads=1)) / "best.pt"
    said: list[str] = []
    train(TrainJob(SMALL, root, tmp_path / "from", start=grouped, threads=1), say=said.append)
    assert said[0] == f"norms: group norms, as in {grouped}"


def test_how_a_batch_is_shared_out() -> None:
    eight_cards, one_card = share_out(16, 8, 2), share_out(16, 1, 2)
    assert (eight_cards.parts, one_card.parts) == (1, 8)
    together = [place for rank in range(8) for place in eight_cards.positions(3, 0, rank)]
    assert together == [place for part in range(8) for place in one_card.positions(3, part, 0)] == [*range(48, 64)]
    assert share_out(2, 1, 8) == Shares(2, 1, 2)
    with pytest.raises(InputError, match="16 images cannot be shared out over 1 devices with 3 at once"):
        share_out(16, 1, 3)
    with pytest.raises(InputError, match="less than one for each of 8 devices"):
        share_out(4, 8, 1)


def test_the_stream_gives_every_image_once_an_epoch_and_the_same_again(root: Path) -> None:
    stream = Stream(open_semantic(root, "train"), TrainTransform(crop=(32, 32)), seed=0)
    names = [stream.sample(position)[2] for position in range(10)]
    assert sorted(names[:5]) == sorted(names[5:]) == [f"{number}.png" for number in range(5)]
    assert names[:5] != names[5:]
    first, again = stream.batch(range(3, 5)), stream.batch(range(3, 5))
    assert torch.equal(first.images, again.images)
    wanted = iter([range(2), range(2, 4), range(4, 6)])
    with batches.ready_batches(stream, wanted, workers=2) as ready:
        ahead = list(ready)
    assert [batch.names for batch in ahead] == [tuple(names[i : i + 2]) for i in (0, 2, 4)]


def test_processes_learn_from_the_mean_of_their_gradients(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = torch.nn.Linear(3, 2)
    for parameter in layer.parameters():
        parameter.grad = torch.ones_like(parameter)

    def with_another(value: Tensor, **_: Any) -> None:
        value += 3 * torch.ones_like(value)

    monkeypatch.setattr("torch.distributed.all_reduce", with_another)
    World(0, 2, torch.device("cpu")).average_gradients(layer)
    assert all(bool((parameter.grad == 2).all()) for parameter in layer.parameters() if parameter.grad is not None)
