"""Losses by mmsegmentation's rules."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tamis.semantic.data.pipeline import TrainTransform, augment
from tamis.semantic.networks.losses import cross_entropy, cross_entropy_of_labelled, pixel_accuracy


def by_hand(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> tuple[float, int]:
    """The summed cross-entropy of labelled pixels, each by itself, and their number."""
    total, count = 0.0, 0
    for image, label in zip(logits, labels, strict=True):
        for row, column in zip(*np.nonzero(label != 255), strict=True):
            scores = image[:, row, column].astype(np.float64)
            total += np.log(np.exp(scores).sum()) - scores[label[row, column]]
            count += 1
    return total, count


def test_ignored_pixels_count_in_the_denominator_of_one_loss_alone() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(2, 4, 5, 6)).astype(np.float32)
    labels = rng.integers(0, 4, (2, 5, 6))
    labels[0, :3] = 255
    total, count = by_hand(logits, labels)
    assert count == 42
    given = torch.from_numpy(logits), torch.from_numpy(labels)
    assert float(cross_entropy(*given)) == pytest.approx(total / 60, rel=1e-6)
    assert float(cross_entropy_of_labelled(*given)) == pytest.approx(total / 42, rel=1e-6)


def test_a_crop_without_a_label_costs_nothing_and_teaches_nothing() -> None:
    logits = torch.randn(1, 3, 4, 4, requires_grad=True)
    labels = torch.full((1, 8, 8), 255)
    for loss in (cross_entropy, cross_entropy_of_labelled):
        value = loss(logits, labels)
        value.backward()  # type: ignore[no-untyped-call]
        assert float(value.detach()) == 0.0
    assert logits.grad is not None
    assert not logits.grad.any()
    assert float(pixel_accuracy(logits, labels)) == 0.0


class Legacy:
    """numpy's generator of old, which mmsegmentation draws from."""

    def __init__(self, seed: int) -> None:
        self.state = np.random.RandomState(seed)

    def random(self) -> float:
        return float(self.state.random_sample())

    def uniform(self, low: float, high: float) -> float:
        return float(self.state.uniform(low, high))

    def integers(self, low: int, high: int) -> int:
        return int(self.state.randint(low, high))


@pytest.mark.data
def test_the_loss_of_a_fixed_head_is_mmsegmentations(golden: Path) -> None:
    place = golden / "mmseg" / "a"
    model, loaded = np.load(place / "model.npz"), np.load(place / "loaded.npz")
    manifest = json.loads((place / "manifest.json").read_text())["args"]
    labels = []
    for seed in manifest["seeds"]:
        _, label = augment(loaded["img"], loaded["gt"], TrainTransform(), Legacy(seed))
        side = manifest["train_pad"]
        rows, columns = side - label.shape[0], side - label.shape[1]
        labels.append(cv2.copyMakeBorder(label, 0, rows, 0, columns, cv2.BORDER_CONSTANT, value=255))
    targets = torch.from_numpy(np.stack(labels).astype(np.int64))
    logits = torch.from_numpy(model["train_low_logits"])
    assert float(cross_entropy(logits, targets)) == pytest.approx(float(model["loss"]), abs=1e-5)
    labelled = float(cross_entropy_of_labelled(logits, targets))
    assert labelled == pytest.approx(float(model["loss_avg_non_ignore"]), abs=1e-5)
    assert 100 * float(pixel_accuracy(logits, targets)) == pytest.approx(float(model["acc_seg"][0]), abs=1e-4)
