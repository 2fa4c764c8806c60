"""Which losses stage B should minimise: each combination trained for the same number of steps from the same start.

    python -m benchmarks.losses --data NAME=ROOT [--data ...] --pixels runs/a/best.pt --steps 300 --out runs/losses

Photographs are prepared once. Every combination starts from the same random weights and sees the same clicks; what is
told is mIoU@1 on held-out photographs (`training/validate.py`). A combination that is finished is not run again.
"""

import argparse
import csv
import json
from dataclasses import replace
from pathlib import Path

import torch

from tamis.training.examples import Example
from tamis.training.loop import LoopOptions, train
from tamis.training.portions import OTHERS_BY_REGION, REGION_SHARES, for_regions, some
from tamis.training.recipe import RunConfig, load_data, prepare_examples, stage_a
from tamis.training.region_losses import DEFAULT_TERMS, Terms
from tamis.training.regions import RegionOptions, RegionTask
from tamis.training.sources import parse_source

TEACHER = "hierarchy"
"""The only teacher that is always at hand; it shows what distillation does, not what a good teacher would give."""

COMBINATIONS: dict[str, Terms] = {
    "bce": (("bce", 1.0),),
    "2 iou": (("iou", 2.0),),
    "bce + 2 iou": DEFAULT_TERMS,
    "bce + ½ own + 2 iou": (*DEFAULT_TERMS, ("own", 0.5)),
    "bce + lovasz": (("bce", 1.0), ("lovasz", 1.0)),
    "focal": (("focal", 1.0),),
    "focal + 2 iou": (("focal", 1.0), ("iou", 2.0)),
    "bce + 2 iou + level": (*DEFAULT_TERMS, ("level", 1.0)),
}


def main() -> None:
    """Train, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.losses", description=__doc__)
    parser.add_argument("--data", action="append", required=True, metavar="NAME=ROOT")
    parser.add_argument("--pixels", type=Path, help="weights of stage A, instead of those of the model in the box")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--most", type=int, default=1000, help="photographs of each set, evenly spread")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()

    torch.set_num_threads(given.threads)
    sources = tuple(parse_source(text) for text in given.data)
    config = RunConfig(out=given.out, sources=sources, teacher=TEACHER, pixel_weights=given.pixels)
    data, device = load_data(config, for_regions), torch.device("cpu")
    few = {name: list(some(photographs, given.most)) for name, photographs in data.training.items()}
    data = replace(data, training=few)
    pixels = stage_a(config, device)
    taught = prepare_examples(data, pixels, config)
    plain = [Example(each.dataset, each.summary, each.annotations) for each in taught]
    runs = {name: (terms, plain) for name, terms in COMBINATIONS.items()}
    runs[f"bce + 2 iou + {TEACHER} as teacher"] = (DEFAULT_TERMS, taught)

    rows = {}
    for place, (name, (terms, examples)) in enumerate(runs.items()):
        folder = given.out / f"{place}"
        if not (folder / "best.pt").exists():
            torch.manual_seed(0)
            shares = {each.dataset: REGION_SHARES.get(each.dataset, OTHERS_BY_REGION) for each in examples}
            task = RegionTask(examples, shares, data.validation, pixels, RegionOptions(terms=terms), device)
            options = LoopOptions(steps=given.steps, lr=1.2e-3, warmup=30, average=0.99, validate_minutes=1e6)
            train(task, options, folder, {"losses": name}, resume=(folder / "last.pt").exists())
        with (folder / "validation.csv").open(newline="") as stream:
            rows[name] = list(csv.DictReader(stream))[-1]
        print(f"{name}: {rows[name]['miou']}", flush=True)
    (given.out / "losses.json").write_text(json.dumps(rows, indent=2) + "\n")
    sets = [key for key in next(iter(rows.values())) if key not in ("step", "seconds", "miou")]
    print(f"\n| losses | mean | {' | '.join(sets)} |\n| --- |{' --- |' * (len(sets) + 1)}")
    for name, row in rows.items():
        print(f"| {name} | {row['miou']} | {' | '.join(row[key] for key in sets)} |")


if __name__ == "__main__":
    main()
