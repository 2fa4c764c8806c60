import numpy as np
import pytest

from tamis.segmentors.embedded.model import Embedded
from tamis.segmentors.embedded.sizes import as_seen
from tests.segmentors.embedded.test_model import INSIDE, disc


def test_an_image_of_enough_contrast_is_only_shrunk() -> None:
    image, _ = disc()
    seen = as_seen(image)
    assert seen.full is image
    assert seen.small.shape == (256, 384, 3)


@pytest.mark.parametrize("dim", [lambda image: image // 10, lambda image: 120 + image // 10])
def test_little_contrast_is_spread_over_all_levels_and_answers_are_what_they_would_be(dim) -> None:  # type: ignore[no-untyped-def]
    image, mask = disc()
    seen = as_seen(dim(image))
    assert seen.full.max() >= 250
    assert seen.full.min() == 0
    answer = Embedded().encode(dim(image)).probability([INSIDE]) > 0.5
    assert np.count_nonzero(answer & mask) > 0.95 * np.count_nonzero(answer | mask)


@pytest.mark.parametrize("level", [0, 128, 255])
def test_one_colour_stays_what_it_is(level: int) -> None:
    image = np.full((40, 60, 3), level, np.uint8)
    assert np.all(as_seen(image).small == level)
