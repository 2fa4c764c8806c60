import numpy as np
import pytest

from tamis.arrays import ImageArray
from tamis.proposals import Selection, grid_proposals
from tamis.proposals.tiles import tiled_proposals
from tamis.segmentors import load_segmentor


def scene() -> ImageArray:
    """A field of 40 dots of 8 × 8 pixels, each of its own colour, on 600 × 800."""
    rng = np.random.default_rng(0)
    image = np.full((600, 800, 3), 60, np.uint8)
    for row in range(5):
        for column in range(8):
            top, left = 55 + 110 * row, 45 + 95 * column
            image[top : top + 8, left : left + 8] = rng.integers(120, 256, 3)
    return np.asarray(image + rng.integers(0, 4, image.shape), np.uint8)


@pytest.mark.slow
def test_small_things_are_found_in_tiles_once_each() -> None:
    image, model = scene(), load_segmentor("hierarchy")
    found = tiled_proposals(
        image, model, 200, lambda encoded: grid_proposals(encoded, selection=Selection(min_area=20))
    )
    whole = grid_proposals(model.encode(image), selection=Selection(min_area=20))
    dots = [proposals.masks.areas[proposals.masks.areas < 200] for proposals in (found, whole)]
    assert len(dots[0]) == 40
    assert (dots[0] == 64).sum() > 35
    assert (dots[0] == 64).sum() >= (dots[1] == 64).sum()
    for click, mask in zip(found.clicks, found.masks, strict=True):
        assert mask[click.pixel]
    assert (np.diff(found.scores) <= 0).all()


def test_an_image_no_larger_than_a_tile_has_the_proposals_of_the_whole() -> None:
    image, model = scene()[:150, :150], load_segmentor("hierarchy")
    found = tiled_proposals(image, model, 200, grid_proposals, Selection(max_proposals=3))
    expected = grid_proposals(model.encode(image), selection=Selection(max_proposals=3))
    assert found.masks == expected.masks
    assert found.clicks == expected.clicks
