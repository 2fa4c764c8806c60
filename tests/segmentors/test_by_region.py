import numpy as np
import pytest

from tamis.clicks import Click
from tamis.segmentors.by_region import EncodedRegions, joined_by_odds

ANSWERS = np.array([[0.9, 0.8, 0.02], [0.6, 0.9, 0.3], [0.02, 0.7, 0.9]], np.float32)


def joined(*clicks: tuple[int, bool]) -> np.ndarray:
    return joined_by_odds(ANSWERS, np.array([c[0] for c in clicks]), np.array([c[1] for c in clicks]))


def test_one_click_is_its_row_and_sure_of_its_own_region() -> None:
    np.testing.assert_allclose(joined((0, True)), [0.95, 0.8, 0.02])


def test_a_further_click_adds_an_object_that_the_first_was_certain_not_to_mean() -> None:
    answers = np.array([[0.9, 0.02, 0.02], [0.02, 0.9, 0.8], [0.02, 0.7, 0.9]], np.float32)
    result = joined_by_odds(answers, np.array([0, 2]), np.array([True, True]))
    np.testing.assert_allclose(result, [0.95, 0.7, 0.95])


def test_a_negative_click_takes_away_what_goes_with_it() -> None:
    # Region 1: odds .8 / .2 · .3 / .7; region 0 does not go with region 2, so nothing is said of it.
    odds = 0.8 / 0.2 * 0.3 / 0.7
    np.testing.assert_allclose(joined((0, True), (2, False)), [0.95, odds / (1 + odds), 0.0], rtol=1e-6)


def test_a_negative_click_alone_leaves_the_rest_undecided() -> None:
    np.testing.assert_allclose(joined((2, False)), [0.5, 0.3, 0.0], atol=1e-6)


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
    )


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
