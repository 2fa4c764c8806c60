"""Semantic segmentation of CamVid: `python -m benchmarks.camvid [RUN …]`.

Keeps what `tamis semantic train` and `tamis semantic evaluate RUN/best.pt --split test` left in folders of runs, one
for each recipe, in benchmarks/camvid with curves and a picture, from which `python -m benchmarks.pages` writes its part
of docs/results.md.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np

from benchmarks.pictures import write_picture
from benchmarks.sets import PICTURES, ROOT
from tamis.image import read_image, write_image
from tamis.render.chart import curves
from tamis.training.tables import read_rows

KEPT = ROOT / "benchmarks" / "camvid"
CHART = PICTURES / "camvid-curves.svg"
SHEET = PICTURES / "camvid.jpg"
RECIPES = {"small": "from scratch", "small-embedded": "from the shipped encoder"}
"""In the order of the columns, with what they begin from."""


def keep(run: Path) -> None:
    """Keep the figures of a run and of its evaluation on the test split."""
    result = json.loads((run / "best-test" / "semantic.json").read_bytes())
    if result["model"] not in RECIPES or not result["dataset"].startswith("camvid test"):
        sys.exit(
            f"{run}: is of {result['model']} on {result['dataset']}, not one of {', '.join(RECIPES)} on camvid test"
        )
    losses = [{name: row[name] for name in ("step", "seconds", "loss")} for row in read_rows(run / "metrics.csv")]
    kept = {
        "result": {name: result[name] for name in ("model", "images", "miou", "macc", "aacc", "classes")},
        "run": {name: result["run"][name] for name in ("version", "weights_sha256", "dataset_fingerprint")},
        "steps_of_best": result["iterations"],
        "training": losses,
        "validation": read_rows(run / "validation.csv"),
        "environment": json.loads((run / "best-test" / "run.json").read_bytes())["environment"],
    }
    KEPT.mkdir(exist_ok=True)
    (KEPT / f"{result['model']}.json").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def kept_runs() -> dict[str, dict[str, Any]]:
    """What is kept, by recipe."""
    files = {name: KEPT / f"{name}.json" for name in RECIPES}
    return {name: json.loads(file.read_bytes()) for name, file in files.items() if file.exists()}


def section() -> list[str]:
    """The part of docs/results.md about CamVid; empty where nothing has been measured."""
    runs = kept_runs()
    if not runs:
        return []
    one = next(iter(runs.values()))
    minutes = {name: run["training"][-1]["seconds"] / 60 for name, run in runs.items()}
    spent = " and ".join(f"{each:.0f}" for each in minutes.values())
    steps = int(one["training"][-1]["step"])
    classes = list(one["result"]["classes"])
    never = [name for name in classes if not any(run["result"]["classes"][name]["iou"] for run in runs.values())]
    said = (
        f"CamVid (SegNet's split, 11 classes, 480 × 360): IoU in percent on the {one['result']['images']} images of "
        "the test split, by `tamis semantic train` with the recipes `small` and `small-embedded`: the same network, "
        "whose encoder learns at a quarter of the rate where it begins from its weights, "
        f"{steps} steps of 8 crops, {spent} minutes on one core that other work shared. The weights are those with the "
        "best mIoU on the validation split. The shipped encoder has seen CamVid: the images of `train` and `val` were "
        "among the photographs that it was trained on, without the names of classes; those of `test` were not."
    )
    if never:
        said += f" So few steps do not find the rarest classes at all: {', '.join(never)}."
    said += (
        " For orientation: ICNet, 26.7 million parameters, learned from scratch to the end at twice that resolution, "
        "is published with 69.5 on the validation split (Open Model Zoo, icnet-camvid-ava-0001)."
    )
    lines = [
        "",
        "## A class for every pixel",
        "",
        "Generated from `benchmarks/camvid/*.json` by `python -m benchmarks.camvid`.",
        "",
        *fill(said, 120, break_on_hyphens=False).split("\n"),
        "",
        "| | " + " | ".join(RECIPES[name] for name in runs) + " |",
        "|---|" + "---:|" * len(runs),
    ]
    for name in classes:
        lines.append(
            f"| {name} | " + " | ".join(_percent(run["result"]["classes"][name]["iou"]) for run in runs.values()) + " |"
        )
    for key, said in (("miou", "mIoU"), ("macc", "mAcc"), ("aacc", "aAcc")):
        lines.append(
            f"| **{said}** | " + " | ".join(f"**{_percent(run['result'][key])}**" for run in runs.values()) + " |"
        )
    lines += ["", "![Loss and mIoU over the steps](images/camvid-curves.svg)", ""]
    columns = ", ".join(["the image", "its labels", *(RECIPES[name] for name in runs)])
    lines += [f"![{columns}](images/camvid.jpg)", "", f"Test images: {columns}.", ""]
    return lines


def write_curves() -> None:
    """Write the chart: training loss, and mIoU on the validation split."""
    lines = {}
    for name, run in kept_runs().items():
        lines[f"loss, {name}"] = [(row["step"], row["loss"]) for row in run["training"]]
        lines[f"mIoU, {name}"] = [(row["step"], row["miou"]) for row in run["validation"]]
    highest = max(y for points in lines.values() for _, y in points)
    write_picture(CHART, curves(lines, "step", "loss, mIoU on val", (0.0, highest)))


def write_sheet(runs: Sequence[Path]) -> None:
    """Write a picture of some test images: the image, its labels, and what each run says."""
    sheets = [read_image(run / "best-test" / "predictions.jpg") for run in runs]
    width = sheets[0].shape[1] // 3
    write_image(SHEET, np.concatenate([sheets[0], *(sheet[:, 2 * width :] for sheet in sheets[1:])], axis=1))


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f}"


def main() -> int:
    """Keep runs, write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="*", type=Path, help="folders of runs, each with best-test/ inside")
    runs = parser.parse_args().runs
    for run in runs:
        keep(run)
    if runs:
        write_curves()
        write_sheet(runs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
