"""The IoU to expect: piece by piece over pixels it is what it is over cells that each count as one."""

import numpy as np
import pytest

from tamis.mask.expected import PIECE, expected_iou, expected_iou_of


@pytest.mark.parametrize("shape", [(3, 7, 9), (2, 3, PIECE // 2), (1, 1, 1)])
def test_pixels_are_cells_of_one(shape: tuple[int, int, int]) -> None:
    probabilities = np.random.default_rng(0).random(shape).astype(np.float32)
    flat = probabilities.reshape(len(probabilities), -1)
    thresholds = np.full(len(flat), 0.6, np.float32)
    over_cells = expected_iou(flat, np.ones(flat.shape[1], np.float32), thresholds)
    np.testing.assert_allclose(expected_iou_of(probabilities, 0.6), over_cells, atol=1e-5)


def test_what_is_certain_is_expected_to_be_right() -> None:
    probabilities = np.zeros((2, 4, 5), np.float32)
    probabilities[0, :2] = 1
    assert expected_iou_of(probabilities).tolist() == [1, 0]
