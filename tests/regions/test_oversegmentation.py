import numpy as np
import pytest
from scipy import ndimage

from tamis.regions.oversegmentation import LEAST_PIXELS, MOST_REGIONS, small_regions

EIGHT = np.ones((3, 3))


def noise(shape: tuple[int, int]) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)


def test_regions_end_where_colours_do() -> None:
    image = np.zeros((64, 96, 3), np.uint8)
    image[:, 40:] = 200
    image[20:40, 50:80] = (250, 30, 30)
    regions = small_regions(image)
    colours = image.reshape(-1, 3)[np.unique(regions, return_index=True)[1]]
    wrong = (colours[regions] != image).any(axis=2)
    assert not wrong.any()
    assert regions.max() < 40  # the blur of an edge makes regions along it


def test_every_region_is_connected_and_large_enough_and_has_a_number() -> None:
    image = np.asarray(ndimage.gaussian_filter(noise((96, 128)).astype(float), (2, 2, 0)) * 4 % 256, np.uint8)
    regions = small_regions(image)
    assert regions.dtype == np.uint16
    sizes = np.bincount(regions.ravel())
    assert len(sizes) > 20
    assert sizes.min() >= LEAST_PIXELS
    assert all(ndimage.label(regions == number, EIGHT)[1] == 1 for number in range(len(sizes)))


def test_noise_is_not_cut_into_too_many() -> None:
    assert 300 < small_regions(noise((384, 384))).max() < MOST_REGIONS


@pytest.mark.parametrize("shape", [(32, 32), (32, 384)])
def test_a_flat_image_is_one_region(shape: tuple[int, int]) -> None:
    assert not small_regions(np.full((*shape, 3), 77, np.uint8)).any()


def test_the_same_image_gives_the_same_regions() -> None:
    image = noise((64, 64)) // 64 * 64  # many edges of the same length
    np.testing.assert_array_equal(small_regions(image), small_regions(image.copy()))
