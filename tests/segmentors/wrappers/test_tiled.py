from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest

from tamis.arrays import ImageArray, ProbabilityArray
from tamis.clicks import Click
from tamis.errors import InputError
from tamis.segmentors.wrappers.tiled import Tile, Tiled, TiledImage, tiles_of


@dataclass
class SameColour:
    """For which a mask is what has exactly the colour of the first click; it sees no more than 64 pixels a side."""

    name: str = "same-colour"
    seen: list[tuple[int, int]] = field(default_factory=list)

    def encode(self, image: ImageArray) -> "SameColourImage":
        self.seen.append((image.shape[0], image.shape[1]))
        return SameColourImage(image, step=max(1, max(image.shape) // 64))


@dataclass
class SameColourImage:
    image: ImageArray
    step: int

    @property
    def shape(self) -> tuple[int, int]:
        return self.image.shape[0], self.image.shape[1]

    def probability(self, clicks: Sequence[Click]) -> ProbabilityArray:
        coarse = self.image[:: self.step, :: self.step, 0]
        full = np.kron(coarse, np.ones((self.step, self.step), np.uint8))[: self.shape[0], : self.shape[1]]
        row, column = clicks[0].pixel
        return np.asarray(full == full[row, column], np.float32)

    def probabilities(self, clicks: Sequence[Click]) -> ProbabilityArray:
        return np.asarray([self.probability([click]) for click in clicks], np.float32)


@pytest.fixture
def image() -> ImageArray:
    """A dot of 3 × 3 pixels and a bar through the whole, on 256 × 640."""
    image = np.zeros((256, 640, 3), np.uint8)
    image[101:104, 301:304] = 255
    image[200:220] = 100
    return image


@pytest.mark.parametrize("shape", [(10, 10), (100, 250), (99, 101), (64, 1000), (333, 777)])
def test_tiles_cover_the_image_and_overlap_by_half(shape: tuple[int, int]) -> None:
    tiles = tiles_of(shape, 64)
    covered = np.zeros(shape, bool)
    for tile in tiles:
        covered[tile.top : tile.bottom, tile.left : tile.right] = True
        assert tile.bottom - tile.top == min(64, shape[0])
        assert tile.right - tile.left == min(64, shape[1])
    assert covered.all()
    for one, other in pairwise(sorted({tile.left for tile in tiles})):
        assert 0 < other - one <= 32


def test_a_tile_cuts_what_touches_its_edges_but_for_those_of_the_image() -> None:
    tile = Tile(0, 32, 64, 96)
    assert not tile.cuts((1, 0, 63, 63), (200, 200))  # it touches the top of the image
    assert tile.cuts((0, 5, 9, 9), (200, 200))
    assert tile.cuts((5, 5, 64, 9), (200, 200))
    assert tile.cuts((5, 5, 9, 64), (200, 200))
    assert not tile.cuts((5, 5, 64, 64), (64, 96))


def test_a_click_on_something_small_is_answered_by_a_tile(image: ImageArray) -> None:
    model = SameColour()
    encoded = Tiled(model, 64).encode(image)
    click = Click(302.5, 102.5)
    assert (model.encode(image).probability([click]) > 0.5).sum() != 9  # too small to be seen
    mask = encoded.probability([click]) > 0.5
    assert (mask == (image[:, :, 0] == 255)).all()
    assert (encoded.probabilities([click])[0] > 0.5).sum() == 9


def test_what_is_larger_than_a_tile_is_answered_by_the_whole(image: ImageArray) -> None:
    model = SameColour()
    encoded = Tiled(model, 64).encode(image)
    np.testing.assert_array_equal(
        encoded.probability([Click(5, 210)]), model.encode(image).probability([Click(5, 210)])
    )
    far = [Click(302.5, 102.5), Click(5, 5)]
    np.testing.assert_array_equal(encoded.probability(far), model.encode(image).probability(far))


def test_tiles_are_encoded_once_and_small_images_have_none(image: ImageArray) -> None:
    model = SameColour()
    encoded = Tiled(model, 64).encode(image)
    assert isinstance(encoded, TiledImage)
    for _ in range(3):
        encoded.probability([Click(302.5, 102.5), Click(310, 102.5, positive=False)])
    assert model.seen == [(256, 640), (64, 64)]
    assert not isinstance(Tiled(model, 1024).encode(image), TiledImage)
    with pytest.raises(InputError, match="outside"):
        encoded.probability([Click(700, 5)])
