import numpy as np
import pytest

from tamis.arrays import ImageArray, MaskArray
from tamis.regions.superpixels import (
    Superpixels,
    achievable_accuracy,
    boundary_recall,
    felzenszwalb,
    from_labels,
    own_regions,
    slic,
)
from tamis.segmentors.classical.hierarchy import Hierarchy

TRUTH = np.array([[1, 1, 1, 2, 2, 2]] * 4)


def test_labels_are_numbered_without_gaps() -> None:
    found = from_labels(np.array([[7, 7], [3, 900]]))
    assert found.labels.tolist() == [[1, 1], [0, 2]]
    assert found.areas.tolist() == [1, 2, 1]


def test_accuracy_by_hand() -> None:
    columns = Superpixels(np.array([[0, 0, 0, 0, 1, 1]] * 4, np.int32))
    assert achievable_accuracy(columns, TRUTH) == pytest.approx((12 + 8) / 24)
    assert achievable_accuracy(Superpixels(TRUTH.astype(np.int32) - 1), TRUTH) == 1


def test_boundary_recall_by_hand() -> None:
    shifted = Superpixels(np.array([[0, 0, 0, 0, 1, 1]] * 4, np.int32))
    assert boundary_recall(shifted, TRUTH, tolerance=0) == 0
    assert boundary_recall(shifted, TRUTH, tolerance=1) == 1
    half = Superpixels(np.array([[0, 0, 0, 1, 1, 1]] * 2 + [[0] * 6] * 2, np.int32))
    assert boundary_recall(half, TRUTH, tolerance=0) == 0.5


def test_a_segmentors_own_regions_and_the_classics(scene: tuple[ImageArray, MaskArray]) -> None:
    image, disc = scene
    encoded = Hierarchy().encode(image)
    for found in (own_regions(encoded), slic(image, 100), felzenszwalb(image, 20)):
        assert found.areas.sum() == disc.size
        assert found.areas.min() > 0
        assert achievable_accuracy(found, disc.astype(np.int64)) > 0.98
