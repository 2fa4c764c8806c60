"""Regions merged in order of how alike they look, and what their tree says of a click.

A click falls in a leaf of the tree, and the mask that a person means is taken to be one of the leaf's ancestors: node A
with a probability proportional to exp(score(A)), where the score is a linear function, of eight fitted numbers, of how
long A lives in the hierarchy and how large it is. With C(A) the sum of exp(score) over A and its ancestors,
P(region s in mask | click in region r) is C(smallest node that holds r and s) / C(r): one matrix for every click.
"""

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ImageArray
from tamis.regions.tree import MergeTree, merge, node_sums, region_graph

PREFERENCE = np.array([6.249, -1.759, -0.7702, 12.69, -18.4, -6.138, -0.4354, -4.319])
"""How much each column of `node_features` says for a node, fitted on BSDS500 train by benchmarks/fit_hierarchy.py."""


def colour_tree(
    image: ImageArray, region_map: NDArray[np.uint16]
) -> tuple[MergeTree, NDArray[np.float64], NDArray[np.float32]]:
    """Merge regions in order of how alike they look.

    The cost of joining two nodes is the colour gradient along their common border plus .3 times the distance of their
    mean colours and textures, times (the harmonic size of the two)^.2, so that crumbs go first.

    Args:
        image: (h, w, 3) uint8 RGB.
        region_map: (h, w) uint16, regions 0 to R - 1.

    Returns:
        tree: over the regions.
        areas: (R,) float64, the share of the image.
        looks: (R, 5) float32, mean CIELAB colour and two scales of texture.
    """
    regions = int(region_map.max()) + 1
    channels = _channels(image)
    pixels = np.bincount(region_map.ravel(), minlength=regions).astype(np.float64)
    sums = np.stack([np.bincount(region_map.ravel(), channel.ravel(), regions) for channel in channels], axis=1)

    # Plain numbers, written out: these are called some ten thousand times for an image.
    inner = np.zeros((regions - 1, len(channels)))
    total = _looks(np.concatenate([sums, inner]))
    look = _looks(np.concatenate([sums / pixels[:, None], inner]))
    size: list[float] = [*(pixels / pixels.sum()).tolist(), *([0.0] * (regions - 1))]
    scale = float(pixels.sum())

    def join(a: int, b: int, node: int) -> None:
        size[node] = size[a] + size[b]
        (a1, a2, a3, a4, a5), (b1, b2, b3, b4, b5) = total[a], total[b]
        total[node] = both = (a1 + b1, a2 + b2, a3 + b3, a4 + b4, a5 + b5)
        area = size[node] * scale
        look[node] = (both[0] / area, both[1] / area, both[2] / area, both[3] / area, both[4] / area)

    def cost(a: int, b: int, border: float) -> float:
        (a1, a2, a3, a4, a5), (b1, b2, b3, b4, b5) = look[a], look[b]
        d1, d2, d3, d4, d5 = a1 - b1, a2 - b2, a3 - b3, a4 - b4, a5 - b5
        apart = (d1 * d1 + d2 * d2 + d3 * d3 + d4 * d4 + d5 * d5) ** 0.5
        crumb = size[a] * size[b] / (size[a] + size[b])
        return float((border + 0.3 * apart) * crumb**0.2)

    tree = merge(regions, region_graph(region_map, _gradient(channels[:3])), cost, join)
    return tree, pixels / pixels.sum(), np.asarray(look[:regions], dtype=np.float32)


Look = tuple[float, float, float, float, float]


def _looks(rows: NDArray[np.float64]) -> list[Look]:
    return [(a, b, c, d, e) for a, b, c, d, e in rows.tolist()]


def node_mass(
    tree: MergeTree, areas: NDArray[np.float64], preference: NDArray[np.float64] = PREFERENCE
) -> NDArray[np.float64]:
    """C of every node, (2 R - 1,) float64, from a fitted preference."""
    score = node_features(tree, areas) @ preference
    return _over_ancestors(tree, np.exp(score - score.max()))


def node_features(tree: MergeTree, areas: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2 R - 1, 8) float64: what can be said of every node without knowing the click.

    The logarithm of its life in the hierarchy, the heights of its birth and end, the logarithm of its end, its life
    relative to its end, the logarithm of its share of the image and the square of that, and whether it is the image.
    """
    leaves = tree.leaves
    end = np.full(2 * leaves - 1, tree.heights[-1] * 1.2 if leaves > 1 else 1.0)
    for step, pair in enumerate(tree.children):
        end[pair] = tree.heights[step]
    birth = np.concatenate([np.zeros(leaves), tree.heights])
    share = np.log(node_sums(tree, areas))
    root = np.zeros(2 * leaves - 1)
    root[-1] = 1
    return np.stack(
        [
            np.log(end - birth + 1e-2),
            birth,
            end,
            np.log(end + 1e-3),
            (end - birth) / (end + 1e-3),
            share,
            share**2,
            root,
        ],
        axis=1,
    )


def _over_ancestors(tree: MergeTree, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2 R - 1,) float64: for every node the sum of a value over itself and its ancestors."""
    sums = values.copy()
    for step in range(len(tree.children) - 1, -1, -1):
        sums[tree.children[step]] += sums[tree.leaves + step]
    return sums


def _channels(image: ImageArray) -> list[NDArray[np.float32]]:
    """CIELAB (L in 0..100) and two scales of texture, weighted to count about the same."""
    import cv2

    lab = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    light = lab[..., 0]
    texture = []
    for sigma in (1, 3):
        detail = np.abs(light - cv2.GaussianBlur(light, (0, 0), sigma))
        texture.append(5 * np.log1p(cv2.GaussianBlur(detail, (0, 0), 2 * sigma)))
    return [light, lab[..., 1], lab[..., 2], *texture]


def _gradient(lab: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    """(h, w) float32: the length of the colour gradient, mean over three scales, each normalised for its blur."""
    import cv2

    colour = np.stack(lab, axis=2)
    strength = np.zeros(colour.shape[:2], dtype=np.float32)
    for sigma in (1, 2, 4):
        blurred = cv2.GaussianBlur(colour, (0, 0), sigma)
        across = cv2.Sobel(blurred, cv2.CV_32F, 1, 0, ksize=3)
        down = cv2.Sobel(blurred, cv2.CV_32F, 0, 1, ksize=3)
        squared = across * across + down * down
        strength += np.sqrt(squared[..., 0] + squared[..., 1] + squared[..., 2]) * (sigma / 8)
    return np.asarray(strength / 3, dtype=np.float32)
