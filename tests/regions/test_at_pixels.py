"""Maps at single pixels are what enlarged maps are there."""

import cv2
import numpy as np

from tamis.regions.at_pixels import at_pixels


def test_values_are_those_of_the_enlarged_maps() -> None:
    rng = np.random.default_rng(0)
    maps = rng.normal(size=(3, 7, 9)).astype(np.float32)
    shape = 40, 55
    large = np.stack([cv2.resize(each, shape[::-1], interpolation=cv2.INTER_LINEAR) for each in maps])
    pixels = np.concatenate([rng.choice(40 * 55, 200, replace=False), [0, 54, 39 * 55, 40 * 55 - 1]])
    np.testing.assert_allclose(
        at_pixels(np.ascontiguousarray(maps.transpose(1, 2, 0)), pixels, shape),
        large.reshape(3, -1)[:, pixels].T,
        atol=1e-5,
    )


def test_no_map_says_nothing() -> None:
    assert at_pixels(np.empty((1, 1, 0), np.float32), np.arange(5), (4, 4)).shape == (5, 0)
