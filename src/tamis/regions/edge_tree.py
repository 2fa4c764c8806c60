"""Regions merged across their weakest edges, and what that tree says of a click: the parts that people draw.

`tamis.regions.colour_tree` says what a click makes of a tree; the numbers are fitted anew, since edges are learned.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tamis.regions.colour_tree import node_mass
from tamis.regions.tree import MergeTree, average_linkage, lowest_common_node, region_graph

CRUMBS = 0.2
"""How much smaller regions go first."""

PREFERENCE = np.array([16.07, -35.34, -12.16, 5.628, -39.69, -7.911, -0.576, -4.385])
"""As that of colours, fitted by benchmarks/fit_hierarchy.py on BSDS500, but for its test."""


@dataclass(frozen=True)
class EdgeNodes:
    """What the tree of edges says: `parts` and `mass` as in `RegionSummary`."""

    parts: NDArray[np.integer]
    mass: NDArray[np.float32]


def edge_nodes(region_map: NDArray[np.uint16], edges: NDArray[np.float32]) -> EdgeNodes:
    """Build that tree of the regions (h, w) uint16 and edges (h/2, w/2), logits."""
    tree, shares = edge_tree(region_map, edges)
    mass = np.maximum(node_mass(tree, shares, PREFERENCE), 1e-20).astype(np.float32)  # preferences may underflow
    return EdgeNodes(lowest_common_node(tree), mass)


def edge_tree(region_map: NDArray[np.uint16], edges: NDArray[np.float32]) -> tuple[MergeTree, NDArray[np.float64]]:
    """The tree, and the regions' shares of the image, (R,) float64."""
    shares = np.bincount(region_map.ravel()) / region_map.size
    return average_linkage(region_graph(region_map, on_grid(edges, region_map)), shares, CRUMBS), shares


def on_grid(logits: NDArray[np.float32], region_map: NDArray[np.uint16]) -> NDArray[np.float32]:
    """(h, w) float32: the probabilities of logits (h/2, w/2), between their middles, for every pixel of a map."""
    import cv2

    height, width = region_map.shape
    probability = np.asarray(1 / (1 + np.exp(-logits)), dtype=np.float32)
    return np.asarray(cv2.resize(probability, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def edge_logits(parts: NDArray[np.integer], mass: NDArray[np.float32], own: NDArray[np.float32]) -> NDArray[np.float32]:
    """(K, R) float32: what the tree of edges alone would answer, as logits between -8 and 8.

    It was fitted on small parts of scenes, where the network's other tree, learned from objects too, is coarse.

    Args:
        parts: (K, R), the least nodes that hold the clicked regions and all others.
        mass: (2 R - 1,), of all nodes.
        own: (K,), of the clicked regions.
    """
    inside = mass[parts]
    outside = np.subtract(own[:, None], inside)
    np.maximum(outside, own[:, None] * np.float32(1e-5), out=outside)
    np.log(np.divide(inside, outside, out=inside), out=inside)
    return np.asarray(np.clip(inside, -8, 8, out=inside), dtype=np.float32)
