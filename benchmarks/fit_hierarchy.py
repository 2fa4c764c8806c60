"""Fit eight numbers on BSDS500: `python -m benchmarks.fit_hierarchy colours` or `edges`.

They say which node of a tree a click means: of the tree of colours on BSDS500 train, for the segmentor `hierarchy`; of
the tree of edges on the photographs that the model in the box was trained on, lying on their side as it has not seen
them, and on its validation besides, where they are only looked at.

A click on a segment of an annotator gives a path of nodes from leaf to root, each with an IoU with that segment. The
numbers maximise the mean IoU of a node drawn from the softmax of the scores on that path, by gradient ascent. Prints
the constant to paste, the mean IoU drawn, that of the answer at one half, and the best that a node could do.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ImageArray
from tamis.datasets import Sample
from tamis.regions.colour_tree import node_features
from tamis.regions.edge_tree import edge_tree
from tamis.regions.oversegmentation import small_regions
from tamis.regions.tree import MergeTree, node_sums
from tamis.segmentors.classical.hierarchy import build_tree
from tamis.segmentors.embedded.pixel_network import pixel_maps
from tamis.segmentors.embedded.sizes import at_working_size
from tamis.training.photographs import Photograph, read_photographs

CLICKS_PER_SEGMENT = 1
MIN_AREA = 150
"""Of a segment, in pixels at the size that the tree is made at."""
SEED = 0

Built = tuple[NDArray[np.uint16], MergeTree, NDArray[np.float64]]
"""Regions (h, w), their tree, and their shares of the image."""


@dataclass(frozen=True)
class Paths:
    """Nodes from leaf to root, of all clicks one after the other."""

    features: NDArray[np.float64]  # (P, 8)
    iou: NDArray[np.float64]  # (P,)
    starts: NDArray[np.int64]  # (clicks,) where each path begins


def of_colours(image: ImageArray) -> Built:
    """As `hierarchy` has it."""
    region_map, tree, areas, _ = build_tree(image)
    return region_map, tree, areas


def of_edges(image: ImageArray) -> Built:
    """As the model in the box has it."""
    small = at_working_size(image)
    region_map = small_regions(small)
    return region_map, *edge_tree(region_map, pixel_maps(small).edges)


def collect(photographs: Iterable[Photograph], build: Callable[[ImageArray], Built], rng: np.random.Generator) -> Paths:
    """One random click in every segment of every annotator."""
    features, ious, lengths = [], [], []
    for photograph in photographs:
        region_map, tree, areas = build(photograph.image)
        node_feature, pixels = node_features(tree, areas), node_sums(tree, areas) * region_map.size
        parent = np.full(2 * tree.leaves - 1, -1)
        for step, pair in enumerate(tree.children):
            parent[pair] = tree.leaves + step
        for drawn in photograph.maps:
            labels = cv2.resize(drawn, region_map.shape[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
            for label in np.unique(labels):
                inside = np.flatnonzero(labels == label)
                if inside.size < MIN_AREA:
                    continue
                overlap = node_sums(tree, np.bincount(region_map.ravel()[inside], minlength=tree.leaves).astype(float))
                for pixel in rng.choice(inside, CLICKS_PER_SEGMENT):
                    nodes = [int(region_map.ravel()[pixel])]
                    while parent[nodes[-1]] >= 0:
                        nodes.append(int(parent[nodes[-1]]))
                    features.append(node_feature[nodes])
                    ious.append(overlap[nodes] / (pixels[nodes] + inside.size - overlap[nodes]))
                    lengths.append(len(nodes))
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    return Paths(np.concatenate(features), np.concatenate(ious), starts)


def fit(paths: Paths, steps: int = 500, rate: float = 0.1) -> NDArray[np.float64]:
    """Maximise the expected IoU by Adam on standardised features; returns the numbers for raw ones."""
    spread = paths.features.std(axis=0)
    standard = (paths.features - paths.features.mean(axis=0)) / spread
    click = np.repeat(np.arange(len(paths.starts)), np.diff(np.append(paths.starts, len(paths.iou))))
    numbers, first, second = np.zeros(8), np.zeros(8), np.zeros(8)
    for step in range(1, steps + 1):
        score = standard @ numbers
        weight = np.exp(score - np.maximum.reduceat(score, paths.starts)[click])
        weight /= np.add.reduceat(weight, paths.starts)[click]
        expected = np.add.reduceat(weight * paths.iou, paths.starts)
        gradient = (standard * (weight * (paths.iou - expected[click]))[:, None]).sum(axis=0) / len(expected)
        first, second = 0.9 * first + 0.1 * gradient, 0.99 * second + 0.01 * gradient**2
        numbers = numbers + rate * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.99**step)) + 1e-8)
    return np.asarray(numbers / spread, np.float64)


def report(name: str, paths: Paths, numbers: NDArray[np.float64]) -> None:
    """Print the mean IoU of a drawn node, of the answer at one half, and of the best node."""
    score = paths.features @ numbers
    drawn, halved = [], []
    for first, end in zip(paths.starts, np.append(paths.starts[1:], len(score)), strict=True):
        weight = np.exp(score[first:end] - score[first:end].max())
        around = np.cumsum(weight[::-1])[::-1]
        drawn.append((weight * paths.iou[first:end]).sum() / weight.sum())
        halved.append(paths.iou[first:end][np.flatnonzero(around > 0.5 * around[0])[-1]])
    best = np.maximum.reduceat(paths.iou, paths.starts).mean()
    print(f"{name}: {len(drawn)} clicks, IoU drawn {np.mean(drawn):.4f}, at ½ {np.mean(halved):.4f}, best {best:.4f}")


def lying(photographs: Iterable[Photograph]) -> Iterable[Photograph]:
    """Photographs turned by a right angle."""
    for each in photographs:
        maps = tuple(np.ascontiguousarray(np.rot90(labels)) for labels in each.maps)
        yield Photograph(each.dataset, each.name, each.kind, np.ascontiguousarray(np.rot90(each.image)), maps)


def of_train(samples: Iterable[Sample]) -> list[Sample]:
    """Those of BSDS500's own training split."""
    return [sample for sample in samples if sample.image_path.parent.name == "train"]


def main() -> None:
    """Collect, fit and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fit_hierarchy", description=__doc__)
    parser.add_argument("tree", choices=["colours", "edges"])
    given = parser.parse_args()
    root = Path(os.environ.get("TAMIS_DATA", "")) / "bsds500"
    if not root.is_dir():
        sys.exit("set TAMIS_DATA to the folder that holds bsds500")
    rng = np.random.default_rng(SEED)
    if given.tree == "colours":
        paths = collect(read_photographs("bsds500", root, "training", 0, of_train), of_colours, rng)
        numbers = fit(paths)
    else:
        paths = collect(lying(read_photographs("bsds500", root, "training", 0)), of_edges, rng)
        numbers = fit(paths)
        report("validation", collect(read_photographs("bsds500", root, "validation", 0), of_edges, rng), numbers)
    report("training", paths, numbers)
    print("PREFERENCE = np.array([" + ", ".join(f"{number:.4g}" for number in numbers) + "])")


if __name__ == "__main__":
    main()
