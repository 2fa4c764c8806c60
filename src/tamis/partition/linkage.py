"""Average linkage: the two touching regions whose superpixels belong together most are merged, again and again."""

import numpy as np
from numpy.typing import NDArray

from tamis.regions.tree import MergeTree, RegionGraph, merge, node_sums

CRUMB = 0.15
"""How much smaller regions go first: costs are multiplied by the harmonic size to this power."""


def linked_levels(
    affinity: NDArray[np.float32], areas: NDArray[np.int64], touching: NDArray[np.int64], most: int
) -> NDArray[np.uint16]:
    """Partitions into 1, 2, … regions, every region connected.

    The cost of a merge is one minus the mean affinity of the pixels of one to those of the other (average linkage,
    weighted by area, among regions that touch), times (the harmonic size of the two)^CRUMB.

    Args:
        affinity: (S, S) in [0, 1], symmetric.
        areas: (S,) pixels.
        touching: (E, 2) pairs of superpixels with a common border.
        most: M, the most regions wanted, at most S.

    Returns:
        (M, S) uint16, as `Partitions.levels`.
    """
    return cut_levels(linkage_tree(affinity, areas, touching), areas, most)


def linkage_tree(affinity: NDArray[np.float32], areas: NDArray[np.int64], touching: NDArray[np.int64]) -> MergeTree:
    """The tree of those merges; arguments as those of `linked_levels`."""
    count = len(areas)
    share = np.zeros(2 * count - 1)
    share[:count] = areas / areas.sum()
    total = np.zeros((2 * count - 1, 2 * count - 1))
    total[:count, :count] = affinity * share[:count, None] * share[:count]

    def join(a: int, b: int, node: int) -> None:
        share[node] = share[a] + share[b]
        total[node] = total[a] + total[b]
        total[:, node] = total[:, a] + total[:, b]

    def cost(a: int, b: int, border: float) -> float:
        both = share[a] * share[b]
        return float((1 - total[a, b] / both) * (both / (share[a] + share[b])) ** CRUMB)

    graph = RegionGraph(touching, np.ones(len(touching)), np.ones(len(touching)))
    return merge(count, graph, cost, join)


def cut_levels(tree: MergeTree, areas: NDArray[np.int64], most: int) -> NDArray[np.uint16]:
    """The last M - 1 merges of a tree undone one after the other: (M, S) uint16, as `Partitions.levels`."""
    levels = np.zeros((most, tree.leaves), np.uint16)
    sizes = node_sums(tree, areas.astype(np.float64))
    current = np.zeros(tree.leaves, np.uint16)  # by position in tree.order
    for new in range(1, most):
        a, b = tree.children[tree.leaves - 1 - new]
        smaller = a if sizes[a] < sizes[b] else b
        current[slice(*tree.ranges[smaller])] = new
        levels[new, tree.order] = current
    return levels
