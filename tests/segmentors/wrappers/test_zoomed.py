import numpy as np
import pytest

from tamis.arrays import ImageArray
from tamis.clicks import Click
from tamis.segmentors import EncodedImage, Segmentor
from tamis.segmentors.classical.hierarchy import Hierarchy
from tamis.segmentors.wrappers.zoomed import CloseUp, part_worth_a_look


@pytest.fixture(scope="module")
def small_disc() -> tuple[ImageArray, np.ndarray]:
    """A disc of 13 pixels radius on an image of 1200 × 900 with some noise."""
    rows, columns = np.mgrid[:900, :1200]
    mask = (rows - 300.5) ** 2 + (columns - 700.5) ** 2 < 13**2
    noise = np.random.default_rng(0).normal(0, 6, (900, 1200, 3))
    image = np.where(mask[..., None], (200.0, 60.0, 60.0), (60.0, 80.0, 70.0)) + noise
    return np.clip(image, 0, 255).astype(np.uint8), mask


def test_it_is_a_segmentor(small_disc: tuple[ImageArray, np.ndarray]) -> None:
    assert isinstance(CloseUp(Hierarchy()), Segmentor)
    assert isinstance(CloseUp(Hierarchy()).encode(small_disc[0]), EncodedImage)


def test_a_second_look_sees_a_small_thing_better(small_disc: tuple[ImageArray, np.ndarray]) -> None:
    image, mask = small_disc
    encoded = CloseUp(Hierarchy()).encode(image)
    click = Click(700, 300)

    def iou(probability: np.ndarray) -> float:
        return float((mask & (probability > 0.5)).sum() / (mask | (probability > 0.5)).sum())

    once, twice = iou(encoded.first.probability([click])), iou(encoded.probability([click]))
    assert twice >= once
    assert twice > 0.8


def test_the_part_is_around_the_mask_and_the_clicks() -> None:
    mask = np.zeros((1000, 1000), bool)
    mask[400:600, 300:400] = True
    part = part_worth_a_look(mask, [Click(320, 450), Click(450, 500, positive=False)])
    assert part == (slice(280, 720), slice(240, 460))
    assert part_worth_a_look(mask, [Click(320, 450), Click(900, 500)]) is None  # most of the width


def test_what_fills_the_image_needs_no_second_look() -> None:
    assert part_worth_a_look(np.ones((100, 100), bool), [Click(5, 5)]) is None


def test_clicks_keep_their_pixels(small_disc: tuple[ImageArray, np.ndarray]) -> None:
    encoded = CloseUp(Hierarchy()).encode(small_disc[0])
    clicks = [Click(700, 300), Click(705, 300, positive=False), Click(20, 880, positive=False)]
    probability = encoded.probability(clicks)
    assert [probability[click.pixel] for click in clicks] == [1, 0, 0]
    assert encoded.probabilities(clicks[:1]).shape == (1, 900, 1200)
