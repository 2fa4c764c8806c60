"""The parts of the model in the box that need no weights."""

import numpy as np
import pytest

from tamis.regions.edge_tree import edge_nodes
from tamis.regions.features import (
    EXTRA_NUMBERS,
    PAIR_NUMBERS,
    PROFILE,
    PixelMaps,
    boundary_tree,
    nodes_below,
    region_inputs,
    summarise,
)
from tamis.regions.measures import appearance, overlaps, pool
from tamis.segmentors.embedded.sizes import working_shape

QUARTERS = np.repeat(np.repeat(np.array([[0, 1], [2, 3]], np.uint16), 16, 0), 16, 1)


def test_pooling_is_the_mean_over_pixels() -> None:
    region_map = np.zeros((8, 8), np.uint16)
    region_map[:, 6:] = 1  # region 1 holds half of the two right cells
    maps = np.array([[[1.0, 2.0], [3.0, 4.0]]], np.float32)
    means, areas = pool(region_map, maps)
    np.testing.assert_allclose(areas, [0.75, 0.25])
    np.testing.assert_allclose(means[:, 0], [(16 * 1 + 8 * 2 + 16 * 3 + 8 * 4) / 48, 3.0])


def test_pooling_agrees_with_enlarging_by_nearest_neighbour() -> None:
    rng = np.random.default_rng(0)
    region_map = np.unique(rng.integers(0, 9, (32, 64)), return_inverse=True)[1].reshape(32, 64).astype(np.uint16)
    maps = rng.normal(size=(3, 8, 16)).astype(np.float32)
    large = maps.repeat(4, 1).repeat(4, 2)
    expected = [[channel[region_map == r].mean() for channel in large] for r in range(9)]
    np.testing.assert_allclose(pool(region_map, maps)[0], expected, atol=1e-5)


def test_overlaps_count_every_pixel_once() -> None:
    assert overlaps(QUARTERS)[2].sum() == QUARTERS.size


def test_appearance_of_quarters() -> None:
    image = np.zeros((32, 32, 3), np.uint8)
    image[:16, :16, 0] = 255
    colour, spread, centre, contact = appearance(image, QUARTERS)
    np.testing.assert_allclose(colour[0], [1, 0, 0])
    assert not spread.any()
    np.testing.assert_allclose(centre, [[0.25, 0.25], [0.75, 0.25], [0.25, 0.75], [0.75, 0.75]])
    np.testing.assert_allclose(contact, np.full(4, 0.5))


def test_the_centre_counts_along_the_longer_side() -> None:
    centre = appearance(np.zeros((32, 64, 3), np.uint8), np.zeros((32, 64), np.uint16))[2]
    np.testing.assert_allclose(centre, [[0.5, 0.5]])


def test_the_tree_merges_across_the_weakest_border_first() -> None:
    boundary = np.full((16, 16), -4.0, np.float32)
    boundary[:, 7:9] = 4.0  # a strong border between left and right
    tree = boundary_tree(QUARTERS, boundary, np.full(4, 0.25, np.float32))
    common, parents, heights, sizes = tree.common, tree.parents, tree.heights, tree.sizes
    ultrametric = heights[common]
    assert ultrametric[0, 2] < 0.2 < 0.7 < ultrametric[0, 1]
    assert not np.diag(ultrametric).any()
    np.testing.assert_allclose(sizes[common][0], [0.25, 1, 0.5, 1])
    np.testing.assert_array_equal(common, common.T)
    np.testing.assert_array_equal(parents[[0, 2]], common[0, 2])
    assert parents[6] == 6


def test_nodes_below_a_height_are_those_that_the_matrix_of_heights_tells() -> None:
    rng = np.random.default_rng(0)
    region_map = np.repeat(np.repeat(np.arange(64, dtype=np.uint16).reshape(8, 8), 8, 0), 8, 1)
    areas = np.full(64, 1 / 64, np.float32)
    boundary = rng.normal(-1, 2, (32, 32)).astype(np.float32)
    tree = boundary_tree(region_map, boundary, areas)
    found = tree.sizes[nodes_below(tree.parents, tree.heights)[:, :64]]
    expected = np.stack([(tree.heights[tree.common] <= height) @ areas for height in PROFILE])
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_region_inputs_have_their_shapes_and_are_finite() -> None:
    rng = np.random.default_rng(0)
    maps = PixelMaps(
        rng.normal(size=(16, 16)).astype(np.float32),
        rng.normal(size=(5, 8, 8)).astype(np.float32),
        rng.normal(size=(8, 8)).astype(np.float32),
        rng.random((7, 8, 8)).astype(np.float32),
        rng.normal(size=(16, 16)).astype(np.float32),
    )
    image = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
    inputs = region_inputs(summarise(image, QUARTERS, maps, edge_nodes(QUARTERS, maps.edges)))
    assert inputs.tokens.shape == (4, 7 + 5 + 1 + EXTRA_NUMBERS)
    assert inputs.pairs.shape == (PAIR_NUMBERS, 4, 4)
    assert inputs.tokens.dtype == inputs.pairs.dtype == inputs.areas.dtype == np.float32
    assert np.isfinite(inputs.tokens).all()
    assert np.isfinite(inputs.pairs).all()
    np.testing.assert_allclose(inputs.pairs[2], inputs.pairs[1].T, rtol=1e-6)
    np.testing.assert_allclose(inputs.pairs[4], -inputs.pairs[4].T, atol=1e-6)


@pytest.mark.parametrize(
    ("shape", "expected"), [((480, 640), (288, 384)), ((1, 5000), (32, 384)), ((9, 9), (384, 384))]
)
def test_working_sizes(shape: tuple[int, int], expected: tuple[int, int]) -> None:
    assert working_shape(shape) == expected
