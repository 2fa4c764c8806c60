"""Small regions of an image, the graph of their borders, and the hierarchy that merging them gives.

Everything here works at a segmentor's own resolution. Regions are numbered 0 to R - 1; in a tree over them the leaves
are nodes 0 to R - 1 and the k-th merge makes node R + k.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ImageArray


@dataclass(frozen=True)
class RegionGraph:
    """Which regions touch.

    Attributes:
        edges: (E, 2) int64, pairs of regions that share a border, the smaller number first.
        weights: (E,) float64, the mean of the boundary map along each border.
        lengths: (E,) float64, the number of neighbouring pixel pairs across each border.
    """

    edges: NDArray[np.int64]
    weights: NDArray[np.float64]
    lengths: NDArray[np.float64]


@dataclass(frozen=True)
class MergeTree:
    """A hierarchy of regions, from R leaves to one root in R - 1 merges.

    Attributes:
        children: (R - 1, 2) int64, the two nodes that the k-th merge joins into node R + k.
        heights: (R - 1,) float64, non-decreasing: how different the two were.
        order: (R,) int64, the leaves in an order in which every node is one contiguous range.
        ranges: (2 R - 1, 2) int64, first and one past last position in `order` of the leaves of each node.
    """

    children: NDArray[np.int64]
    heights: NDArray[np.float64]
    order: NDArray[np.int64]
    ranges: NDArray[np.int64]

    @property
    def leaves(self) -> int:
        """R, the number of regions."""
        return len(self.order)


def oversegment(image: ImageArray, scale: float = 20, sigma: float = 0.6, min_size: int = 20) -> NDArray[np.uint16]:
    """Some hundreds of small regions that follow the edges of an image.

    Felzenszwalb and Huttenlocher, "Efficient graph-based image segmentation", IJCV 2004; the defaults bound masks made
    of whole regions best on photographs of 352 pixels.

    Args:
        image: (h, w, 3) uint8 RGB.
        scale: larger makes larger regions.
        sigma: of the Gaussian before, in pixels.
        min_size: of a region, in pixels.

    Returns:
        (h, w) uint16, regions 0 to R - 1.
    """
    from skimage.segmentation import felzenszwalb

    while True:
        labels = felzenszwalb(image, scale=scale, sigma=sigma, min_size=min_size)
        if labels.max() < 4096:
            return np.asarray(labels, dtype=np.uint16)
        # Noise breaks into regions of the minimum size; a matrix of all pairs must stay small.
        min_size *= 2


def region_graph(region_map: NDArray[np.uint16], boundary: NDArray[np.floating]) -> RegionGraph:
    """The borders between regions, each with the mean of a boundary map along it.

    Args:
        region_map: (h, w) uint16, regions 0 to R - 1.
        boundary: (h, w) float, how strong a boundary passes each pixel; a pair of pixels takes the larger of its two.
    """
    count = int(region_map.max()) + 1
    codes, strength = [], []
    for here, there in (
        ((slice(None), slice(None, -1)), (slice(None), slice(1, None))),
        ((slice(None, -1), slice(None)), (slice(1, None), slice(None))),
    ):
        across = np.nonzero(region_map[here] != region_map[there])
        a, b = region_map[here][across].astype(np.int64), region_map[there][across]
        codes.append(np.minimum(a, b) * count + np.maximum(a, b))
        strength.append(np.maximum(boundary[here][across], boundary[there][across]))
    pairs = np.concatenate(codes)
    # A table of all pairs that there could be is counted sooner than the pairs are sorted.
    lengths = np.bincount(pairs, minlength=count * count)
    totals = np.bincount(pairs, weights=np.concatenate(strength), minlength=count * count)
    found = np.flatnonzero(lengths)
    edges = np.stack([found // count, found % count], axis=1)
    return RegionGraph(edges, totals[found] / lengths[found], lengths[found].astype(np.float64))


def average_linkage(graph: RegionGraph, sizes: NDArray[np.floating], crumbs: float = 0.0) -> MergeTree:
    """Merge the two neighbours with the weakest common border again and again, until one region is left.

    The weight of a border that two merged regions share with a third is the mean over its length; what a merge costs is
    that weight times (the harmonic size of the two)^crumbs. A mean is never below the weaker of the two, and no size
    shrinks, so no merge can make a border that comes before those already the cheapest at both their ends: all these
    are merged at once, and a tree of a thousand regions takes some dozens of rounds (Bruynooghe's reducibility;
    Murtagh, "A survey of recent advances in hierarchical clustering algorithms", 1983).

    Args:
        graph: the borders of R regions. Parts that do not touch are joined last, at the height of the highest.
        sizes: (R,) of the regions.
        crumbs: above 0, small regions go first.
    """
    regions = len(sizes)
    nodes = 2 * regions - 1
    here, there = graph.edges.T
    totals, lengths = graph.weights * graph.lengths, graph.lengths
    size = np.concatenate([sizes, np.zeros(regions - 1)]).astype(np.float64)
    height = np.zeros(nodes)
    became = np.arange(nodes)
    merges: list[NDArray[np.int64]] = []
    made = regions
    while len(here):
        costs = totals / lengths
        if crumbs:
            costs *= (size[here] * size[there] / (size[here] + size[there])) ** crumbs
        chosen = _cheapest_at_both_ends(here, there, costs, made)
        joined = np.stack([here[chosen], there[chosen]], axis=1)
        new = made + np.arange(len(chosen))
        height[new] = np.maximum(costs[chosen], height[joined].max(axis=1))
        size[new] = size[joined].sum(axis=1)
        merges.append(joined)
        became[joined] = new[:, None]
        ends = became[here], became[there]
        here, there = np.minimum(*ends), np.maximum(*ends)
        at_new = there >= made
        made += len(chosen)
        # Most borders are not touched by a round: only those of new nodes may have become one.
        still, moved = np.flatnonzero(~at_new), np.flatnonzero(at_new & (here != there))
        codes = here[moved] * nodes + there[moved]
        order = np.argsort(codes, kind="stable")
        moved, begins = moved[order], _first_of_each(codes[order])
        totals, lengths = (
            np.concatenate([values[still], np.add.reduceat(values[moved], begins) if len(begins) else values[:0]])
            for values in (totals, lengths)
        )
        kept = np.concatenate([still, moved[begins]])
        here, there = here[kept], there[kept]
    children = np.concatenate([*merges, np.empty((0, 2), np.int64)])
    alone = np.setdiff1d(np.arange(made), children)
    rest = [(int(alone[0]) if place == 0 else made + place - 1, int(part)) for place, part in enumerate(alone[1:])]
    height[made:] = height[:made].max()
    return _by_height(np.concatenate([children, np.array(rest, np.int64).reshape(-1, 2)]), height[regions:])


def _cheapest_at_both_ends(
    here: NDArray[np.int64], there: NDArray[np.int64], costs: NDArray[np.float64], nodes: int
) -> NDArray[np.intp]:
    """Places of the borders that cost less than all others of the two nodes that they part.

    Numbers that are not negative order as their bits do; the last bits give way to the place, which parts equals.
    """
    places = np.arange(len(costs))
    bits = len(costs).bit_length()
    keys = (costs.view(np.int64) >> bits << bits) | places
    least = np.full(nodes, np.iinfo(np.int64).max)
    np.minimum.at(least, here, keys)
    np.minimum.at(least, there, keys)
    return np.flatnonzero((least[here] == keys) & (least[there] == keys))


def _first_of_each(codes: NDArray[np.int64]) -> NDArray[np.intp]:
    """Where each different number of sorted ones begins."""
    first = np.ones(len(codes), dtype=bool)
    np.not_equal(codes[1:], codes[:-1], out=first[1:])
    return np.flatnonzero(first)


def _by_height(children: NDArray[np.int64], heights: NDArray[np.float64]) -> MergeTree:
    """The tree of merges in the order of their heights; each comes after those it joins, and is not below them."""
    regions = len(children) + 1
    order = np.argsort(heights, kind="stable")
    number = np.arange(2 * regions - 1)
    number[regions + order] = np.arange(regions, 2 * regions - 1)
    return _with_order(number[children[order]], heights[order])


def merge(
    regions: int,
    graph: RegionGraph,
    cost: Callable[[int, int, float], float],
    join: Callable[[int, int, int], None],
) -> MergeTree:
    """Merge the two neighbours that cost least again and again, until one region is left.

    Args:
        regions: R, the number of regions.
        graph: their borders. Parts of a graph that is not connected are joined last.
        cost: cost(a, b, border) of joining nodes a and b, whose common border has that mean weight.
        join: called as join(a, b, node) when a and b have become `node`, before its costs are asked for.
    """
    neighbours: list[dict[int, tuple[float, float]]] = [{} for _ in range(2 * regions - 1)]
    heap: list[tuple[float, int, int]] = []
    for (a, b), weight, length in zip(
        graph.edges.tolist(), graph.weights.tolist(), graph.lengths.tolist(), strict=True
    ):
        neighbours[a][b] = neighbours[b][a] = (weight * length, length)
        heap.append((cost(a, b, weight), a, b))
    heapq.heapify(heap)
    alive = bytearray(b"\1" * regions + b"\0" * (regions - 1))
    children = np.empty((regions - 1, 2), dtype=np.int64)
    heights = np.empty(regions - 1)
    height = 0.0
    for step in range(regions - 1):
        while heap and not (alive[heap[0][1]] and alive[heap[0][2]]):
            heapq.heappop(heap)
        if heap:
            least, a, b = heapq.heappop(heap)
            height = max(height, least)
        else:
            a = alive.find(1)
            b = alive.find(1, a + 1)
        node = regions + step
        children[step], heights[step] = (a, b), height
        alive[a] = alive[b] = 0
        alive[node] = 1
        join(a, b, node)
        borders = neighbours[node] = _united(neighbours[a], neighbours[b], (a, b))
        for other, (total, length) in borders.items():
            around = neighbours[other]
            around.pop(a, None)
            around.pop(b, None)
            around[node] = (total, length)
            heapq.heappush(heap, (cost(other, node, total / length), other, node))
    return _with_order(children, heights)


def _united(
    first: dict[int, tuple[float, float]], second: dict[int, tuple[float, float]], gone: tuple[int, int]
) -> dict[int, tuple[float, float]]:
    """The borders (total weight, length) of two nodes together, less the one between them."""
    united = dict(first)
    for other, (total, length) in second.items():
        total_before, length_before = united.get(other, (0.0, 0.0))
        united[other] = (total_before + total, length_before + length)
    for node in gone:
        united.pop(node, None)
    return united


def lowest_common_node(tree: MergeTree) -> NDArray[np.int32]:
    """(R, R) int32: the smallest node that holds both regions; a region itself on the diagonal.

    Any quantity q of nodes becomes one of pairs of regions by q[lowest_common_node(tree)]; with the merge heights that
    is the ultrametric distance of the hierarchy.
    """
    count = tree.leaves
    common = np.empty((count, count), dtype=np.int32)
    np.fill_diagonal(common, tree.order)
    ranges = tree.ranges.tolist()
    for step, (a, b) in enumerate(tree.children.tolist()):
        left, right = slice(*ranges[a]), slice(*ranges[b])
        common[left, right] = common[right, left] = count + step
    position = np.empty(count, dtype=np.int64)
    position[tree.order] = np.arange(count)
    return common.take(position, axis=0).take(position, axis=1)


def node_sums(tree: MergeTree, values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Sums of a quantity of regions over the regions of every node.

    Args:
        tree: of R regions.
        values: (R, ...) float, one per region.

    Returns:
        (2 R - 1, ...) float64, one per node.
    """
    totals = np.cumsum(values[tree.order], axis=0, dtype=np.float64)
    totals = np.concatenate([np.zeros_like(totals[:1]), totals])
    return np.asarray(totals[tree.ranges[:, 1]] - totals[tree.ranges[:, 0]])


def _with_order(children: NDArray[np.int64], heights: NDArray[np.float64]) -> MergeTree:
    regions = len(children) + 1
    pairs = children.tolist()
    sizes = [1] * regions
    for a, b in pairs:
        sizes.append(sizes[a] + sizes[b])
    starts = [0] * (2 * regions - 1)
    for node in range(2 * regions - 2, regions - 1, -1):
        a, b = pairs[node - regions]
        starts[a] = starts[node]
        starts[b] = starts[node] + sizes[a]
    ranges = np.array([starts, sizes], dtype=np.int64).T
    ranges[:, 1] += ranges[:, 0]
    order = np.empty(regions, dtype=np.int64)
    order[ranges[:regions, 0]] = np.arange(regions)
    return MergeTree(children, heights, order, ranges)
