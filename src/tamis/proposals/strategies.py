"""Ways to find the masks of a whole image by clicks, as values: where to click, and which of the masks to keep."""

from dataclasses import dataclass, replace
from typing import TypeAlias

from tamis.arrays import ImageArray
from tamis.errors import InputError
from tamis.proposals.adaptive import adaptive_answers
from tamis.proposals.collection import Proposals
from tamis.proposals.grid import grid_proposals, propose_from
from tamis.proposals.order import as_kept
from tamis.proposals.selection import LIKELY, Selection
from tamis.proposals.tiles import tiled_proposals
from tamis.segmentors import EncodedImage, Segmentor

USUAL = Selection(min_score=LIKELY)
"""What is kept unless something else is asked for."""

SMALLEST_TILE = 64
"""Pixels of a side."""


@dataclass(frozen=True)
class Clicks:
    """Clicks all over the image.

    Attributes:
        grid: clicks per side; None clicks in every region of a segmentor that has regions, 32 × 32 for any other.
        selection: which masks to keep.
    """

    grid: int | None = None
    selection: Selection = USUAL

    def __post_init__(self) -> None:
        _require_grid(self.grid)


@dataclass(frozen=True)
class Adaptive:
    """A coarse grid of clicks, and finer ones where no answer was certain.

    Attributes:
        selection: which masks to keep.
    """

    selection: Selection = USUAL


@dataclass(frozen=True)
class Tiles:
    """Clicks on the whole image and, where it is larger, on tiles that overlap by half, for what is small in it.

    Attributes:
        side: of a tile, in pixels.
        grid: as of `Clicks`, on each.
        selection: which masks to keep.
    """

    side: int
    grid: int | None = None
    selection: Selection = USUAL

    def __post_init__(self) -> None:
        _require_grid(self.grid)
        if self.side < SMALLEST_TILE:
            raise InputError(f"tiles of {self.side} pixels a side are too small: {SMALLEST_TILE} are the least")


ByClicks: TypeAlias = Clicks | Adaptive | Tiles


def find_by_clicks(segmentor: Segmentor, image: ImageArray, encoded: EncodedImage, strategy: ByClicks) -> Proposals:
    """The masks of an image.

    Args:
        segmentor: the model.
        image: (H, W, 3) uint8 RGB.
        encoded: the image as the segmentor encoded it.
        strategy: where to click, and what to keep.
    """
    match strategy:
        case Clicks(grid, selection):
            return grid_proposals(encoded, grid, selection)
        case Adaptive(selection):
            return propose_from(encoded, adaptive_answers(encoded), selection)
        case Tiles(side, grid, selection):
            # Of a tile; of all those that come first are kept at the end.
            every = replace(selection, max_proposals=None, order=as_kept)

            def find(part: EncodedImage) -> Proposals:
                return grid_proposals(part, grid, every)

            return tiled_proposals(image, segmentor, side, find, selection, whole=encoded)


def _require_grid(grid: int | None) -> None:
    if grid is not None and grid < 1:
        raise InputError(f"a grid needs at least 1 click per side, not {grid}")
