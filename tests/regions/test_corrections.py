import numpy as np
import pytest

from tamis.clicks import Click
from tamis.regions.corrections import DEEPEST, FAR, LAST, TOKENS, CorrectionContext, correction_tokens, error_depth


@pytest.fixture
def context() -> CorrectionContext:
    """Three regions: two side by side above, one below both; four rows of six pixels."""
    region_map = np.array([[0, 0, 0, 1, 1, 1]] * 2 + [[2] * 6] * 2, np.uint16)
    answers = np.zeros((3, 3, 3), np.uint8)
    answers[1] = [[255, 51, 0], [102, 255, 0], [0, 204, 255]]
    image = np.zeros((8, 12, 3), np.uint8)
    image[4:] = (255, 0, 51)
    return CorrectionContext.of(image, region_map, answers, np.zeros((3, 2), np.float32))


def test_regions_are_measured(context: CorrectionContext) -> None:
    assert context.areas.tolist() == pytest.approx([0.25, 0.25, 0.5])
    np.testing.assert_allclose(context.centres, [[0.25, 1 / 6], [0.75, 1 / 6], [0.5, 0.5]], atol=1e-6)
    np.testing.assert_allclose(context.colours, [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [1.0, 0.0, 0.2]], atol=1e-6)
    # Two pixels of border between 0 and 1, three between each of them and 2.
    np.testing.assert_allclose(context.neighbours, [[0, 0.4, 0.6], [0.4, 0, 0.6], [0.5, 0.5, 0]], atol=1e-6)


def test_depths_are_distances_to_the_nearest_other_region() -> None:
    region_map = np.zeros((5, 7), np.uint16)
    region_map[:, 5:] = 1
    context = CorrectionContext.of(
        np.zeros((5, 7, 3), np.uint8), region_map, np.zeros((3, 2, 2), np.uint8), np.zeros((2, 2), np.float32)
    )
    np.testing.assert_allclose(context.depths[2], [5, 4, 3, 2, 1, 1, 2], atol=1e-5)
    np.testing.assert_allclose(context.deepest, [5, 2], atol=1e-5)
    assert context.depths_at([Click(1, 5)], (10, 14)).tolist() == pytest.approx([5])


def test_shares_of_a_mask_do_not_depend_on_its_size(context: CorrectionContext) -> None:
    mask = np.zeros((4, 6), bool)
    mask[:2, :2] = True
    for factor in (1, 2, 5):
        large = mask.repeat(factor, axis=0).repeat(factor, axis=1)
        np.testing.assert_allclose(context.shares(context.reduced(large)), [2 / 3, 0, 0], atol=1e-6)


def test_a_disc_holds_shares_of_regions(context: CorrectionContext) -> None:
    # The pixel and its four neighbours: four of the six pixels of region 0, one of the twelve of region 2.
    np.testing.assert_allclose(context.shares_around((1, 1), 1), [4 / 6, 0, 1 / 12], atol=1e-6)
    np.testing.assert_allclose(context.shares_around((0, 5), 99), [1, 1, 1], atol=1e-6)


def test_the_depth_of_an_error_is_how_far_a_click_lies_from_what_is_right() -> None:
    mask = np.zeros((6, 300), bool)
    mask[:, 40:60] = True
    assert error_depth(mask, Click(30.5, 2.5), (2, 30)) == pytest.approx(10)  # ten pixels before the mask
    assert error_depth(mask, Click(42.5, 2.5, positive=False), (2, 42)) == pytest.approx(3)  # and three within
    assert error_depth(mask, Click(42.5, 2.5), (2, 42)) == 1  # there is nothing to add
    assert error_depth(mask, Click(299.5, 2.5), (2, 299)) == DEEPEST
    assert error_depth(np.zeros_like(mask), Click(2.5, 2.5), (2, 2)) == DEEPEST


def test_tokens_say_what_clicks_and_the_mask_say(context: CorrectionContext) -> None:
    clicks = [Click(1, 1), Click(10, 6, positive=False)]
    mask = np.array([[1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0], [1, 0, 0, 0, 1, 1], [0] * 6], bool)
    shares = np.array([1, 0.5, 0], np.float32)
    tokens = correction_tokens(context, mask, shares, np.array([0, 2]), clicks, shape=(8, 12))
    assert tokens.shape == (3, TOKENS)
    assert tokens.dtype == np.float32
    assert tokens[:, 0].tolist() == [1, 0, -1]  # the mask so far
    assert tokens[:, 1].tolist() == [0, 1, 0]  # where it cuts a region
    np.testing.assert_allclose(tokens[:, 3], [1, -0.6, -1], atol=1e-6)  # the middle answer to the positive click
    np.testing.assert_allclose(tokens[:, 6], [-1, 0.6, 1], atol=1e-6)  # and to the negative one
    assert (tokens[:, 8] == -1).all()  # the last click is negative
    assert tokens[:, 25].tolist() == [0, 0, 1]  # a negative click lies here, as deep as can be
    assert tokens[:, LAST].tolist() == [0, 0, 1]  # and it is the last
    # Nothing is wrong where it lies: the least depth there is.
    np.testing.assert_allclose(tokens[:, 32], -1, atol=1e-6)
    np.testing.assert_allclose(tokens[:, 34], 2 * context.shares_around((3, 5), 1) - 1, atol=1e-6)
    np.testing.assert_allclose(tokens[:, 35], 2 * context.shares_around((3, 5), 3) - 1, atol=1e-6)
    np.testing.assert_allclose(tokens[:, 36], np.log(context.deepest) / 2, atol=1e-6)


def test_without_clicks_of_a_sign_the_nearest_is_far(context: CorrectionContext) -> None:
    all_of_it = np.ones((4, 6), bool), np.ones(3, np.float32)
    tokens = correction_tokens(context, *all_of_it, np.array([0]), [Click(1, 1)], shape=(8, 12))
    assert (tokens[:, 23] == FAR - 1).all()
    assert (tokens[:, 5:8] == -1).all()
