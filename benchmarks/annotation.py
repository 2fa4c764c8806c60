"""What does the assistant save? `python -m benchmarks.annotation [--model NAME] [--only FOLDER] [--seeds N]`.

Datasets as one concept each, annotated by somebody simulated until IoU .9 (`tamis simulate`). Keeps the figures of each
in benchmarks/annotation and prints minutes, clicks an image and clicks an image from the 18th on. Images of the
parts that the model was never trained on, as far as a set has enough of them.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.sets import ROOT, Set
from tamis.annotation.simulate.run import Settings, simulate
from tamis.datasets import open_dataset
from tamis.segmentors import load_segmentor

KEPT = ROOT / "benchmarks" / "annotation"

CONCEPTS = (
    Set("weizmann-horses", "weizmann_horses", "val10"),
    Set("leeds-butterflies", "leeds_butterflies", "val10"),
    Set("duts", "duts", "val10"),
    Set("dsb2018", "dsb2018", "val10"),
    Set("cwfid", "cwfid", "val10"),
    Set("crackforest", "crackforest", "val10"),
    Set("davis", "davis", "2016/dev"),
)
MOST = 45
"""Images of a set."""

POLICIES = ("scratch", "propagate", "retrained", "assistant", "assistant-easy", "assistant-uncertain")


def row(name: str, told: Mapping[str, Any]) -> str:
    """One line for a set."""
    cells = []
    for policy, each in told["policies"].items():
        warm = "" if each["clicks_warm"] is None else f", {each['clicks_warm']:.2f} from the 18th"
        cells.append(f"{policy} {each['seconds'] / 60:.1f} min, {each['clicks']:.2f} clicks{warm}")
    return f"{name} ({told['images']} images): " + "; ".join(cells)


def section() -> list[str]:
    """The table of docs/simulate.md, from the summaries that are kept."""
    lines = [
        "| set | images | policy | minutes | of scratch | clicks an image | from the 18th | accepted | drawn | IoU |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for file in sorted(KEPT.glob("*.json")):
        told = json.loads(file.read_text(encoding="utf-8"))
        base = told["policies"]["scratch"]["seconds"]
        for policy, each in told["policies"].items():
            warm = "–" if each["clicks_warm"] is None else f"{each['clicks_warm']:.2f}"
            cells = (
                file.stem,
                str(told["images"]),
                policy,
                f"{each['seconds'] / 60:.1f}",
                f"{100 * each['seconds'] / base:.0f} %",
                f"{each['clicks']:.2f}",
                warm,
                f"{100 * each['accepted']:.0f} %",
                f"{100 * each['drawn']:.0f} %",
                f"{each['iou']:.3f}",
            )
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.annotation", description=__doc__)
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--only", metavar="FOLDER", help="one of them")
    parser.add_argument("--seeds", type=int, default=1)
    given = parser.parse_args()
    if not os.environ.get("TAMIS_DATA"):
        sys.exit("set TAMIS_DATA to the folder that holds the datasets")
    KEPT.mkdir(parents=True, exist_ok=True)
    for place in (each for each in CONCEPTS if given.only in (None, each.folder)):
        dataset = open_dataset(place.dataset, Path(os.environ["TAMIS_DATA"]) / place.folder, place.split)
        with tempfile.TemporaryDirectory() as out:
            settings = Settings(POLICIES, seeds=given.seeds)
            for _ in simulate(load_segmentor(given.model), dataset, settings, Path(out), limit=MOST):
                pass
            text = (Path(out) / "simulation.json").read_text(encoding="utf-8")
        (KEPT / f"{place.folder}.json").write_text(text, encoding="utf-8")
        print(row(place.folder, json.loads(text)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
