"""Measuring a checkpoint: the figures are those of a count by hand, and a run that was cut off goes on."""

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from tamis.errors import InputError
from tamis.semantic.data.dataset import open_semantic, read_sample
from tamis.semantic.evaluate import EvaluateJob, evaluate
from tamis.semantic.inference import predict
from tamis.semantic.networks.checkpoints import load_trained
from tamis.semantic.scores import read_own
from tamis.semantic.train import TrainJob, train
from tests.semantic.scenes import CLASSES, SMALL, write_scenes


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_scenes(tmp_path_factory.mktemp("scenes"))


@pytest.fixture(scope="module")
def checkpoint(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(TrainJob(SMALL, root, tmp_path_factory.mktemp("runs") / "run", threads=1)) / "best.pt"


def test_the_figures_are_those_of_a_count_by_hand(root: Path, checkpoint: Path, tmp_path: Path) -> None:
    done: list[tuple[int, int]] = []
    record = evaluate(EvaluateJob(checkpoint, root, tmp_path / "result"), on_image=lambda *each: done.append(each))
    assert done == [(1, 3), (2, 3), (3, 3)]
    trained, dataset = load_trained(checkpoint), open_semantic(root, "val")
    both, either = np.zeros(3), np.zeros(3)
    for index in range(3):
        image, label = read_sample(dataset, index)
        answer = predict(trained.network, image, SMALL.inference, torch.device("cpu"))
        for number in range(3):
            both[number] += ((answer == number) & (label == number)).sum()
            either[number] += ((answer == number) | (label == number)).sum()
    assert [record["classes"][name]["iou"] for name in CLASSES] == pytest.approx(list(both / either))
    assert record["miou"] == pytest.approx(float(np.mean(both / either)))


def test_a_result_is_a_folder_that_says_how_it_came_about(root: Path, checkpoint: Path, tmp_path: Path) -> None:
    out = tmp_path / "result"
    record = evaluate(EvaluateJob(checkpoint, root, out, overrides={"divisor": "32"}, several=True))
    assert json.loads((out / "semantic.json").read_text()) == record
    assert (record["dataset"], record["model"], record["iterations"], record["images"]) == (
        "folders val",
        "small",
        6,
        3,
    )
    assert 0 <= record["miou_ms"] <= 1
    assert len(record["run"]["weights_sha256"]) == len(record["run"]["dataset_fingerprint"]) == 64
    assert json.loads((out / "run.json").read_text())["ended"] is not None
    with (out / "classes.csv").open(newline="") as stream:
        assert [row["class"] for row in csv.DictReader(stream)] == list(CLASSES)
    assert "confusion" in (out / "index.html").read_text().lower()
    assert (out / "predictions.jpg").exists()
    assert not list(out.glob(".counted*"))
    [score] = read_own(out / "semantic.json")
    assert score.miou == round(100 * record["miou"], 2)


def test_a_run_that_was_cut_off_goes_on(
    root: Path, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tamis.semantic.evaluate.KEPT_EVERY", 1)

    class Killed(Exception):
        pass

    def kill(done: int, total: int) -> None:
        if done == 3:
            raise Killed

    job = EvaluateJob(checkpoint, root, tmp_path / "result")
    with pytest.raises(Killed):
        evaluate(job, on_image=kill)
    done: list[int] = []
    record = evaluate(job, on_image=lambda number, total: done.append(number))
    assert done == [3]
    assert record["classes"] == evaluate(EvaluateJob(checkpoint, root, tmp_path / "whole"))["classes"]


def test_a_checkpoint_of_other_classes_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    four = write_scenes(tmp_path / "four", classes=(*CLASSES, "ring"))
    with pytest.raises(InputError, match=r"best\.pt knows 3 classes, but folders val has 4"):
        evaluate(EvaluateJob(checkpoint, four, tmp_path / "result"))
    renamed = write_scenes(tmp_path / "renamed", classes=("ground", "coin", "box"))
    with pytest.raises(InputError, match="its class 1 is 'disc', but that of folders val is 'coin'"):
        evaluate(EvaluateJob(checkpoint, renamed, tmp_path / "result"))


def test_a_broken_image_is_left_out_and_named(checkpoint: Path, tmp_path: Path) -> None:
    root = write_scenes(tmp_path / "scenes")
    (root / "images" / "val" / "1.png").write_bytes(b"")
    said: list[str] = []
    record = evaluate(EvaluateJob(checkpoint, root, tmp_path / "result"), say=said.append)
    assert record["images"] == 2
    assert len(said) == 1
    assert "1.png" in said[0]


def test_labels_above_the_class_count_are_refused(checkpoint: Path, tmp_path: Path) -> None:
    root = write_scenes(tmp_path / "scenes")
    cv2.imwrite(str(root / "labels" / "val" / "2.png"), np.full((48, 64), 9, np.uint8))
    with pytest.raises(InputError, match=r"2\.png.*9"):
        evaluate(EvaluateJob(checkpoint, root, tmp_path / "result"))
