"""Masks as single lines, quickly; shapes as pixels."""

import time

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tamis.arrays import MaskArray
from tamis.formats.outlines import ellipse, filled, joined, packed, polygon, rings_of, united
from tamis.mask import Polygon, from_polygons


@given(mask=arrays(np.bool_, st.tuples(st.integers(1, 12), st.integers(1, 12))))
def test_parts_and_holes_in_one_line_come_back(mask: MaskArray) -> None:
    shape = (mask.shape[0], mask.shape[1])
    rings = rings_of(mask)
    assert np.array_equal(filled(rings, shape), mask)
    if rings:
        assert np.array_equal(filled([joined(rings)], shape), mask)


def test_time_grows_with_the_holes_and_not_with_their_square() -> None:
    mask = np.ones((710, 710), bool)
    rows, columns = np.mgrid[5:705:9, 5:705:9]
    mask[rows.ravel()[:5000], columns.ravel()[:5000]] = False
    start = time.perf_counter()
    (ring,) = rings_of(mask)
    assert time.perf_counter() - start < 5  # half a second on a quiet machine; the square of the holes takes minutes
    assert np.array_equal(filled([ring], (710, 710)), mask)


def test_a_part_of_an_image_is_as_good_as_the_whole() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        ring = rng.uniform(-5, 25, (rng.integers(3, 9), 2))
        top, left, pixels = polygon([ring], (12, 17))
        whole = np.zeros((12, 17), bool)
        whole[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
        assert np.array_equal(whole, filled([ring], (12, 17)))
        assert np.array_equal(packed([(top, left, pixels)], (12, 17))[0], whole)
    assert np.array_equal(
        united([(1, 2, np.ones((1, 1), bool)), (3, 4, np.ones((1, 1), bool))], (5, 6))[2].nonzero(), [[1, 3], [2, 4]]
    )


def test_a_turned_ellipse() -> None:
    top, left, pixels = ellipse(20, 15, 8, 3, 90, (30, 40))
    rows, columns = pixels.nonzero()
    assert (rows.min() + top, rows.max() + top) == (7, 22)
    assert (columns.min() + left, columns.max() + left) == (17, 22)


def test_a_polygon_whose_lines_cross_rows_millions_of_times() -> None:
    ring = np.random.default_rng(0).uniform(0, 400, (40_000, 2))
    whole = from_polygons([Polygon(ring)], (400, 400))
    parts = [Polygon(np.array([ring[0], ring[i], ring[i + 1]])) for i in range(1, 200)]
    few = np.zeros((400, 400), bool)
    for part in parts:
        few ^= from_polygons([part], (400, 400))
    assert np.array_equal(from_polygons([Polygon(ring[:201])], (400, 400)), few)
    assert 0.4 < whole.mean() < 0.6
