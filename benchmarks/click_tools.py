"""Does a small SegNext learn? `python -m benchmarks.click_tools DATA [--epochs N] [--recipe NAME] [--keep FOLDER]`.

Trains a recipe on the photographs of DUTS in DATA (all but every tenth), and measures mIoU@1 on every tenth before the
first step and after the last epoch: one random click, threshold .5, original resolution. Keeps the numbers in
benchmarks/click_tools.json.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import tamis
from benchmarks.sets import ROOT
from tamis.evaluation.rules import PROTOCOLS
from tamis.results import environment
from tamis.results.files import write_json
from tamis.results.run import file_hash
from tamis.segmentors.plain_vit.weights import save_segnext
from tamis.training.click_tools.epochs import measure, read_table
from tamis.training.click_tools.recipe import find_recipe
from tamis.training.click_tools.trainer import ClickJob, started_network, train_segnext

KEPT = ROOT / "benchmarks" / "click_tools.json"


def main() -> None:
    """Train, measure, keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--recipe", default="small")
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--keep", type=Path)
    given = parser.parse_args()
    recipe = find_recipe(given.recipe, [f"epochs={given.epochs}"] if given.epochs else [])
    held_out = f"duts={given.data / 'duts'}:val10"
    with tempfile.TemporaryDirectory() as temporary:
        out = given.keep or Path(temporary) / "run"
        first = Path(temporary) / "before.pth"
        network, _ = started_network(recipe, None)
        save_segnext(first, network)
        before = measure(first, held_out, given.images, recipe.seed, PROTOCOLS["tamis"])
        print(f"before: mIoU@1 {100 * before.miou:.2f} on {before.masks} masks")
        begun = time.monotonic()
        job = ClickJob(
            recipe,
            [f"duts={given.data / 'duts'}:train90"],
            out,
            None,
            [held_out],
            given.images,
            threads=1,
            device="auto",
        )
        folder = train_segnext(job, print)
        seconds = time.monotonic() - begun
        rows = read_table(out)
        told = {
            "command": "python -m benchmarks.click_tools DATA",
            "version": tamis.__version__,
            "recipe": recipe.record(),
            "data": "duts train90, 9 of 10 photographs",
            "held_out": f"duts val10, the first {before.images} photographs, {before.masks} masks, 3 clicks each",
            "dataset_fingerprint": json.loads((out / "run.json").read_text())["dataset_fingerprint"],
            "seed": recipe.seed,
            "weights_sha256": file_hash(max(folder.glob("*.pth"))),
            "seconds_with_evaluation": round(seconds),
            "miou_before": before.miou,
            "miou_by_epoch": {row.epoch: row.miou for row in rows},
            "environment": environment.facts(),
        }
    write_json(KEPT, told)
    print(f"after epoch {rows[-1].epoch}: mIoU@1 {100 * rows[-1].miou:.2f}; {seconds:.0f} s; kept in {KEPT}")


if __name__ == "__main__":
    main()
