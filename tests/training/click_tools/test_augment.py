"""Masks stay where the image is, whatever is done to it."""

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tamis.training.click_tools.augment import Augmentation, augmented, inverse_map, nearest_along, read_along
from tamis.training.click_tools.scene import packed_scene

STILL = Augmentation((1, 1), turns=False, shift=0, rotate=0, brightness=(0, 0), contrast=(0, 0), colour=0, often=0)


def disc(height: int = 90, width: int = 120) -> NDArray[np.bool_]:
    rows, columns = np.mgrid[:height, :width] + 0.5
    return np.asarray((rows - 40) ** 2 + (columns - 55) ** 2 < 22**2)


def middle(weights: NDArray[Any]) -> NDArray[np.float64]:
    rows, columns = np.mgrid[: weights.shape[0], : weights.shape[1]] + 0.5
    return np.asarray([(rows * weights).sum(), (columns * weights).sum()] / weights.sum())


@pytest.mark.parametrize("side", [37, 64, 101, 241, 301])
def test_resizing_does_not_shift_a_mask(side: int) -> None:
    """Nearest neighbour of OpenCV and albumentations takes the upper left pixel; ClickSEG's authors report it."""
    mask = disc()
    image = np.repeat((mask * 255).astype(np.uint8)[..., None], 3, axis=2)
    back, shape = inverse_map((90, 120), side, STILL, np.random.default_rng(0))
    ours = nearest_along(mask, back, shape)
    shown = read_along(image, back, shape, (90, 120))[..., 0] / 255
    pixel = np.array(shape) / (90, 120)
    assert np.abs(middle(ours) - middle(mask) * pixel).max() < 0.1
    assert np.abs(middle(ours) - middle(shown)).max() < 0.1
    theirs = cv2.resize(mask.astype(np.uint8), (shape[1], shape[0]), interpolation=cv2.INTER_NEAREST)
    if side == 241:  # where an image doubles, a naive mask is half a pixel off
        assert np.abs(middle(theirs) - middle(mask) * pixel).max() > 0.4


def test_resizing_commutes_with_mirroring() -> None:
    mask = disc()[:, :119]
    back, shape = inverse_map(mask.shape, 64, STILL, np.random.default_rng(0))
    assert np.array_equal(nearest_along(mask[:, ::-1], back, shape), nearest_along(mask, back, shape)[:, ::-1])


@pytest.mark.parametrize("seed", range(12))
def test_image_and_masks_go_the_same_way(seed: int) -> None:
    mask = disc()
    image = np.repeat((mask * 200).astype(np.uint8)[..., None], 3, axis=2)
    how = replace(Augmentation(), brightness=(0, 0), contrast=(0, 0), colour=0)
    made = augmented(packed_scene(image, [mask]), 96, how, np.random.default_rng(seed))
    assert made.image.shape == (96, 96, 3)
    moved, shown = made.mask(0), made.image[..., 0] > 100
    assert np.count_nonzero(moved & shown) / np.count_nonzero(moved | shown) > 0.94
    assert 0.3 < np.count_nonzero(moved) / (np.count_nonzero(mask) * (96 / 120) ** 2) < 1.1


def test_the_longer_side_fills_the_square_from_the_upper_left() -> None:
    scene = packed_scene(np.full((90, 120, 3), 9, np.uint8), [np.ones((90, 120), bool)], np.ones((90, 120), bool))
    made = augmented(scene, 60, STILL, np.random.default_rng(0))
    assert np.array_equal(made.mask(0), np.arange(60)[:, None].repeat(60, 1) < 45)
    assert made.image[44, 59].tolist() == [9, 9, 9]
    assert made.image[45:].sum() == 0
    assert made.unknown is not None
    assert made.unknown.sum() == 45 * 60


@pytest.mark.parametrize("seed", range(6))
def test_quarter_turns_are_numpys(seed: int) -> None:
    values = np.arange(12).reshape(3, 4)
    how = replace(STILL, turns=True)
    back, shape = inverse_map((3, 4), 4, how, np.random.default_rng(seed))
    found = nearest_along(values, back, shape)
    turned = [np.rot90(each, k) for each in (values, values[:, ::-1]) for k in range(4)]
    assert any(found.shape == each.shape and np.array_equal(found, each) for each in turned)
