import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask as reference
from scipy import ndimage

from tamis.arrays import MaskArray
from tamis.errors import InputError
from tamis.mask import Polygon, from_coco_polygons, from_polygons, polygon_iou, to_coco_polygons, to_polygons
from tamis.mask.contours import Ring
from tests.mask.scenes import masks


def disc(radius: float, size: int = 200) -> MaskArray:
    rows, columns = np.ogrid[:size, :size]
    inside: MaskArray = (rows - size / 2) ** 2 + (columns - size / 2) ** 2 < radius**2
    return inside


def area(ring: Ring) -> float:
    """Shoelace formula: positive where the ring runs clockwise on the screen."""
    x, y = ring.T
    return float((x * np.roll(y, -1) - y * np.roll(x, -1)).sum() / 2)


def test_a_pixel_is_the_square_of_its_edges() -> None:
    mask = np.zeros((3, 4), bool)
    mask[1, 2] = True
    (polygon,) = to_polygons(mask)
    assert polygon.outer.tolist() == [[2, 1], [3, 1], [3, 2], [2, 2]]
    assert polygon.holes == ()


def test_an_island_in_a_hole_is_a_part_of_its_own() -> None:
    mask = np.ones((5, 5), bool)
    mask[1:4, 1:4] = False
    mask[2, 2] = True
    ring, island = to_polygons(mask)
    assert ring.outer.tolist() == [[0, 0], [5, 0], [5, 5], [0, 5]]
    assert [hole.tolist() for hole in ring.holes] == [[[4, 1], [1, 1], [1, 4], [4, 4]]]
    assert island.outer.tolist() == [[2, 2], [3, 2], [3, 3], [2, 3]]


def test_pixels_that_touch_at_a_corner_are_parts_of_their_own() -> None:
    assert len(to_polygons(np.eye(3, dtype=bool))) == 3


def test_an_empty_mask_has_no_polygons() -> None:
    assert to_polygons(np.zeros((3, 4), bool)) == []
    assert not from_polygons([], (3, 4)).any()
    assert polygon_iou(np.zeros((3, 4), bool), []) == 1


@given(masks())
@pytest.mark.slow
def test_the_way_to_polygons_and_back_gives_every_mask_bit_for_bit(mask: MaskArray) -> None:
    polygons = to_polygons(mask)
    assert np.array_equal(from_polygons(polygons, (mask.shape[0], mask.shape[1])), mask)
    assert polygon_iou(mask, polygons) == 1


@given(masks())
def test_there_is_a_polygon_per_part_clockwise_around_holes_that_run_the_other_way(mask: MaskArray) -> None:
    polygons = to_polygons(mask)
    labels, n = ndimage.label(mask)
    assert len(polygons) == n
    assert all(area(p.outer) > 0 and all(area(hole) < 0 for hole in p.holes) for p in polygons)
    areas = [round(area(p.outer) + sum(area(hole) for hole in p.holes)) for p in polygons]
    assert sorted(areas) == sorted(np.bincount(labels.ravel(), minlength=n + 1)[1:].tolist())


def test_tolerance_trades_corners_for_exactness() -> None:
    mask = disc(80) & ~disc(30)
    exact, coarse = to_polygons(mask), to_polygons(mask, tolerance=1.5)
    assert len(coarse[0].outer) < len(exact[0].outer) / 5
    assert len(coarse[0].holes) == 1
    assert 0.97 < polygon_iou(mask, coarse) < 1


@given(masks(), st.floats(0.1, 5))
def test_simplified_polygons_keep_every_part(mask: MaskArray, tolerance: float) -> None:
    polygons = to_polygons(mask, tolerance)
    assert len(polygons) == ndimage.label(mask)[1]
    assert all(len(ring) >= 3 for p in polygons for ring in (p.outer, *p.holes))
    assert 0 <= polygon_iou(mask, polygons) <= 1


def test_a_pixel_belongs_to_the_polygon_that_holds_its_centre() -> None:
    triangle = Polygon(np.array([[0, 0], [4, 0], [0, 4]], float))
    assert from_polygons([triangle], (4, 4)).astype(int).tolist() == [
        [1, 1, 1, 0],
        [1, 1, 0, 0],
        [1, 0, 0, 0],
        [0, 0, 0, 0],
    ]


def test_neighbours_with_a_common_line_share_no_pixel_and_leave_none() -> None:
    left = Polygon(np.array([[0, 0], [7, 0], [2, 10], [0, 10]], float))
    right = Polygon(np.array([[7, 0], [10, 0], [10, 10], [2, 10]], float))
    a, b = from_polygons([left], (10, 10)), from_polygons([right], (10, 10))
    assert np.array_equal(a, ~b)


def test_corners_may_lie_outside_the_image() -> None:
    large = Polygon(
        np.array([[-10, -10], [50, -10], [50, 50], [-10, 50]], float), (np.array([[-5, -5], [2, -5], [2, 2], [-5, 2]]),)
    )
    mask = from_polygons([large], (4, 5))
    assert mask.sum() == 16
    assert not mask[:2, :2].any()
    assert not from_polygons([Polygon(large.outer + 1000)], (4, 5)).any()


def test_coco_polygons_say_what_a_lost_hole_costs() -> None:
    mask = np.zeros((20, 20), bool)
    mask[5:15, 5:15] = True
    mask[8:12, 8:12] = False
    polygons = to_coco_polygons(mask)
    assert polygons.segmentation == [[5, 5, 15, 5, 15, 15, 5, 15]]
    assert polygons.iou == 84 / 100
    assert from_coco_polygons(polygons.segmentation, (20, 20)).sum() == 100


def test_coco_polygons_of_several_parts_lose_none() -> None:
    mask = np.kron(np.eye(4), np.ones((5, 5))).astype(bool)
    polygons = to_coco_polygons(mask)
    assert len(polygons.segmentation) == 4
    assert polygons.iou == 1
    assert np.array_equal(from_coco_polygons(polygons.segmentation, (20, 20)), mask)


def test_coco_polygons_lie_where_pycocotools_puts_them() -> None:
    mask = disc(80)
    polygons = to_coco_polygons(mask, tolerance=1).segmentation
    theirs = reference.decode(reference.merge(reference.frPyObjects(polygons, 200, 200))).astype(bool)
    ours = from_coco_polygons(polygons, (200, 200))
    assert (ours & theirs).sum() / (ours | theirs).sum() > 0.98


def test_arguments_are_checked() -> None:
    with pytest.raises(InputError, match="0 or more, not -1"):
        to_polygons(disc(5), tolerance=-1)
    with pytest.raises(InputError, match="two dimensions"):
        to_polygons(np.zeros((2, 3, 4), bool))
    with pytest.raises(InputError, match="at least three corners, not 4 numbers"):
        from_coco_polygons([[0, 0, 1, 1]], (5, 5))
    with pytest.raises(InputError, match="finite x, y"):
        from_polygons([Polygon(np.array([[0, 0], [np.nan, 1], [1, 1]]))], (5, 5))
    with pytest.raises(InputError, match="finite x, y"):
        from_polygons([Polygon(np.zeros(4))], (5, 5))
