"""Normalised cuts: the whole image is split where the parts have least to do with each other, then its parts."""

import heapq

import numpy as np
from numpy.typing import NDArray

FAINTEST = 1e-4
"""The least affinity of two superpixels, so that every part can be cut somewhere."""


def spectral_levels(
    affinity: NDArray[np.float32], areas: NDArray[np.int64], touching: NDArray[np.int64], most: int
) -> NDArray[np.uint16]:
    """Partitions into 1, 2, … regions; a region need not be connected.

    Of all parts the one is split whose best cut is the lightest. A cut orders the superpixels of a part by the second
    eigenvector of its normalised Laplacian, and takes the place in that order with the least normalised cut
    (Shi and Malik, "Normalized cuts and image segmentation", PAMI 2000). Weights are affinities times both areas.

    Args:
        affinity: (S, S) in [0, 1], symmetric.
        areas: (S,) pixels.
        touching: (E, 2) pairs with a common border; not looked at.
        most: M, the most regions wanted, at most S.

    Returns:
        (M, S) uint16, as `Partitions.levels`.
    """
    count = len(areas)
    share = np.sqrt(areas / areas.sum())
    weights = np.maximum(affinity, FAINTEST).astype(np.float64) * share[:, None] * share
    levels = np.zeros((most, count), np.uint16)
    parts: list[tuple[float, int, NDArray[np.intp], NDArray[np.intp]]] = []

    def offer(label: int, members: NDArray[np.intp]) -> None:
        if len(members) > 1:
            value, first, second = normalised_cut(weights, members)
            larger, smaller = (first, second) if areas[first].sum() >= areas[second].sum() else (second, first)
            heapq.heappush(parts, (value, label, larger, smaller))

    offer(0, np.arange(count))
    for new in range(1, most):
        _, label, larger, smaller = heapq.heappop(parts)
        levels[new] = levels[new - 1]
        levels[new, smaller] = new
        offer(label, larger)
        offer(new, smaller)
    return levels


def normalised_cut(
    weights: NDArray[np.float64], members: NDArray[np.intp]
) -> tuple[float, NDArray[np.intp], NDArray[np.intp]]:
    """The best cut of a part of a graph along its Fiedler vector: its value, 0 to 2, and the members of both sides.

    Args:
        weights: (S, S) positive, symmetric.
        members: (N,) at least two nodes.
    """
    from scipy.linalg import eigh

    part = weights[np.ix_(members, members)]
    degree = part.sum(axis=1)
    root = 1 / np.sqrt(degree)
    _, vectors = eigh(part * root[:, None] * root, subset_by_index=[len(members) - 2, len(members) - 1])
    order = np.argsort(vectors[:, 0] * root, kind="stable")
    ordered = part[np.ix_(order, order)]
    # Moving one node to the left side adds its links to the right and takes away those to the left.
    left_links = np.tril(ordered, -1).sum(axis=1)
    cut = np.cumsum(degree[order] - np.diag(ordered) - 2 * left_links)[:-1]
    volume = np.cumsum(degree[order])
    values = cut / volume[:-1] + cut / np.maximum(volume[-1] - volume[:-1], 1e-300)
    place = int(np.argmin(values)) + 1
    return float(values[place - 1]), members[order[:place]], members[order[place:]]
