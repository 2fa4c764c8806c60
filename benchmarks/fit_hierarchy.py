"""Fit the eight numbers of the segmentor `hierarchy` on BSDS500 train: `python -m benchmarks.fit_hierarchy`.

A click on a segment of an annotator gives a path of nodes from leaf to root, each with an IoU with that segment. The
numbers maximise the mean IoU of a node drawn from the softmax of the scores on that path, by gradient ascent. Prints
the constant to paste and, on the train images, the mean IoU drawn and the best that a node could do.
"""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import tamis
from tamis.regions.colour_tree import node_features
from tamis.regions.tree import node_sums
from tamis.segmentors.classical.hierarchy import build_tree

CLICKS_PER_SEGMENT = 1
MIN_AREA = 256
SEED = 0


@dataclass(frozen=True)
class Paths:
    """Nodes from leaf to root, of all clicks one after the other."""

    features: NDArray[np.float64]  # (P, 8)
    iou: NDArray[np.float64]  # (P,)
    starts: NDArray[np.int64]  # (clicks,) where each path begins


def collect(images: list[Path], segments: Path, rng: np.random.Generator) -> Paths:
    """One random click in every segment of every annotator."""
    features, ious, lengths = [], [], []
    for path in images:
        image = tamis.read_image(path)
        region_map, tree, areas, _ = build_tree(image)
        if region_map.shape != image.shape[:2]:
            sys.exit(f"{path}: larger than the working size; BSDS500 is expected")
        node_feature, pixels = node_features(tree, areas), node_sums(tree, areas) * region_map.size
        parent = np.full(2 * tree.leaves - 1, -1)
        for step, pair in enumerate(tree.children):
            parent[pair] = tree.leaves + step
        for annotation in sorted(segments.glob(f"{path.stem}_*.png")):
            labels = _labels(annotation)
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


def fit(paths: Paths, steps: int = 500, rate: float = 0.1) -> tuple[NDArray[np.float64], float]:
    """Maximise the expected IoU by Adam on standardised features; returns the numbers for raw ones, and that IoU."""
    spread = paths.features.std(axis=0)
    standard = (paths.features - paths.features.mean(axis=0)) / spread
    click = np.repeat(np.arange(len(paths.starts)), np.diff(np.append(paths.starts, len(paths.iou))))
    numbers, first, second, expected = np.zeros(8), np.zeros(8), np.zeros(8), np.zeros(0)
    for step in range(1, steps + 1):
        score = standard @ numbers
        weight = np.exp(score - np.maximum.reduceat(score, paths.starts)[click])
        weight /= np.add.reduceat(weight, paths.starts)[click]
        expected = np.add.reduceat(weight * paths.iou, paths.starts)
        gradient = (standard * (weight * (paths.iou - expected[click]))[:, None]).sum(axis=0) / len(expected)
        first, second = 0.9 * first + 0.1 * gradient, 0.99 * second + 0.01 * gradient**2
        numbers = numbers + rate * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.99**step)) + 1e-8)
    return numbers / spread, float(expected.mean())


def _labels(path: Path) -> NDArray[np.int64]:
    from PIL import Image

    with Image.open(path) as file:
        return np.asarray(file, dtype=np.int64)


def main() -> None:
    """Collect, fit and print."""
    root = Path(os.environ.get("TAMIS_DATA", "")) / "bsds500"
    if not root.is_dir():
        sys.exit("set TAMIS_DATA to the folder that holds bsds500")
    images = sorted((root / "images" / "train").glob("*.jpg"))
    paths = collect(images, root / "segments" / "train", np.random.default_rng(SEED))
    numbers, expected = fit(paths)
    best = float(np.maximum.reduceat(paths.iou, paths.starts).mean())
    print(f"{len(images)} images, {len(paths.starts)} clicks: expected IoU {expected:.4f}, best node {best:.4f}")
    print("PREFERENCE = np.array([" + ", ".join(f"{number:.4g}" for number in numbers) + "])")


if __name__ == "__main__":
    main()
