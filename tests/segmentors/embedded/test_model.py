import os
from importlib.resources import files
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from tamis.arrays import ImageArray
from tamis.clicks import Click
from tamis.errors import InputError
from tamis.evaluation.boundaries import best_f, border_counts, drawn_borders
from tamis.regions.encoded import EncodedRegions
from tamis.segmentors.embedded.appearance import described
from tamis.segmentors.embedded.model import Embedded
from tamis.segmentors.embedded.weights import PARTS
from tamis.segmentors.protocol import AnswersByRegion, EncodedImage, Segmentor

pytest.importorskip("onnxruntime")

INSIDE, OUTSIDE = Click(150.5, 100.5), Click(20.5, 20.5)


def disc(height: int = 200, width: int = 300) -> tuple[ImageArray, np.ndarray]:
    """A bright disc in the middle of a dark ground, a little noise, and its mask."""
    y, x = np.mgrid[:height, :width]
    mask = (y - height / 2) ** 2 + (x - width / 2) ** 2 < (height / 3.5) ** 2
    noise = np.random.default_rng(0).normal(0, 4, (height, width, 3))
    image = np.where(mask[:, :, None], (220.0, 90.0, 40.0), (30.0, 60.0, 50.0)) + noise
    return np.clip(image, 0, 255).astype(np.uint8), mask


@pytest.fixture(scope="module")
def encoded() -> EncodedRegions:
    return Embedded().encode(disc()[0])


def test_it_satisfies_the_protocols(encoded: EncodedRegions) -> None:
    assert isinstance(Embedded(), Segmentor)
    assert isinstance(encoded, EncodedImage)
    assert isinstance(encoded, AnswersByRegion)
    assert Embedded().name == "embedded"


def test_answers_are_probabilities_of_all_pairs(encoded: EncodedRegions) -> None:
    regions = int(encoded.region_map.max()) + 1
    assert encoded.region_map.dtype == np.uint16
    assert encoded.answers.shape == (3, regions, regions)
    assert encoded.answers.dtype == np.uint8
    assert (encoded.best.diagonal() > 127).mean() > 0.9
    assert encoded.ratings.shape == (3, regions)
    assert encoded.ratings.dtype == np.uint8
    present = np.bincount(encoded.region_map.ravel())
    sizes = (encoded.answers > 127) @ present
    assert (sizes[0] <= sizes[1]).mean() > 0.9  # the finest is the smallest
    assert (sizes[1] <= sizes[2]).mean() > 0.9
    assert encoded.descriptors.shape[0] == regions


def test_edges_follow_the_outline_and_have_the_size_of_the_image() -> None:
    image, mask = disc()
    strength = Embedded().edges(image)
    assert strength.shape == mask.shape
    counts = border_counts(strength, [drawn_borders(mask.astype(np.uint8))])
    assert best_f([counts])[0] > 0.9


def test_a_click_finds_what_stands_out(encoded: EncodedRegions) -> None:
    found = encoded.probability([INSIDE]) > 0.5
    mask = disc()[1]
    assert found.shape == mask.shape
    assert (found & mask).sum() / (found | mask).sum() > 0.9


def test_probability_of_one_click_is_a_row_of_the_matrix(encoded: EncodedRegions) -> None:
    region = encoded.fine_map[INSIDE.pixel]
    expected = encoded.best[region] / np.float32(255)
    expected[region] = max(expected[region], np.float32(0.95))
    full = expected[encoded.fine_map]
    full[INSIDE.pixel] = 1
    np.testing.assert_array_equal(encoded.probability([INSIDE]), full)


def test_probabilities_answer_each_click_alone(encoded: EncodedRegions) -> None:
    both = encoded.probabilities([INSIDE, OUTSIDE])
    assert both.shape == (2, *encoded.region_map.shape)
    assert both.dtype == np.float32
    np.testing.assert_array_equal(both[1], encoded.probabilities([OUTSIDE])[0])
    assert encoded.probabilities([]).shape == (0, *encoded.region_map.shape)


def test_a_negative_click_removes_its_pixel_and_its_region(encoded: EncodedRegions) -> None:
    row, column = OUTSIDE.pixel
    probability = encoded.probability([INSIDE, Click(OUTSIDE.x, OUTSIDE.y, positive=False)])
    assert probability[row, column] < 0.5
    assert probability[INSIDE.pixel] > 0.5


def test_a_negative_click_inside_the_region_of_a_positive_one_splits_it(encoded: EncodedRegions) -> None:
    sizes = np.bincount(encoded.fine_map.ravel())
    rows, columns = np.nonzero(encoded.fine_map == np.argmax(sizes))
    first, last = Click.at_pixel(rows[0], columns[0]), Click.at_pixel(rows[-1], columns[-1], positive=False)
    probability = encoded.probability([first, last])
    assert probability[first.pixel] > 0.5
    assert probability[last.pixel] < 0.5


def test_encoding_twice_gives_the_same(encoded: EncodedRegions) -> None:
    again = Embedded().encode(disc()[0])
    np.testing.assert_array_equal(again.region_map, encoded.region_map)
    np.testing.assert_array_equal(again.answers, encoded.answers)


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (3, 2), (700, 40), (90, 1000)])
def test_any_size_can_be_encoded(shape: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    encoded = Embedded().encode(image)
    assert encoded.shape == shape
    assert encoded.probability([Click(0.5, 0.5)]).shape == shape


def test_a_flat_image_has_an_answer() -> None:
    encoded = Embedded().encode(np.full((80, 120, 3), 127, np.uint8))
    assert encoded.probability([Click(10, 10)])[10, 10] > 0.5


def test_unusable_input_is_refused(encoded: EncodedRegions) -> None:
    with pytest.raises(InputError, match="uint8 RGB"):
        Embedded().encode(np.zeros((4, 4), np.uint8))
    with pytest.raises(InputError, match="outside"):
        encoded.probability([Click(300, 5)])
    with pytest.raises(InputError, match="outside"):
        encoded.probabilities([Click(5, -1)])
    with pytest.raises(InputError, match="at least one click"):
        encoded.probability([])


def test_the_weights_fit_the_box() -> None:
    weights = files("tamis.weights")
    total = sum(len(weights.joinpath(f"embedded_{part}.onnx").read_bytes()) for part in PARTS)
    assert total <= 16_000_000


@pytest.mark.data
@pytest.mark.skipif("TAMIS_DATA" not in os.environ, reason="real images: set TAMIS_DATA to their folder")
@pytest.mark.slow
def test_one_click_finds_objects_in_photographs_never_trained_on() -> None:
    from tamis.training.photographs import read_photographs
    from tamis.training.validate import Answer, measure

    def encode(image: ImageArray) -> Answer:
        encoded = Embedded().encode(image)
        return lambda pixel: encoded.probability([Click.at_pixel(*pixel)])

    root = Path(os.environ["TAMIS_DATA"])
    photographs = [
        photograph
        for name in ("duts", "weizmann_horses")
        for photograph in islice(read_photographs(name, root / name, "held-out", 0), 6)
    ]
    assert measure(encode, photographs, repeats=2)["miou"] > 0.65


def test_regions_are_described_beside_the_encoding_which_stays_the_same() -> None:
    model = Embedded()
    image = disc(288, 384)[0]
    seen, plain, maps = model.appearance(image), model.encode(image), model.deep_maps(image)
    for name, array in plain.arrays().items():
        np.testing.assert_array_equal(array, getattr(seen.encoded, name))
    assert maps.deep16.shape == (120, 18, 24)
    assert maps.deep32.shape == (352, 9, 12)
    np.testing.assert_array_equal(seen.things, described(plain, maps).things)
