"""Superpixels on BSDS500: `python -m benchmarks.superpixels [SEGMENTOR …] [--images N]`.

Boundary recall (2 pixels) and achievable segmentation accuracy against the number of superpixels, mean over the
annotators of N test images evenly spaced; keeps the figures in benchmarks/superpixels.json, from which
`python -m benchmarks.pages` writes their part of docs/results.md.
"""

import argparse
import json
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.pictures import write_picture
from benchmarks.sets import PICTURES, ROOT, spaced
from tamis.arrays import ImageArray
from tamis.datasets import open_dataset
from tamis.partition.linkage import linked_levels
from tamis.partition.nested import partition
from tamis.proposals.refine import certain_pieces, pieces_of_the_segmentor
from tamis.regions.superpixels import (
    Superpixels,
    achievable_accuracy,
    boundary_recall,
    felzenszwalb,
    from_labels,
    slic,
)
from tamis.render.chart import curves
from tamis.segmentors import EncodedImage, load_segmentor

KEPT = ROOT / "benchmarks" / "superpixels.json"
CURVES = (
    (PICTURES / "superpixel-recall.svg", "boundary recall", (0.5, 1.0)),
    (PICTURES / "superpixel-accuracy.svg", "achievable accuracy", (0.85, 1.0)),
)
COUNTS = (100, 200, 400, 800)
SCALES = (20, 50, 100, 300)


def classics() -> dict[str, Callable[[ImageArray], Superpixels]]:
    """What knows nothing of clicks."""
    by_count = {f"SLIC {count}": partial(slic, pieces=count) for count in COUNTS}
    by_scale = {f"felzenszwalb, scale {scale}": partial(felzenszwalb, scale=scale) for scale in SCALES}
    return {**by_count, **by_scale}


def of_segmentor(encoded: EncodedImage, image: ImageArray) -> dict[str, Superpixels]:
    """What comes of a segmentor: its regions, those of its certainty, and its partitions into fewer."""
    found = partition(encoded, image, linked_levels)
    parts = {f"partition into {count}": from_labels(found.labels(min(count, len(found.levels)))) for count in COUNTS}
    own = pieces_of_the_segmentor(encoded, image)
    return {"own regions": own, "largest certainty, 24 × 24 clicks": certain_pieces(encoded, image), **parts}


def measure(segmentors: list[str], data: Path, images: int) -> dict[str, Any]:
    """Mean number of superpixels, recall and accuracy by name."""
    dataset = spaced(open_dataset("bsds500", data / "bsds500", "test"), images)
    models = {name: load_segmentor(name) for name in segmentors}
    gathered: dict[str, list[tuple[float, float, float]]] = {}
    for sample in dataset.samples:
        image = sample.image()
        truths: dict[str, np.ndarray[Any, np.dtype[np.int64]]] = {}
        for target in sample.targets():
            annotator, region = target.id.split("/")
            truths.setdefault(annotator, np.zeros(image.shape[:2], np.int64))[target.mask] = int(region)
        made = {name: make(image) for name, make in classics().items()}
        for name, model in models.items():
            made |= {f"{name}: {kind}": each for kind, each in of_segmentor(model.encode(image), image).items()}
        for name, pieces in made.items():
            recall = np.mean([boundary_recall(pieces, truth) for truth in truths.values()])
            accuracy = np.mean([achievable_accuracy(pieces, truth) for truth in truths.values()])
            gathered.setdefault(name, []).append((len(pieces), float(recall), float(accuracy)))
    means = {name: np.mean(values, axis=0).round(4).tolist() for name, values in gathered.items()}
    return {"images": len(dataset.samples), "means": means}


def section() -> list[str]:
    """The part of docs/results.md, in lines; empty where nothing has been measured."""
    if not KEPT.exists():
        return []
    kept = json.loads(KEPT.read_bytes())
    rows = sorted(kept["means"].items(), key=lambda entry: entry[1][0])
    lines = [f"| {name} | {count:.0f} | {recall:.3f} | {asa:.3f} |" for name, (count, recall, asa) in rows]
    head = _HEAD.format(images=kept["images"])
    pictures = [f"![{what} against the number of superpixels](images/{file.name})" for file, what, _ in CURVES]
    return [
        head,
        *pictures,
        "",
        "| | superpixels | boundary recall | achievable accuracy |",
        "|---|---|---|---|",
        *lines,
        "",
    ]


def write_curves(means: Mapping[str, Sequence[float]]) -> None:
    """Draw both figures against the number of superpixels, a line for each way to make few or many."""
    lines: dict[str, list[Sequence[float]]] = {}
    for name, row in means.items():
        lines.setdefault(re.sub(r"(, scale| into)? \d+$|, 24 × 24 clicks$", "", name), []).append(row)
    for column, (file, what, y_range) in enumerate(CURVES, 1):
        points = {name: sorted((row[0], row[column]) for row in rows) for name, rows in lines.items()}
        write_picture(file, curves(points, "superpixels", what, y_range))


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.superpixels", description=__doc__)
    parser.add_argument("segmentors", nargs="*", metavar="SEGMENTOR")
    parser.add_argument("--images", type=int, default=20, metavar="N")
    arguments = parser.parse_args()
    if arguments.segmentors:
        if not os.environ.get("TAMIS_DATA"):
            sys.exit("set TAMIS_DATA to the folder that holds the datasets")
        found = measure(arguments.segmentors, Path(os.environ["TAMIS_DATA"]), arguments.images)
        KEPT.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        write_curves(found["means"])
    return 0


_HEAD = """## Superpixels

Generated from `benchmarks/superpixels.json` by `python -m benchmarks.superpixels`.

Boundary recall within 2 pixels and achievable segmentation accuracy, mean over the annotators of {images} images evenly
spaced over bsds500 test; from few superpixels to many.
"""

if __name__ == "__main__":
    sys.exit(main())
