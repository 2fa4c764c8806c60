"""What the region network is told of an image: a row of numbers per region and a few per pair of regions.

Pure numpy, so that training and inference see the same. R is the number of regions, (h, w) the working size; the pixel
network's maps have stride 4 (boundaries stride 2).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ImageArray
from tamis.odds import logit
from tamis.regions.edge_tree import EdgeNodes, edge_logits, on_grid
from tamis.regions.measures import appearance, pool
from tamis.regions.tree import average_linkage, lowest_common_node, region_graph

Float32 = NDArray[np.float32]

UNCERTAIN = 0.005
"""How near to 0 and 1 the strengths of borders come before they are logits."""

PROFILE = np.array([0.03, 0.06, 0.12, 0.2, 0.3, 0.42, 0.55, 0.7], dtype=np.float32)
"""Heights at which the size of the node that holds a region is told."""

PAIR_NUMBERS = 9
"""Numbers per pair of regions."""

EXTRA_NUMBERS = 21
"""Numbers per region besides features, embedding and bias."""

NODE_NUMBERS = 7
"""Numbers per node of the tree."""


@dataclass(frozen=True)
class PixelMaps:
    """What the pixel network says of an image.

    Attributes:
        boundary: (h/2, w/2) float32 logit.
        embedding: (E, h/4, w/4) float32.
        bias: (h/4, w/4) float32 logit, with the margin added.
        features: (D, h/4, w/4) float32.
        edges: (h/2, w/2) float32 logit: people would draw a border here, that of a part included.
    """

    boundary: Float32
    embedding: Float32
    bias: Float32
    features: Float32
    edges: Float32


@dataclass(frozen=True)
class RegionInputs:
    """What the region network reads.

    Attributes:
        tokens: (R, D + E + 1 + EXTRA_NUMBERS) float32.
        pairs: (PAIR_NUMBERS, R, R) float32; [:, r, s] tells of region s as seen from a click in r.
        areas: (R,) float32, shares of the image that sum to 1.
        nodes: (2 R - 1, NODE_NUMBERS) float32, the tree's nodes, regions first, the root last.
        order: (R,) int64, regions in an order in which every node is one contiguous range.
        ranges: (2 R - 1, 2) int64, first and one past last position in `order` of the regions of each node.
        parents: (2 R - 1,) int64; the root's is one past the last node.
        common: (R, R) int32, the least node that holds both regions.
    """

    tokens: Float32
    pairs: Float32
    areas: Float32
    nodes: Float32
    order: NDArray[np.int64]
    ranges: NDArray[np.int64]
    parents: NDArray[np.int64]
    common: NDArray[np.int32]


@dataclass(frozen=True)
class RegionSummary:
    """What is measured of an image's regions, before it is scaled and combined.

    Attributes:
        embedding: (R, E) float32.
        bias: (R,) float32.
        features: (R, D) float32.
        colour: (R, 3) float32, mean from 0 to 1.
        spread: (R, 3) float32, deviation of the colour.
        centre: (R, 2) float32, (x, y) from 0 to 1 along the longer side, the shorter side in the middle.
        contact: (R,) float32, square root of the share of the image's frame that the region holds.
        areas: (R,) float32, shares of the image that sum to 1.
        common: (R, R) integer, the least node of the tree that holds both regions.
        parents: (2 R - 1,) int64, the node that each node was merged into; the root's is itself.
        heights: (2 R - 1,) float32, the boundary probability across which each node was merged; 0 for a region.
        sizes: (2 R - 1,) float32, share of the image of each node.
        order: (R,) int64, regions in an order in which every node is one contiguous range.
        ranges: (2 R - 1, 2) int64, first and one past last position in `order` of the regions of each node.
        parts: (R, R) integer, the least node that holds both regions in the tree of edges.
        mass: (2 R - 1,) float32, how much that tree's nodes around each node, and itself, are preferred.
    """

    embedding: Float32
    bias: Float32
    features: Float32
    colour: Float32
    spread: Float32
    centre: Float32
    contact: Float32
    areas: Float32
    common: NDArray[np.integer]
    parents: NDArray[np.int64]
    heights: Float32
    sizes: Float32
    order: NDArray[np.int64]
    ranges: NDArray[np.int64]
    parts: NDArray[np.integer]
    mass: Float32


def summarise(image: ImageArray, region_map: NDArray[np.uint16], maps: PixelMaps, edges: EdgeNodes) -> RegionSummary:
    """Pool the pixel network's maps over regions and build their tree.

    Args:
        image: (h, w, 3) uint8 RGB at the working size, multiples of 32.
        region_map: (h, w) uint16, regions 0 to R - 1.
        maps: of that image.
        edges: of these maps and regions.
    """
    pooled, areas = pool(region_map, np.concatenate([maps.embedding, maps.bias[None], maps.features]))
    length = len(maps.embedding)
    tree = boundary_tree(region_map, maps.boundary, areas)
    embedding, bias, features = pooled[:, :length], pooled[:, length], pooled[:, length + 1 :]
    return RegionSummary(
        embedding,
        bias,
        features,
        *appearance(image, region_map),
        areas,
        **vars(tree),
        parts=edges.parts,
        mass=edges.mass,
    )


def region_inputs(summary: RegionSummary) -> RegionInputs:
    """Scale and combine what was measured to numbers near one."""
    return RegionInputs(
        region_tokens(summary),
        Pairs.of(summary).rows(slice(None)),
        summary.areas,
        node_numbers(summary),
        summary.order,
        summary.ranges,
        roots_beyond(summary.parents),
        summary.common.astype(np.int32, copy=False),
    )


def roots_beyond(parents: NDArray[np.int64]) -> NDArray[np.int64]:
    """The parents of all nodes, the root's one past the last node."""
    parents = parents.copy()
    parents[-1] = len(parents)
    return parents


