"""What the region network is told of an image: a row of numbers per region and a few per pair of regions.

Pure numpy, so that training and inference see the same. R is the number of regions, (h, w) the working size; the pixel
network's maps have stride 4 (boundaries stride 2).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ImageArray
from tamis.segmentors.hierarchy import colour_tree, node_mass
from tamis.segmentors.region_tree import average_linkage, lowest_common_node, region_graph

Float32 = NDArray[np.float32]

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
    """

    boundary: Float32
    embedding: Float32
    bias: Float32
    features: Float32


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
        common: (R, R) int64, the least node that holds both regions.
    """

    tokens: Float32
    pairs: Float32
    areas: Float32
    nodes: Float32
    order: NDArray[np.int64]
    ranges: NDArray[np.int64]
    parents: NDArray[np.int64]
    common: NDArray[np.int64]


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
        alike: (R, R) integer, the least node that holds both regions in the tree of colours and textures.
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
    alike: NDArray[np.integer]
    mass: Float32


def summarise(image: ImageArray, region_map: NDArray[np.uint16], maps: PixelMaps) -> RegionSummary:
    """Pool the pixel network's maps over regions and build their tree.

    Args:
        image: (h, w, 3) uint8 RGB at the working size, multiples of 32.
        region_map: (h, w) uint16, regions 0 to R - 1.
        maps: of that image.
    """
    pooled, areas = pool(region_map, np.concatenate([maps.embedding, maps.bias[None], maps.features]))
    length = len(maps.embedding)
    tree = boundary_tree(region_map, maps.boundary, areas)
    embedding, bias, features = pooled[:, :length], pooled[:, length], pooled[:, length + 1 :]
    colours, shares, _ = colour_tree(image, region_map)
    mass = np.maximum(node_mass(colours, shares), 1e-20).astype(np.float32)  # preferences may underflow
    return RegionSummary(
        embedding,
        bias,
        features,
        *appearance(image, region_map),
        areas,
        **vars(tree),
        alike=lowest_common_node(colours),
        mass=mass,
    )


def region_inputs(summary: RegionSummary) -> RegionInputs:
    """Scale and combine what was measured to numbers near one."""
    embedding, bias, areas, centre = summary.embedding, summary.bias, summary.areas, summary.centre
    logit = bias[None] - _squared_distances(embedding)
    offset = (centre.T[:, None, :] - centre.T[:, :, None]) * np.float32(2)
    pairs = np.empty((PAIR_NUMBERS, len(areas), len(areas)), dtype=np.float32)
    pairs[0] = (_logit(summary.heights) * 0.5)[summary.common]
    pairs[1] = np.clip(logit, -12, 6) * 0.25
    pairs[2] = pairs[1].T
    pairs[3] = (np.log(summary.sizes) * 0.5 + 1)[summary.common]
    pairs[4:6] = offset
    pairs[6] = np.sqrt(offset[0] ** 2 + offset[1] ** 2)
    pairs[7] = np.sqrt(_squared_distances(summary.colour)) * 4
    pairs[8] = classical_logits(summary.alike, summary.mass) * 0.25
    soft_size = (1 / (1 + np.exp(-np.clip(logit, -12, 12)))) @ areas
    profile = summary.sizes[nodes_below(summary.parents, summary.heights)[:, : len(areas)]].T
    tokens = np.concatenate(
        [
            summary.features,
            embedding,
            bias[:, None],
            summary.colour * 2 - 1,
            summary.spread * 4,
            centre * 2 - 1,
            np.abs(centre * 2 - 1),
            np.log(areas)[:, None] * 0.5 + 3.5,
            np.log(soft_size)[:, None] * 0.5 + 1,
            np.log(profile) * 0.5 + 1,
            summary.contact[:, None],
        ],
        axis=1,
    )
    parents = summary.parents.copy()
    parents[-1] = len(parents)
    return RegionInputs(
        tokens.astype(np.float32),
        pairs,
        areas,
        node_numbers(summary),
        summary.order,
        summary.ranges,
        parents,
        summary.common.astype(np.int64),
    )


def classical_logits(alike: NDArray[np.integer], mass: Float32) -> Float32:
    """(R, R) float32: what the segmentor `hierarchy` would answer on these regions, as logits between -8 and 8.

    It was fitted on small parts of scenes, where the network's own tree, learned from objects too, is coarse.
    """
    inside = mass[alike]
    own = mass[: len(alike), None]
    outside = np.maximum(own - inside, own * np.float32(1e-5))
    return np.asarray(np.clip(np.log(inside / outside), -8, 8), dtype=np.float32)


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
        _logit(birth) * 0.5,
        _logit(end) * 0.5,
        np.log(life + np.float32(0.01)) * 0.5 + 1,
        life / (end + np.float32(0.001)),
        size,
        size**2 * 0.5,
        root,
    ]
    return np.asarray(np.stack(columns, axis=1), dtype=np.float32)


def pool(region_map: NDArray[np.uint16], maps: Float32) -> tuple[Float32, Float32]:
    """Means of maps at stride 4 over regions, each cell weighted by its pixels in the region; and areas.

    Args:
        region_map: (h, w) uint16.
        maps: (C, h/4, w/4) float32.

    Returns:
        (R, C) float32, and (R,) float32 shares of the image.
    """
    regions, cells, counts = overlaps(region_map)
    totals = np.bincount(region_map.ravel()).astype(np.float32)
    flat = np.ascontiguousarray(maps.reshape(len(maps), -1).T)
    # Entries are sorted by region, so that a sum over each stretch is a sum over each region.
    starts = np.searchsorted(regions, np.arange(len(totals)))
    sums = np.add.reduceat(flat[cells] * counts[:, None], starts, axis=0)
    return np.asarray(sums / totals[:, None], dtype=np.float32), totals / np.float32(region_map.size)


def overlaps(region_map: NDArray[np.uint16]) -> tuple[NDArray[np.int64], NDArray[np.int64], Float32]:
    """Which 4 × 4 cells each region meets, in how many pixels: regions (N,), flat cells (N,), pixels (N,), sorted."""
    height, width = region_map.shape
    cells = (np.arange(height)[:, None] // 4) * (width // 4) + np.arange(width)[None] // 4
    count = (height // 4) * (width // 4)
    keys, pixels = np.unique(region_map.astype(np.int64) * count + cells, return_counts=True)
    return keys // count, keys % count, pixels.astype(np.float32)


def appearance(image: ImageArray, region_map: NDArray[np.uint16]) -> tuple[Float32, Float32, Float32, Float32]:
    """Colour (R, 3), spread (R, 3), centre (R, 2) and contact (R,) of regions, as `RegionSummary` has them."""
    height, width = region_map.shape
    labels = region_map.ravel()
    totals = np.bincount(labels)
    values = image.reshape(-1, 3).astype(np.float32) / 255
    mean = np.stack([np.bincount(labels, values[:, c]) for c in range(3)], axis=1) / totals[:, None]
    square = np.stack([np.bincount(labels, values[:, c] ** 2) for c in range(3)], axis=1) / totals[:, None]
    long = max(height, width)
    x = np.tile((np.arange(width) + 0.5 + (long - width) / 2) / long, height)
    y = np.repeat((np.arange(height) + 0.5 + (long - height) / 2) / long, width)
    centre = np.stack([np.bincount(labels, x), np.bincount(labels, y)], axis=1) / totals[:, None]
    frame = np.concatenate([region_map[0], region_map[-1], region_map[:, 0], region_map[:, -1]])
    contact = np.sqrt(np.bincount(frame, minlength=len(totals)) / frame.size)
    return (
        mean.astype(np.float32),
        np.sqrt(np.maximum(square - mean**2, 0)).astype(np.float32),
        centre.astype(np.float32),
        contact.astype(np.float32),
    )


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
    import cv2

    height, width = region_map.shape
    probability = np.asarray(1 / (1 + np.exp(-boundary)), dtype=np.float32)
    strength = cv2.resize(probability, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.float32)
    tree = average_linkage(len(areas), region_graph(region_map, strength))
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


def _logit(probability: Float32) -> Float32:
    kept = np.clip(probability, 0.005, 0.995)
    return np.asarray(np.log(kept) - np.log1p(-kept), dtype=np.float32)


def _squared_distances(points: Float32) -> Float32:
    square = np.sum(points**2, axis=1)
    return np.asarray(np.maximum(square[:, None] + square[None] - 2 * points @ points.T, 0), dtype=np.float32)
