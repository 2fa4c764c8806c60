from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tamis.semantic.metrics import Confusion, as_record, confusion, measures, nothing_yet

Image = NDArray[np.uint8]

# Two rows of three pixels: class 0 right once and taken for 1 once, class 1 right twice, one pixel ignored.
LABEL = np.array([[0, 0, 1], [1, 255, 2]], np.uint8)
PREDICTION = np.array([[0, 1, 1], [1, 0, 0]], np.uint8)


def test_the_areas_of_a_small_image() -> None:
    found = confusion(PREDICTION, LABEL, 4)
    assert found.intersection.tolist() == [1, 2, 0, 0]
    assert found.label.tolist() == [2, 2, 1, 0]
    assert found.prediction.tolist() == [2, 3, 0, 0]  # the ignored pixel, though predicted, is left out
    assert found.union.tolist() == [3, 3, 1, 0]


def test_a_class_that_is_nowhere_is_left_out_of_the_means() -> None:
    found = measures(confusion(PREDICTION, LABEL, 4))
    assert found.iou.tolist() == pytest.approx([1 / 3, 2 / 3, 0, np.nan], nan_ok=True)
    assert found.accuracy.tolist() == pytest.approx([1 / 2, 1, 0, np.nan], nan_ok=True)
    assert found.miou == pytest.approx((1 / 3 + 2 / 3 + 0) / 3)
    assert found.macc == pytest.approx((1 / 2 + 1 + 0) / 3)
    assert found.aacc == pytest.approx(3 / 5)


def test_a_class_that_is_predicted_but_nowhere_labelled_has_an_iou_and_no_accuracy() -> None:
    found = measures(confusion(np.array([[0, 1]], np.uint8), np.array([[0, 0]], np.uint8), 2))
    assert found.iou.tolist() == [0.5, 0]
    assert found.accuracy.tolist() == pytest.approx([0.5, np.nan], nan_ok=True)


images = st.integers(0, 2**32 - 1).map(np.random.default_rng)


@given(images, st.integers(1, 7), st.integers(1, 4))
def test_the_sum_over_images_is_what_sets_of_pixels_give(rng: np.random.Generator, classes: int, count: int) -> None:
    total, pixels = nothing_yet(classes), []
    for _ in range(count):
        label = rng.integers(0, classes + 1, (5, 6)).astype(np.uint8)
        label[label == classes] = 255
        prediction = rng.integers(0, classes, (5, 6)).astype(np.uint8)
        total += confusion(prediction, label, classes)
        pixels += [(p, t) for p, t in zip(prediction.ravel().tolist(), label.ravel().tolist(), strict=True) if t != 255]
    ious = []
    for c in range(classes):
        predicted = {place for place, (p, _) in enumerate(pixels) if p == c}
        true = {place for place, (_, t) in enumerate(pixels) if t == c}
        ious.append(len(predicted & true) / len(predicted | true) if predicted | true else np.nan)
    found = measures(total)
    assert found.iou.tolist() == pytest.approx(ious, nan_ok=True)
    known = [iou for iou in ious if not np.isnan(iou)]
    assert found.miou == pytest.approx(sum(known) / len(known) if known else np.nan, nan_ok=True)


def test_the_dataset_counts_and_not_the_mean_of_its_images() -> None:
    right, wrong = np.zeros((1, 9), np.uint8), np.ones((1, 1), np.uint8)
    total = confusion(right, right, 2) + confusion(wrong, wrong * 0, 2)
    assert measures(total).iou.tolist() == [0.9, 0]


@pytest.mark.data
def test_areas_and_figures_are_the_peers(golden: Path) -> None:
    theirs = np.load(golden / "mmseg" / "a" / "iou.npz")
    label = np.load(golden / "mmseg" / "a" / "loaded.npz")["gt"]
    total = nothing_yet(150)
    for number, prediction in enumerate(theirs["preds"][:, 0]):
        found = confusion(prediction, label, 150)
        areas = (found.intersection, found.union, found.prediction, found.label)
        for area, name in zip(areas, ("intersect", "union", "pred_area", "label_area"), strict=True):
            assert np.array_equal(area, theirs[name][number])
        total += found
    figures = measures(total)
    assert figures.iou.tolist() == pytest.approx(theirs["class_IoU"].tolist(), nan_ok=True, abs=1e-6)
    assert figures.accuracy.tolist() == pytest.approx(theirs["class_Acc"].tolist(), nan_ok=True, abs=1e-6)
    for name, value in (("mIoU", figures.miou), ("mAcc", figures.macc), ("aAcc", figures.aacc)):
        assert round(100 * value, 2) == theirs[f"summary_{name}"]


@pytest.mark.parametrize(
    ("prediction", "label", "message"),
    [
        (np.zeros((2, 3)), np.zeros((3, 2)), r"\(2, 3\) for labels of \(3, 2\)"),
        (np.full((2, 2), 5), np.zeros((2, 2)), "0 to 4, and 255 in labels alone"),
        (np.zeros((2, 2)), np.full((2, 2), 5), "0 to 4"),
        (np.full((2, 2), 255), np.zeros((2, 2)), "0 to 4"),
    ],
)
def test_class_indices_that_there_are_not(prediction: Image, label: Image, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        confusion(prediction.astype(np.uint8), label.astype(np.uint8), 5)


def test_nothing_compared_has_no_figures() -> None:
    found = measures(nothing_yet(2))
    assert as_record(found, ("a", "b")) == {
        "miou": None,
        "macc": None,
        "aacc": None,
        "classes": {"a": {"iou": None, "accuracy": None}, "b": {"iou": None, "accuracy": None}},
    }


def test_a_record_has_every_class() -> None:
    record = as_record(measures(Confusion(np.array([[3, 1], [0, 0]]))), ("a", "b"))
    assert record["classes"] == {"a": {"iou": 0.75, "accuracy": 0.75}, "b": {"iou": 0.0, "accuracy": None}}
    assert record["miou"] == 0.375
