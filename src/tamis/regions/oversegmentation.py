"""Some hundreds of small regions that follow the edges of an image, in a dozen whole-array steps.

Minimum spanning trees grow from all pixels at once: in each round every part joins the neighbour across its weakest
edge (Borůvka, 1926), first by the rule of Felzenszwalb and Huttenlocher (IJCV 2004), then wherever one of the two is
too small. Masks made of whole regions are as good as with their own order of edges, one after the other, which takes
two and a half times as long.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ImageArray

MOST_REGIONS = 1500
"""More make the matrix of all pairs slow: noise is cut into larger regions."""

SIGMA = 1.0
"""Of the Gaussian before, in pixels."""

SCALE = np.float32(2 / 255)
"""Larger lets parts grow across stronger edges."""

GROWTH_ROUNDS = 5
"""Later ones hardly join anything."""

LEAST_PIXELS = 28
"""Of a region."""

_NO_EDGE = np.uint64(np.iinfo(np.uint64).max)


@dataclass(frozen=True, slots=True)
class _Edges:
    """Edges between parts: both ends, (E,) int32, and how different they are, (E,) float32."""

    first: NDArray[np.int32]
    second: NDArray[np.int32]
    weight: NDArray[np.float32]

    def take(self, chosen: NDArray[np.integer]) -> "_Edges":
        return _Edges(self.first[chosen], self.second[chosen], self.weight[chosen])


def small_regions(image: ImageArray) -> NDArray[np.uint16]:
    """Cut an image into some 800 regions, never more than `MOST_REGIONS`.

    Args:
        image: (h, w, 3) uint8 RGB at the working size.

    Returns:
        (h, w) uint16, regions 0 to R - 1, each connected in eight directions.
    """
    height, width = image.shape[:2]
    edges = _pixel_edges(image)
    label = np.arange(height * width, dtype=np.int32)
    size = np.ones(height * width, np.float32)
    inner = np.zeros(height * width, np.float32)
    for _ in range(GROWTH_ROUNDS):
        if len(size) == 1:
            break
        weakest = _weakest_of_each(edges, len(size))
        limit = inner + SCALE / size
        wanted = weakest.weight < np.minimum(limit[weakest.first], limit[weakest.second])
        number = _joined(weakest, wanted)
        largest = np.where(wanted, np.maximum(inner, weakest.weight), inner)
        inner = np.zeros(int(number.max()) + 1, np.float32)
        np.maximum.at(inner, number, largest)
        label, size, edges = number[label], _sums(number, size), _between(edges, number)
    least = LEAST_PIXELS
    while len(size) > 1:
        weakest = _weakest_of_each(edges, len(size))
        wanted = np.minimum(size[weakest.first], size[weakest.second]) < least
        if wanted.any():
            number = _joined(weakest, wanted)
            label, size, edges = number[label], _sums(number, size), _between(edges, number)
        elif len(size) > MOST_REGIONS:
            least = least * 3 // 2
        else:
            break
    return label.reshape(height, width).astype(np.uint16)


def _pixel_edges(image: ImageArray) -> _Edges:
    """The edges from each pixel to its eight neighbours: distances of colours from 0 to 1, after a little blur."""
    import cv2

    blurred = cv2.GaussianBlur(image.astype(np.float32) * np.float32(1 / 255), (0, 0), SIGMA)
    planes = [np.ascontiguousarray(blurred[:, :, channel], dtype=np.float32) for channel in range(3)]
    place = np.arange(image.shape[0] * image.shape[1], dtype=np.int32).reshape(image.shape[:2])
    every, but_first, but_last = slice(None), slice(1, None), slice(-1)
    sides = [
        ((every, but_last), (every, but_first)),
        ((but_last, every), (but_first, every)),
        ((but_last, but_last), (but_first, but_first)),
        ((but_last, but_first), (but_first, but_last)),
    ]
    return _Edges(
        np.concatenate([place[here].ravel() for here, _ in sides]),
        np.concatenate([place[there].ravel() for _, there in sides]),
        np.concatenate([_distance([p[here] for p in planes], [p[there] for p in planes]) for here, there in sides]),
    )


def _distance(here: list[NDArray[np.float32]], there: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    squares = [np.square(a - b) for a, b in zip(here, there, strict=True)]
    return np.asarray(np.sqrt(squares[0] + squares[1] + squares[2]).ravel(), dtype=np.float32)


def _weakest_of_each(edges: _Edges, parts: int) -> _Edges:
    """For each part its weakest edge; of equally weak ones the first, so that chosen edges never close a circle.

    A weight that is not negative orders as its bits do: weight and place together are one whole number.
    """
    key = edges.weight.view(np.uint32).astype(np.uint64) << np.uint64(32)
    key |= np.arange(len(key), dtype=np.uint64)
    least = np.full(parts, _NO_EDGE, dtype=np.uint64)
    np.minimum.at(least, edges.first, key)
    np.minimum.at(least, edges.second, key)
    return edges.take((least & np.uint64(0xFFFFFFFF)).astype(np.int64))


def _joined(weakest: _Edges, wanted: NDArray[np.bool_]) -> NDArray[np.int32]:
    """(N,) int32: new numbers of parts, the same for all that their own weakest edges join, where wanted."""
    parts = np.arange(len(wanted), dtype=np.int32)
    parent = np.where(wanted, weakest.first + weakest.second - parts, parts)
    # Two that chose each other: the first of them is the root.
    parent = np.where((parent[parent] == parts) & (parts < parent), parts, parent)
    while True:
        further = parent[parent]
        if np.array_equal(further, parent):
            break
        parent = further
    number = np.cumsum(parent == parts, dtype=np.int32) - np.int32(1)
    return np.asarray(number[parent])


def _sums(number: NDArray[np.int32], values: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.bincount(number, values).astype(np.float32)


def _between(edges: _Edges, number: NDArray[np.int32]) -> _Edges:
    """The edges between different parts, by their new numbers."""
    renamed = _Edges(number[edges.first], number[edges.second], edges.weight)
    return renamed.take(np.flatnonzero(renamed.first != renamed.second))
