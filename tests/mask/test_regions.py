import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from tamis.arrays import MaskArray
from tamis.errors import InputError
from tamis.mask import components, fill_holes, remove_islands
from tamis.mask.regions import Connectivity
from tests.mask.scenes import masks

STRUCTURE = {4: None, 8: np.ones((3, 3), bool)}
CONNECTIVITIES = st.sampled_from([4, 8])


def drawn(*rows: str) -> MaskArray:
    """A mask from rows of characters: # is inside."""
    return np.array([[character == "#" for character in row] for row in rows])


def test_parts_come_by_size_then_from_the_left() -> None:
    mask = drawn(
        "#..##",
        "...##",
        "#....",
    )
    assert components(mask).boxes.tolist() == [[3, 0, 5, 2], [0, 0, 1, 1], [0, 2, 1, 3]]


def test_pixels_touching_at_a_corner_are_one_part_or_two() -> None:
    assert len(components(np.eye(2, dtype=bool))) == 1
    assert len(components(np.eye(2, dtype=bool), connectivity=4)) == 2


@given(masks(), CONNECTIVITIES)
def test_parts_are_those_of_scipy_and_make_up_the_mask(mask: MaskArray, connectivity: Connectivity) -> None:
    parts = components(mask, connectivity)
    labels, n = ndimage.label(mask, STRUCTURE[connectivity])
    assert sorted(part.tobytes() for part in parts) == sorted((labels == i + 1).tobytes() for i in range(n))
    assert np.array_equal(parts.dense().sum(axis=0), mask)
    assert parts.areas.tolist() == sorted(parts.areas.tolist(), reverse=True)


RING = drawn(
    ".....",
    ".###.",
    ".#.#.",
    ".###.",
    ".....",
)


def test_a_hole_is_filled_and_a_bay_is_not() -> None:
    assert np.count_nonzero(fill_holes(RING)) == 9
    bay = RING.copy()
    bay[1, 2] = False
    assert np.array_equal(fill_holes(bay), bay)


def test_a_diagonal_gap_opens_a_hole_unless_background_is_connected_by_4() -> None:
    gap = RING.copy()
    gap[1, 1] = False
    assert np.array_equal(fill_holes(gap), gap)
    assert np.count_nonzero(fill_holes(gap, connectivity=4)) == 8


def test_only_small_holes_are_filled() -> None:
    mask = np.ones((9, 9), bool)
    mask[1, 1] = mask[4:6, 4:6] = False
    filled = fill_holes(mask, max_area=3)
    assert (filled[1, 1], filled[4, 4]) == (True, False)
    assert fill_holes(mask, max_area=4).all()


def test_regions_at_the_border_are_filled_on_request_as_sam_does() -> None:
    mask = np.ones((4, 6), bool)
    mask[0, 0] = False
    assert np.array_equal(fill_holes(mask), mask)
    assert fill_holes(mask, max_area=1, border=True).all()


@given(masks(), CONNECTIVITIES)
def test_holes_are_those_of_scipy(mask: MaskArray, connectivity: Connectivity) -> None:
    expected = ndimage.binary_fill_holes(mask, STRUCTURE[connectivity])
    assert np.array_equal(fill_holes(mask, connectivity=connectivity), expected)


def test_islands_go_and_the_largest_part_stays() -> None:
    mask = drawn(
        "##..#",
        "##...",
        "....#",
        "....#",
    )
    assert remove_islands(mask, 2).sum() == 6
    assert remove_islands(mask, 3).sum() == 4
    assert np.array_equal(remove_islands(mask, 100), remove_islands(mask, 3))


@settings(max_examples=60)
@given(masks(), st.integers(0, 30), CONNECTIVITIES)
def test_every_part_that_stays_is_large_or_the_largest(mask: MaskArray, least: int, by: Connectivity) -> None:
    before, after = components(mask, by), components(remove_islands(mask, least, by), by)
    stay = before.areas >= least
    stay[:1] = True
    assert sorted(after.areas.tolist()) == sorted(before.areas[stay].tolist())


def test_arguments_are_checked() -> None:
    with pytest.raises(InputError, match="not by 6"):
        components(RING, 6)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="two dimensions"):
        fill_holes(np.zeros((2, 3, 4), bool))
