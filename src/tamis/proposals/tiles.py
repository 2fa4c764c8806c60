"""Proposals of large images: those of the whole, and those of tiles, in which small things are large."""

from collections.abc import Callable

import numpy as np

from tamis.arrays import ImageArray
from tamis.mask import Masks
from tamis.proposals.collection import Proposals
from tamis.proposals.selection import EVERYTHING, Selection, chosen
from tamis.segmentors import EncodedImage, Segmentor
from tamis.segmentors.wrappers.tiled import Tile, tiles_of


def tiled_proposals(
    image: ImageArray,
    segmentor: Segmentor,
    side: int,
    find: Callable[[EncodedImage], Proposals],
    selection: Selection = EVERYTHING,
    whole: EncodedImage | None = None,
) -> Proposals:
    """The proposals of an image and of its tiles, of those that overlap the best, all at the original size.

    A tile's masks that reach an edge inside the image are dropped: they are whole in another tile, or in the image.

    Args:
        image: (H, W, 3) uint8 RGB.
        segmentor: the model; one tile at a time is encoded.
        side: of a tile, in pixels.
        find: the proposals of an encoded image or tile.
        selection: of masks that overlap, which stay, how many and in which order.
        whole: the image as it was encoded before; encoded here by default.
    """
    shape = image.shape[0], image.shape[1]
    parts = [find(segmentor.encode(image) if whole is None else whole)]
    if max(shape) > side:
        parts += [_placed(find(segmentor.encode(tile.of(image))), tile, shape) for tile in tiles_of(shape, side)]
    masks = Masks.concatenate(part.masks for part in parts)
    scores = np.concatenate([part.scores for part in parts])
    clicks = [click for part in parts for click in part.clicks]
    kept = chosen(selection, masks, scores, np.ones(len(masks), np.int64))[: selection.max_proposals]
    return Proposals(masks[kept], scores[kept], [clicks[index] for index in kept.tolist()])


def _placed(found: Proposals, tile: Tile, shape: tuple[int, int]) -> Proposals:
    """A tile's proposals in the image, without those that its edges cut."""
    boxes = found.masks.boxes.tolist()
    whole = np.array([index for index, box in enumerate(boxes) if not tile.cuts(tuple(box), shape)], np.intp)
    return Proposals(
        found.masks[whole].placed(shape, tile.top, tile.left),
        found.scores[whole],
        [found.clicks[index].moved(tile.left, tile.top) for index in whole.tolist()],
    )
