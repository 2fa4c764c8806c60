"""What a mask has on either side of most of its border corrects the rest of it."""

import numpy as np
import pytest

from tamis.mask.iou import iou_of
from tamis.regions.surroundings import surroundings
from tamis.segmentors.embedded.likeness import LEAST, SETTLED, settled


def scene(by_features: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A square, features and surroundings that tell it from the rest, or only one of them."""
    rng = np.random.default_rng(1)
    coarse = np.zeros((24, 32), bool)
    coarse[6:18, 8:24] = True
    truth = np.kron(coarse, np.ones((4, 4), bool))
    features = rng.normal(0, 0.2, (24, 32, 5)).astype(np.float32)
    image = rng.normal(120, 6, (*truth.shape, 3))
    if by_features:
        features[..., 2] += coarse
    else:
        image[truth] += (60, -30, 0)
    return truth, features, surroundings(image.clip(0, 255).astype(np.uint8))


@pytest.mark.parametrize("by_features", [True, False])
def test_a_bulge_and_a_dent_are_corrected(by_features: bool) -> None:
    truth, features, around = scene(by_features)
    mask = truth.copy()
    mask[20:24, 40:60] = True
    mask[50:60, 92:96] = False
    seen = np.where(mask, 0.7, 0.3).astype(np.float32)
    told = settled(seen, features, around)
    assert 1 - iou_of(told > 0.5, truth) < (1 - iou_of(mask, truth)) / 3
    assert (seen == np.where(mask, np.float32(0.7), np.float32(0.3))).all()  # what came in is as it was


def test_nothing_changes_far_from_the_border() -> None:
    truth, features, around = scene(True)
    seen = np.where(truth, 0.7, 0.3).astype(np.float32)
    seen[40:44, 50:60] = 0.55
    told = settled(seen, features, around)
    far = np.zeros_like(truth)
    far[24 + SETTLED + 2 : 72 - SETTLED - 2, 32 + SETTLED + 2 : 96 - SETTLED - 2] = True
    np.testing.assert_array_equal(told[far], seen[far])


def test_too_few_pixels_teach_nothing() -> None:
    seen = np.full((8, 16), 0.2, np.float32)
    assert seen.size < LEAST
    seen[3, 4] = 0.9
    features, around = np.zeros((2, 4, 2), np.float32), np.zeros((8, 16, 3), np.float32)
    assert settled(seen, features, around) is seen
    empty = np.zeros((40, 40), np.float32)
    assert settled(empty, np.zeros((10, 10, 2), np.float32), np.zeros((40, 40, 3), np.float32)) is empty