def region_tokens(summary: RegionSummary) -> Float32:
    """(R, D + E + 1 + EXTRA_NUMBERS) float32: what is said of each region alone."""
    centre = summary.centre
    profile = summary.sizes[nodes_below(summary.parents, summary.heights)[:, : len(centre)]].T
    tokens = [
        summary.features,
        summary.embedding,
        summary.bias[:, None],
        summary.colour * 2 - 1,
        summary.spread * 4,
        centre * 2 - 1,
        np.abs(centre * 2 - 1),
        np.log(summary.areas)[:, None] * 0.5 + 3.5,
        np.log(soft_sizes(summary))[:, None] * 0.5 + 1,
        np.log(profile) * 0.5 + 1,
        summary.contact[:, None],
    ]
    return np.asarray(np.concatenate(tokens, axis=1), dtype=np.float32)


def soft_sizes(summary: RegionSummary) -> Float32:
    """(R,) float32: the share of the image in the mask that the embedding alone gives a click in each region."""
    odds = summary.bias - _squared_distances(summary.embedding, summary.embedding)
    np.clip(odds, -12, 12, out=odds)
    np.exp(np.negative(odds, out=odds), out=odds)
    odds += 1
    return np.asarray(np.reciprocal(odds, out=odds) @ summary.areas, dtype=np.float32)


@dataclass(frozen=True)
class Pairs:
    """What the numbers of pairs of regions are made of, so that they can be made for some rows at a time.

    All pairs of an image are tens of megabytes, some rows of them stay in a processor's cache.

    Attributes:
        summary: of the image.
        borders: (2 R - 1,) float32, scaled logit of the border at which each node was merged.
        shares: (2 R - 1,) float32, scaled logarithm of each node's size.
        centre: (R, 2) float32.
    """

    summary: RegionSummary
    borders: Float32
    shares: Float32
    centre: Float32

    @classmethod
    def of(cls, summary: RegionSummary) -> "Pairs":
        """Prepare what every row needs."""
        return cls(
            summary,
            logit(summary.heights, UNCERTAIN) * np.float32(0.5),
            np.log(summary.sizes) * np.float32(0.5) + np.float32(1),
            summary.centre * np.float32(2),
        )

    def rows(self, rows: slice) -> Float32:
        """(PAIR_NUMBERS, K, R) float32, contiguous: what is said of all regions as seen from K of them."""
        said = self.summary
        common = said.common[rows]
        pairs = np.empty((PAIR_NUMBERS, *common.shape), dtype=np.float32)
        distance = _squared_distances(said.embedding[rows], said.embedding)
        np.take(self.borders, common, out=pairs[0], mode="clip")
        np.subtract(said.bias, distance, out=pairs[1])
        np.subtract(said.bias[rows, None], distance, out=pairs[2])
        np.clip(pairs[1:3], -12, 6, out=pairs[1:3])
        pairs[1:3] *= np.float32(0.25)
        np.take(self.shares, common, out=pairs[3], mode="clip")
        for axis in range(2):
            np.subtract(self.centre[:, axis], self.centre[rows, None, axis], out=pairs[4 + axis])
        np.sqrt(np.square(pairs[4]) + np.square(pairs[5]), out=pairs[6])
        np.sqrt(_squared_distances(said.colour[rows], said.colour), out=pairs[7])
        pairs[7] *= 4
        own = said.mass[: common.shape[1]][rows]
        np.multiply(edge_logits(said.parts[rows], said.mass, own), 0.25, out=pairs[8])
        return pairs


