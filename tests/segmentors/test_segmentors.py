"""What every built-in segmentor promises."""

from typing import Any

import numpy as np
import pytest

from tamis.arrays import ImageArray, MaskArray
from tamis.clicks import Click, grid_clicks
from tamis.errors import InputError
from tamis.regions.clicks import best_answers
from tamis.segmentors import AnswersByRegion, EncodedImage, Segmentor, load_segmentor
from tamis.segmentors.registry import BUILT_IN

NAMES = [model.name for model in BUILT_IN]


@pytest.fixture(scope="module", params=NAMES)
def segmentor(request: pytest.FixtureRequest) -> Segmentor:
    return load_segmentor(request.param)


@pytest.fixture(scope="module")
def encoded(segmentor: Segmentor, scene: tuple[ImageArray, MaskArray]) -> EncodedImage:
    return segmentor.encode(scene[0])


def test_one_click_finds_the_object(encoded: EncodedImage, scene: tuple[ImageArray, MaskArray]) -> None:
    _, disc = scene
    mask = encoded.probability([Click(40, 50)]) > 0.5
    assert (mask & disc).sum() / (mask | disc).sum() > 0.9


def test_shapes_types_and_range(encoded: EncodedImage) -> None:
    assert isinstance(encoded, EncodedImage)
    assert encoded.shape == (96, 128)
    together = encoded.probability([Click(40, 50), Click(100, 20, positive=False)])
    alone = encoded.probabilities(grid_clicks(2, (96, 128)))
    assert together.shape == (96, 128)
    assert alone.shape[0] == 4
    for probability in (together, alone):
        assert probability.dtype == np.float32
        assert 0 <= probability.min() <= probability.max() <= 1


def test_clicks_own_their_pixels(encoded: EncodedImage) -> None:
    clicks = [Click(40.5, 50.5), Click(42.5, 50.5, positive=False), Click(100.5, 20.5, positive=False)]
    probability = encoded.probability(clicks)
    for click in clicks:
        assert probability[click.pixel] == click.positive


def test_the_same_clicks_give_the_same_mask(segmentor: Segmentor, scene: tuple[ImageArray, MaskArray]) -> None:
    first, second = (segmentor.encode(scene[0]).probability([Click(40, 50)]) for _ in range(2))
    assert (first == second).all()


def test_bad_clicks_are_refused(encoded: EncodedImage) -> None:
    with pytest.raises(InputError, match="outside the 128x96 image"):
        encoded.probability([Click(128, 10)])
    with pytest.raises(InputError, match="at least one click"):
        encoded.probability([])
    assert len(encoded.probabilities([])) == 0


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (3, 700)])
def test_images_of_any_shape(segmentor: Segmentor, shape: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    encoded = segmentor.encode(image)
    assert encoded.probability([Click(0.5, 0.5)]).shape == shape
    assert encoded.probability([Click(0.5, 0.5, positive=False)])[0, 0] == 0


def test_a_flat_image_has_a_mask_around_the_click(segmentor: Segmentor) -> None:
    encoded = segmentor.encode(np.full((40, 60, 3), 128, np.uint8))
    assert (encoded.probability([Click(30, 20)]) > 0.5)[17:23, 27:33].all()


def test_answers_by_region_are_the_probabilities(encoded: EncodedImage) -> None:
    if not isinstance(encoded, AnswersByRegion):
        pytest.skip("this segmentor answers by pixel")
    regions = encoded.region_map
    count = int(regions.max()) + 1
    assert regions.dtype == np.uint16
    assert encoded.answers.shape[1:] == (count, count)
    assert encoded.ratings.shape == encoded.answers.shape[:2]
    assert len(encoded.descriptors) == count
    row, column = regions.shape[0] // 2, regions.shape[1] // 3
    click = Click((column + 0.5) * 128 / regions.shape[1], (row + 0.5) * 96 / regions.shape[0])
    answer = best_answers(encoded.answers, encoded.ratings)[regions[row, column]][regions] / np.float32(255)
    assert (encoded.probabilities([click])[0] == answer).all()


@pytest.mark.parametrize("wrong", ["grey", "alpha", "shares", "list", "nothing"])
def test_arrays_that_are_no_image_are_refused(
    segmentor: Segmentor, scene: tuple[ImageArray, MaskArray], wrong: str
) -> None:
    image: Any = {
        "grey": scene[0][..., 0],
        "alpha": np.dstack([scene[0], scene[0][..., :1]]),
        "shares": scene[0] / 255,
        "list": scene[0].tolist(),
        "nothing": scene[0][:0],
    }[wrong]
    with pytest.raises(InputError, match="an image must"):
        segmentor.encode(image)
