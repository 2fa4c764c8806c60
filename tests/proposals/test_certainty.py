import numpy as np
import pytest

from tamis.arrays import ImageArray, MaskArray
from tamis.clicks import grid_clicks
from tamis.errors import InputError
from tamis.proposals.certainty import certain_regions
from tamis.regions.superpixels import achievable_accuracy
from tamis.segmentors import load_segmentor


def test_pieces_of_the_answers_follow_the_object(scene: tuple[ImageArray, MaskArray]) -> None:
    image, disc = scene
    encoded = load_segmentor("hierarchy").encode(image)
    found = certain_regions(encoded, grid_clicks(8, encoded.shape), image)
    assert found.areas.min() > 0
    assert achievable_accuracy(found, disc.astype(np.int64)) > 0.97
    with pytest.raises(InputError, match="at least one click"):
        certain_regions(encoded, [], image)
