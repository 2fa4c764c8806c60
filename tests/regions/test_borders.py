"""Borders at full size, against the definition taken pixel by pixel."""

import math

import cv2
import numpy as np
import pytest

from tamis.arrays import ImageArray
from tamis.regions.borders import refined_regions


def by_definition(image: ImageArray, region_map: np.ndarray) -> np.ndarray:
    """The region of each pixel: bilinear nearness times likeness to the mean colour."""
    (height, width), (h, w) = image.shape[:2], region_map.shape
    small = cv2.resize(image, (w, h), interpolation=cv2.INTER_AREA)
    colours = {int(each): small[region_map == each].mean(axis=0) for each in np.unique(region_map)}
    found = np.zeros((height, width), np.uint16)
    for row in range(height):
        for column in range(width):
            y, x = (row + 0.5) * h / height - 0.5, (column + 0.5) * w / width - 0.5
            top, left = min(max(math.floor(y), 0), h - 1), min(max(math.floor(x), 0), w - 1)
            down, across = min(max(y - top, 0), 1), min(max(x - left, 0), 1)
            near: dict[int, float] = {}
            for r, p in ((top, 1 - down), (min(top + 1, h - 1), down)):
                for c, q in ((left, 1 - across), (min(left + 1, w - 1), across)):
                    near[int(region_map[r, c])] = near.get(int(region_map[r, c]), 0) + p * q
            scores = {
                each: math.log(weight + 1e-3) - float(np.square(colours[each] - image[row, column]).sum()) / 144
                for each, weight in near.items()
            }
            found[row, column] = max(scores, key=scores.__getitem__)
    return found


@pytest.mark.parametrize("regions", [2, 3, 30])
def test_every_pixel_goes_to_the_nearest_and_likest(regions: int) -> None:
    rng = np.random.default_rng(regions)
    region_map = cv2.resize(
        rng.permutation(np.arange(12) % regions).reshape(3, 4).astype(np.uint8),
        (16, 12),
        interpolation=cv2.INTER_NEAREST,
    )
    region_map[rng.random((12, 16)) < 0.1] = rng.integers(regions)
    image = np.asarray(cv2.resize(rng.integers(100, 140, (6, 8, 3), dtype=np.uint8), (50, 40)), np.uint8)
    numbered = np.asarray(np.unique(region_map, return_inverse=True)[1].reshape(12, 16), np.uint16)
    found, meant = refined_regions(image, numbered), by_definition(image, numbered)
    assert len(np.unique(meant)) == len(np.unique(numbered))
    np.testing.assert_array_equal(found, meant)


def test_refined_borders_follow_the_colours_of_the_full_image() -> None:
    image = np.zeros((64, 64, 3), np.uint8)
    image[:, 29:] = 200  # 3 pixels left of where nearest neighbour would put it
    region_map = np.zeros((8, 8), np.uint16)
    region_map[:, 4:] = 1
    refined = refined_regions(image, region_map)
    assert refined.shape == (64, 64)
    np.testing.assert_array_equal(refined, (image[:, :, 0] > 100).astype(np.uint16))


def test_refining_keeps_a_map_of_the_same_size_and_of_one_region() -> None:
    image = np.random.default_rng(0).integers(0, 256, (16, 24, 3), dtype=np.uint8)
    same = np.arange(16 * 24, dtype=np.uint16).reshape(16, 24) % 7
    np.testing.assert_array_equal(refined_regions(image, same), same)
    assert not refined_regions(image, np.zeros((4, 6), np.uint16)).any()
