from dataclasses import replace

import numpy as np
import pytest

from tamis.clicks import Click
from tamis.regions.encoded import EncodedRegions, expected_ratings
from tamis.regions.spread import spread
from tamis.segmentors import GivesChoices, ScoresMasks

ANSWERS = np.array([[231, 204, 6], [153, 231, 75], [6, 180, 231]], np.uint8)


@pytest.fixture
def two_objects() -> EncodedRegions:
    """Black, red and blue bands, the border of red drawn back at the working size by a third of a pixel."""
    colours = np.array([[0, 0, 0], [255, 0, 0], [0, 0, 255]], np.uint8)
    columns = np.repeat([0, 1, 2], [10, 11, 9])
    return EncodedRegions(
        colours[np.tile(columns, (30, 1))],
        np.tile(np.repeat([0, 1, 2], [4, 3, 3]), (10, 1)).astype(np.uint16),
        ANSWERS[None],
        np.zeros((3, 1), np.float32),
        np.full((1, 3), 204, np.uint8),
    )


@pytest.fixture
def parts_and_wholes(two_objects: EncodedRegions) -> EncodedRegions:
    """A click in red is rated best as a part, one in black or blue as a whole."""
    answers = np.stack([np.eye(3), np.ones((3, 3))]).astype(np.uint8) * np.uint8(255)
    return replace(two_objects, answers=answers, ratings=np.array([[51, 255, 0], [204, 102, 255]], np.uint8))


def test_the_best_rated_granularity_answers_each_click(parts_and_wholes: EncodedRegions) -> None:
    red, blue = Click(15, 5), Click(28, 5)
    shares = [(parts_and_wholes.probability([click]) > 0.5).mean() for click in (red, blue)]
    assert shares == pytest.approx([11 / 30, 1])
    assert parts_and_wholes.scores([red, blue, replace(red, positive=False)]) == pytest.approx([1, 1, 0])
    assert [(answer > 0.5).mean() for answer in parts_and_wholes.alone([red, blue])] == pytest.approx(shares)


def test_choices_go_from_part_to_whole_with_their_ratings(parts_and_wholes: EncodedRegions) -> None:
    masks, ratings = parts_and_wholes.choices([Click(15, 5)])
    assert (masks > 0.5).mean(axis=(1, 2)) == pytest.approx([11 / 30, 1])
    assert ratings == pytest.approx([1, 0.4])
    masks, ratings = parts_and_wholes.choices([Click(15, 5), Click(28, 5), Click(2, 5, positive=False)])
    assert (masks > 0.5).mean(axis=(1, 2)) == pytest.approx([20 / 30, 20 / 30], abs=0.02)
    assert ratings == pytest.approx([0.5, 0.7])
    assert isinstance(parts_and_wholes, GivesChoices)
    assert isinstance(parts_and_wholes, ScoresMasks)


def test_ratings_that_follow_from_the_answers() -> None:
    answers = np.array([[[255, 51], [102, 255]]], np.uint8)
    assert expected_ratings(answers, np.ones(2)).tolist() == [[round(255 / 1.2), round(255 / 1.4)]]


def test_later_clicks_add_objects_at_full_size(two_objects: EncodedRegions) -> None:
    mask = two_objects.probability([Click(2, 5), Click(28, 5)]) > 0.5
    assert mask.all()
    assert not two_objects.probability([Click(2, 5), Click(28, 5, positive=False)])[:, 25:].any()


def test_one_click_means_the_same_at_both_sizes(two_objects: EncodedRegions) -> None:
    click = Click(11.5, 5)  # red in the image, in a working pixel that the black region has
    assert two_objects.fine_map[click.pixel] == 1
    assert two_objects.region_map[1, 3] == 0
    full = two_objects.probability([click])
    np.testing.assert_allclose(full[5, [2, 15, 28]], two_objects.probabilities([click])[0][1, [0, 5, 9]])


def test_spreading_is_indexing() -> None:
    rng = np.random.default_rng(0)
    region_map = rng.integers(0, 4000, (70, 90)).astype(np.uint16)
    values = rng.random(4000).astype(np.float32)
    found = spread(values, region_map)
    assert found.flags.writeable
    np.testing.assert_array_equal(found, values[region_map])
    two = np.zeros((2, 70, 90), np.float32)
    spread(values, region_map, out=two[1])
    np.testing.assert_array_equal(two, [np.zeros((70, 90)), values[region_map]])
    np.testing.assert_array_equal(spread(values, region_map[:, ::2]), values[region_map[:, ::2]])
