"""Borders of the model in the box on BSDS500 test: `python -m benchmarks.boundaries [--images N] [--workers N]`.

F with one threshold for all images (ODS) and with the best of each (OIS), by the rules of the benchmark. Published on
the 200 photographs of the official test: PiDiNet-tiny .787, SAM's edges .768, people .80; here are the 100 at hand.
"""

import argparse
import json
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from rich.progress import track

from benchmarks.sets import ROOT
from tamis.evaluation.boundaries import BorderCounts, best_f, border_counts, drawn_borders
from tamis.segmentors import load_segmentor, weights_of
from tamis.segmentors.embedded.model import Embedded
from tamis.training.photographs import read_photographs

KEPT = ROOT / "benchmarks" / "boundaries.json"


def counts_of(image: np.ndarray, maps: tuple[np.ndarray, ...]) -> BorderCounts:
    """What is found in an image (H, W, 3), at its original size."""
    return border_counts(Embedded().edges(image), [drawn_borders(labels) for labels in maps])


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.boundaries", description=__doc__)
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    if not os.environ.get("TAMIS_DATA"):
        sys.exit("set TAMIS_DATA to the folder that holds the datasets")
    root = Path(os.environ["TAMIS_DATA"]) / "bsds500"
    photographs = list(read_photographs("bsds500", root, "held-out", 0))
    chosen = photographs[:: max(1, len(photographs) // given.images)]
    with ProcessPoolExecutor(given.workers, get_context("spawn")) as pool:
        done = pool.map(counts_of, [each.image for each in chosen], [each.maps for each in chosen])
        counts = list(track(done, "borders", total=len(chosen)))
    ods, ois = best_f(counts)
    result = {
        "images": len(counts),
        "ods": round(ods, 4),
        "ois": round(ois, 4),
        "weights": weights_of(load_segmentor()),
    }
    KEPT.write_text(json.dumps(result, indent=1) + "\n")
    print(result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
