"""Does every click make the mask better? `python -m benchmarks.corrections SEGMENTOR … [--clicker random]`.

Every click lies in the middle of the largest error, as in RITM's evaluation, or anywhere in what is wrong; no try stops
before its last click, so that the curve is of the same masks throughout. Held-out photographs; keeps `summary.json` of
each set in benchmarks/corrections and prints mean IoU by click, clicks to IoU .85, .9 and .95, and how many corrections
did harm.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any, get_args

from benchmarks.sets import ROOT, SETS, Set
from tamis.datasets import open_dataset
from tamis.evaluation.rules import Clicker, Rules
from tamis.evaluation.run import run_evaluation

KEPT = ROOT / "benchmarks" / "corrections"
SHOWN = (1, 2, 3, 5, 10, 20)
FOLDERS = ("duts", "davis", "coco_mval", "weizmann_horses", "feral_cats", "dsb2018", "berkeley", "bsds500")


IMAGES = 20
COUNTS = {"bsds500": 2, "dsb2018": 3, "feral_cats": 6, "berkeley": 83}
"""Photographs of sets that have many masks in each, since a closer look costs a third of a second a click; and all of
the benchmark that others report."""


def measure(segmentor: str, place: Set, data: Path, clicker: Clicker, clicks: int, images: int) -> dict[str, Any]:
    """The summary of one set."""
    dataset = open_dataset(place.dataset, data / place.folder, place.split)
    rules = Rules(clicker, clicks=clicks, repeats=1)
    with tempfile.TemporaryDirectory() as out:
        for _ in run_evaluation(segmentor, dataset, rules, Path(out), limit=images):
            pass
        summary: dict[str, Any] = json.loads((Path(out) / "summary.json").read_text())
        return summary


def section() -> list[str]:
    """The part of docs/results.md, from the summaries that are kept."""
    lines = [
        "",
        "## Several clicks",
        "",
        "Every click in the middle of the largest error (`center`), as in RITM's evaluation, or anywhere in what is",
        "wrong (`random`), on the first 20 images of each set (bsds500 2, dsb2018 3, feral_cats 6, which have many",
        "masks in each, and all of berkeley); no try stops early. mIoU after so many clicks, mean number of clicks to",
        "IoU .85 and .90 (20 where it is never reached), and the share of corrections that lower the IoU by more than",
        ".05 and .3. `python -m benchmarks.corrections`.",
        "",
        "| segmentor | set | clicks | masks | 1 | 2 | 3 | 5 | 10 | 20 | NoC@85 | NoC@90 | worse by .05 | by .3 |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for file in sorted(KEPT.glob("*/*.json")):
        told = json.loads(file.read_text(encoding="utf-8"))
        shown = [f"{told['miou'][count - 1]:.3f}" if count <= len(told["miou"]) else "–" for count in SHOWN]
        reached = [f"{told[f'noc{target}']:.2f}" for target in (85, 90)]
        harm = [f"{100 * told['worse_by_05']:.1f} %", f"{100 * told['worse_by_30']:.2f} %"]
        place, clicker = file.stem.replace("_", " "), told["rules"]["clicker"]
        cells = [file.parent.name, place.removesuffix(" random"), clicker, str(told["masks"]), *shown, *reached, *harm]
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, ""]


def row(name: str, summary: dict[str, Any]) -> str:
    """One line of the table."""
    curve = " ".join(f"{iou:.3f}" for iou in summary["miou"])
    reached = " ".join(f"{summary[f'noc{target}']:.2f}" for target in (85, 90, 95))
    harm = f"{100 * summary['worse_by_05']:.1f} % {100 * summary['worse_by_30']:.2f} %"
    return f"{name:24}{summary['masks']:5} masks  {curve}  NoC {reached}  worse by .05 .3: {harm}"


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.corrections", description=__doc__)
    parser.add_argument("segmentors", nargs="+", metavar="SEGMENTOR")
    parser.add_argument("--only", metavar="FOLDER", help="one of them")
    parser.add_argument("--clicker", choices=get_args(Clicker), default="center", help="where clicks fall")
    parser.add_argument("--clicks", type=int, default=20)
    parser.add_argument("--images", type=int, metavar="N", help=f"the first N of each set; {IMAGES}, or as in COUNTS")
    given = parser.parse_args()
    if not os.environ.get("TAMIS_DATA"):
        sys.exit("set TAMIS_DATA to the folder that holds the datasets")
    for segmentor in given.segmentors:
        for place in (each for each in SETS if each.folder in FOLDERS and given.only in (None, each.folder)):
            images = given.images or COUNTS.get(place.folder, IMAGES)
            data = Path(os.environ["TAMIS_DATA"])
            summary = measure(segmentor, place, data, given.clicker, given.clicks, images)
            name = place.name if given.clicker == "center" else f"{place.name} {given.clicker}"
            path = KEPT / segmentor / f"{name.replace(' ', '_').replace('/', '-')}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(summary, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
            print(row(f"{segmentor} {place.name}", summary), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
