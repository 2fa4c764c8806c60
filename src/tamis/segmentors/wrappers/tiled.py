"""Large images in pieces: what is lost in the whole of an image is large in a tile of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np

from tamis.arrays import ImageArray, ProbabilityArray
from tamis.clicks import Click, require_inside, set_clicked_pixels
from tamis.mask import box_of
from tamis.segmentors.protocol import EncodedImage, Segmentor

KEPT = 16
"""Tiles that stay encoded."""

NOWHERE = (1, 1, 1, 1)
"""The box of an empty mask: it reaches no edge."""


class Tile(NamedTuple):
    """A part of an image: pixels from `top` and `left` on, `bottom` and `right` exclusive."""

    top: int
    left: int
    bottom: int
    right: int

    def of(self, image: ImageArray) -> ImageArray:
        """The pixels (h, w, 3) of an image (H, W, 3)."""
        return np.ascontiguousarray(image[self.top : self.bottom, self.left : self.right])

    def clicks(self, clicks: Sequence[Click]) -> list[Click]:
        """Those of the clicks that fall into the tile, as it sees them."""
        return [
            click.moved(-self.left, -self.top)
            for click in clicks
            if self.left <= click.x < self.right and self.top <= click.y < self.bottom
        ]

    def cuts(self, box: tuple[int, int, int, int], shape: tuple[int, int]) -> bool:
        """Whether something with a box (left, top, right, bottom) in the tile may go on in the image around it.

        Args:
            box: in pixels of the tile, right and bottom exclusive.
            shape: (H, W) of the image.
        """
        left, top, right, bottom = box
        return (
            (left == 0 < self.left)
            or (top == 0 < self.top)
            or (right + self.left == self.right < shape[1])
            or (bottom + self.top == self.bottom < shape[0])
        )


def tiles_of(shape: tuple[int, int], side: int) -> list[Tile]:
    """Squares of `side` pixels that overlap by at least half, row after row; together they cover the image.

    Whatever is no larger than half a side is whole in one of them. An image with a shorter side than that has tiles as
    short as itself.

    Args:
        shape: (H, W) of the image.
        side: in pixels, at least 2.

    >>> [tile.left for tile in tiles_of((100, 250), 100)]
    [0, 50, 100, 150]
    """
    rows, columns = (_starts(length, side) for length in shape)
    return [Tile(top, left, min(top + side, shape[0]), min(left + side, shape[1])) for top in rows for left in columns]


def _starts(length: int, side: int) -> list[int]:
    beyond = max(length - side, 0)
    count = 1 + -(-beyond // (side // 2))
    return [beyond * i // max(count - 1, 1) for i in range(count)]


@dataclass(frozen=True)
class Tiled:
    """A segmentor that answers clicks on large images from the tile around them, encoded when it is first needed.

    Attributes:
        segmentor: the model.
        side: of a tile, in pixels.
    """

    segmentor: Segmentor
    side: int

    @property
    def name(self) -> str:
        """The segmentor's own name: tiles are a way of using it."""
        return self.segmentor.name

    def encode(self, image: ImageArray) -> EncodedImage:
        """Encode the whole; an image no larger than a tile is that and no more.

        Args:
            image: (H, W, 3) uint8 RGB.
        """
        whole = self.segmentor.encode(image)
        return whole if max(whole.shape) <= self.side else TiledImage(image, self.segmentor, self.side, whole)


@dataclass(frozen=True, eq=False)
class TiledImage:
    """A large image; satisfies `EncodedImage`.

    A click is answered by the tile whose middle is nearest. What reaches a tile's edge is larger than can be seen from
    there, and so are clicks that no tile holds together: these are answered by the image as a whole.
    """

    image: ImageArray
    segmentor: Segmentor
    side: int
    whole: EncodedImage

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) of the original image."""
        return self.whole.shape

    @cached_property
    def tiles(self) -> list[Tile]:
        """All tiles of the image."""
        return tiles_of(self.shape, self.side)

    @cached_property
    def _encoded(self) -> Callable[[Tile], EncodedImage]:
        return lru_cache(KEPT)(lambda tile: self.segmentor.encode(tile.of(self.image)))

    def probability(self, clicks: Sequence[Click]) -> ProbabilityArray:
        """(H, W) float32: P(pixel in mask | all clicks together); each click owns its pixel.

        Raises:
            InputError: there is no click, or one lies outside the image.
        """
        require_inside(clicks, self.shape)
        tile = self._tile_around([click for click in clicks if click.positive])
        if tile is None:
            return self.whole.probability(clicks)
        answer = self._encoded(tile).probability(tile.clicks(clicks))
        if tile.cuts(box_of(answer > 0.5) or NOWHERE, self.shape):
            return self.whole.probability(clicks)
        full = np.zeros(self.shape, np.float32)
        full[tile.top : tile.bottom, tile.left : tile.right] = answer
        set_clicked_pixels(full, clicks)
        return full

    def probabilities(self, clicks: Sequence[Click]) -> ProbabilityArray:
        """(N, H, W) float32: each click alone, at the original size."""
        answers = np.empty((len(clicks), *self.shape), dtype=np.float32)
        for answer, click in zip(answers, clicks, strict=True):
            answer[:] = self.probability([click])
        return answers

    def _tile_around(self, clicks: Sequence[Click]) -> Tile | None:
        """The tile that holds all clicks and in whose middle they are most, if any does."""
        holding = [tile for tile in self.tiles if clicks and len(tile.clicks(clicks)) == len(clicks)]
        x, y = (np.mean([getattr(click, axis) for click in clicks] or [0]) for axis in "xy")
        return min(
            holding,
            key=lambda tile: abs(tile.left + tile.right - 2 * x) + abs(tile.top + tile.bottom - 2 * y),
            default=None,
        )