def node_numbers(summary: RegionSummary) -> Float32:
    """(2 R - 1, NODE_NUMBERS) float32: how long each node lives in the hierarchy, and how large it is.

    The logits of the borders across which it was merged and across which it ends, the logarithm of the difference of
    their probabilities, that difference relative to the end, the logarithm of its share of the image and the square of
    that, and whether it is the whole image.
    """
    birth, end = summary.heights, summary.heights[summary.parents].copy()
    end[-1] = 1.0
    life = np.maximum(end - birth, 0)
    size = np.log(summary.sizes) * np.float32(0.5) + 1
    root = np.zeros_like(birth)
    root[-1] = 1
    columns = [
        logit(birth, UNCERTAIN) * 0.5,
        logit(end, UNCERTAIN) * 0.5,
        np.log(life + np.float32(0.01)) * 0.5 + 1,
        life / (end + np.float32(0.001)),
        size,
        size**2 * 0.5,
        root,
    ]
    return np.asarray(np.stack(columns, axis=1), dtype=np.float32)


@dataclass(frozen=True)
class BoundaryTree:
    """The tree that merges regions across their weakest borders; all as in `RegionSummary`."""

    common: NDArray[np.int32]
    parents: NDArray[np.int64]
    heights: Float32
    sizes: Float32
    order: NDArray[np.int64]
    ranges: NDArray[np.int64]


def boundary_tree(region_map: NDArray[np.uint16], boundary: Float32, areas: Float32) -> BoundaryTree:
    """Merge regions across their weakest borders.

    Args:
        region_map: (h, w) uint16.
        boundary: (h/2, w/2) logit.
        areas: (R,) shares.
    """
    tree = average_linkage(region_graph(region_map, on_grid(boundary, region_map)), areas)
    parents = np.arange(2 * tree.leaves - 1)
    parents[tree.children] = np.arange(tree.leaves, 2 * tree.leaves - 1)[:, None]
    heights = np.concatenate([np.zeros(tree.leaves), tree.heights]).astype(np.float32)
    cumulative = np.concatenate([[0.0], np.cumsum(areas[tree.order], dtype=np.float64)])
    sizes = (cumulative[tree.ranges[:, 1]] - cumulative[tree.ranges[:, 0]]).astype(np.float32)
    return BoundaryTree(lowest_common_node(tree), parents, heights, sizes, tree.order, tree.ranges)


def nodes_below(parents: NDArray[np.int64], heights: Float32) -> NDArray[np.int64]:
    """(len(PROFILE), nodes) int64: the largest node around each node that is not higher than each height of `PROFILE`.

    Every node jumps to its parent where that is low enough; then jumps are doubled until nothing moves.
    """
    low = heights[parents][None] <= PROFILE[:, None]
    jump = np.where(low, parents[None], np.arange(len(parents))[None])
    while True:
        further = np.take_along_axis(jump, jump, axis=1)
        if np.array_equal(further, jump):
            return jump
        jump = further


def _squared_distances(points: Float32, others: Float32) -> Float32:
    """(K, R) float32 between (K, E) and (R, E)."""
    distance = points @ (others.T * np.float32(-2))
    distance += np.sum(points**2, axis=1)[:, None]
    distance += np.sum(others**2, axis=1)
    return np.asarray(np.maximum(distance, 0, out=distance), dtype=np.float32)
