"""The loop by epochs: checkpoints, resuming, the refusal of random starts, the table of epochs."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from tamis.errors import InputError, UnavailableError
from tamis.image import write_image
from tamis.segmentors import load_segmentor
from tamis.segmentors.plain_vit.network import SHAPES, SegNext
from tamis.segmentors.plain_vit.weights import save_segnext
from tamis.training.click_tools import rounds, trainer
from tamis.training.click_tools.epochs import EpochScore, read_table, table_lines, write_table
from tamis.training.click_tools.recipe import Recipe, find_recipe
from tamis.training.click_tools.trainer import ClickJob, started_network, train_segnext
from tests.training.scenes import column

TINY = ["network=tiny", "size=64", "least_area=40", "epochs=2", "epoch_samples=24", "batch=4", "per_device=2",
        "lr=2e-3", "milestones=9", "keep_every=1"]  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Twelve pictures with one bright square each."""
    root = tmp_path_factory.mktemp("data")
    for folder in ("images", "masks"):
        (root / folder).mkdir()
    rng = np.random.default_rng(0)
    for number in range(12):
        labels = np.zeros((60, 70), np.uint8)
        top, left = rng.integers(4, 25, 2)
        labels[top : top + 28, left : left + 30] = 1
        image = np.where(labels[..., None] > 0, (220, 180, 40), (30, 60, 90)) + rng.integers(0, 20, (60, 70, 3))
        write_image(root / "images" / f"{number}.png", image.astype(np.uint8))
        cv2.imwrite(str(root / "masks" / f"{number}.png"), labels)
    return f"folder={root}:"


def job(data: str, out: Path, *changes: str, **options: Any) -> ClickJob:
    return ClickJob(find_recipe("small", [*TINY, *changes]), [data], out, device="cpu", **options)


def test_so_many_steps_instead_of_epochs(data: str, tmp_path: Path) -> None:
    folder = train_segnext(job(data, tmp_path / "run", "epochs=9", "epoch_samples=8", steps=3))
    assert column(tmp_path / "run" / "metrics.csv", "step") == [2, 3]
    assert sorted(path.name for path in folder.iterdir()) == ["000.pth", "001.pth"]


def test_a_run_learns_and_tells_each_epoch(data: str, tmp_path: Path) -> None:
    said: list[str] = []
    folder = train_segnext(
        job(data, tmp_path / "run", "epochs=3", "epoch_samples=80", "lr=4e-3", evaluate=[data], limit=6), said.append
    )
    assert sorted(path.name for path in folder.iterdir()) == [f"{epoch:03d}.pth" for epoch in range(3)]
    rows = read_table(tmp_path / "run")
    assert [row.epoch for row in rows] == list(range(3))
    assert rows[-1].miou > rows[0].miou
    assert rows[-1].miou > 0.5
    assert table_lines(tmp_path / "run")[0].startswith(f"folder: epoch 0: {100 * rows[0].miou:.2f}, 1: ")
    assert load_segmentor(f"segnext:{folder / '002.pth'}").weights_sha256 == rows[-1].weights  # type: ignore[attr-defined]
    told = json.loads((tmp_path / "run" / "run.json").read_text())
    assert told["ended"]
    assert told["settings"]["images"] == 12
    assert said[0] == "starts from random weights"


def test_a_resumed_run_learns_the_same(data: str, tmp_path: Path) -> None:
    changes = ["single=false", "rounds=2"]  # clicks of every kind are drawn again
    train_segnext(job(data, tmp_path / "whole", *changes))
    train_segnext(job(data, tmp_path / "parts", *changes, "epochs=1"))
    train_segnext(job(data, tmp_path / "parts", *changes, resume=True))
    for name in ("loss", "iou"):
        assert column(tmp_path / "whole" / "metrics.csv", name) == column(tmp_path / "parts" / "metrics.csv", name)
    states = [torch.load(tmp_path / run / "last.pt", weights_only=True)["state_dict"] for run in ("whole", "parts")]
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())


def test_a_run_is_neither_overwritten_nor_resumed_otherwise(data: str, tmp_path: Path) -> None:
    train_segnext(job(data, tmp_path / "run", "epochs=1", "epoch_samples=4"))
    with pytest.raises(InputError, match="already holds a run"):
        train_segnext(job(data, tmp_path / "run"))
    with pytest.raises(InputError, match=r"was trained with lr=0\.002"):
        train_segnext(job(data, tmp_path / "run", "epoch_samples=4", "lr=1", resume=True))
    with pytest.raises(InputError, match="holds no run to resume"):
        train_segnext(job(data, tmp_path / "other", resume=True))


def test_a_start_that_would_be_random_is_refused(tmp_path: Path) -> None:
    recipe = replace(find_recipe("small", TINY), start="encoder")
    with pytest.raises(InputError, match="it would lose tens of points"):
        started_network(recipe, None)
    other = tmp_path / "other.pth"
    save_segnext(other, SegNext(SHAPES["small"].at(64)))
    with pytest.raises(InputError, match="does not fill the encoder"):
        started_network(recipe, other)
    good = tmp_path / "good.pth"
    kept = SegNext(SHAPES["tiny"])
    save_segnext(good, kept)
    for start in ("encoder", "network"):
        network, said = started_network(replace(recipe, start=start), good)
        assert torch.equal(network.backbone.pos_embed, kept.backbone.pos_embed)
        assert "all" in said
    with pytest.raises(InputError, match="leave out --start"):
        started_network(find_recipe("small", TINY), good)


def test_where_memory_does_not_suffice_less_is_seen_at_once(
    data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def learn(network: Any, samples: Any, *further: Any) -> Any:
        seen.append(len(samples))
        if len(samples) > fits:
            raise torch.OutOfMemoryError
        return rounds.learn(network, samples, *further)

    monkeypatch.setattr(trainer, "learn", learn)
    said: list[str] = []
    fits = 1
    train_segnext(job(data, tmp_path / "run", "epochs=1", "epoch_samples=4", "per_device=4"), said.append)
    assert seen == [4, 2, 1, 1, 1, 1]
    assert any("1 samples at once from here on, batches as before" in sentence for sentence in said)
    fits = 0
    with pytest.raises(UnavailableError, match="--set half=true"):
        train_segnext(job(data, tmp_path / "none", "epochs=1"))


def test_steps_that_are_not_finite_are_left_out(data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    count = 0

    def learn(*given: Any) -> Any:
        nonlocal count
        count += 1
        learned = rounds.learn(*given)
        return replace(learned, loss=learned.loss * float("nan")) if count == 3 else learned

    monkeypatch.setattr(trainer, "learn", learn)
    said: list[str] = []
    train_segnext(job(data, tmp_path / "run", "epochs=1", "per_device=4"), said.append)
    assert said[-1].startswith("1 steps were left out")
    assert column(tmp_path / "run" / "metrics.csv", "skipped") == [1]


def test_the_table_of_epochs_is_as_the_research_writes_it(tmp_path: Path) -> None:
    rows = [EpochScore(29, "davis345", 0.6122, 345, 345, ""), EpochScore(19, "davis345", 0.5629, 345, 345, "")]
    write_table(tmp_path, [*rows, EpochScore(19, "hqseg44k/val", 0.2096, 1537, 1537, "")])
    assert table_lines(tmp_path) == ["davis345: epoch 19: 56.29, 29: 61.22", "hqseg44k/val: epoch 19: 20.96"]
    with pytest.raises(InputError, match="no epoch was measured"):
        table_lines(tmp_path / "empty")


def test_a_recipe_says_what_a_run_follows_from() -> None:
    assert Recipe("a", "b").record()["milestones"] == [50, 90]
