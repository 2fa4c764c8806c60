"""Masks that nobody clicked on: `python -m benchmarks.zero_shot SEGMENTOR … [--images N] [--only FOLDER]`.

Evaluates proposals and partitions by several rules on sets below the folder that TAMIS_DATA names, on N images evenly
spaced over each, and on mosaics of generated textures, and on the same images mIoU@1; keeps the figures in
benchmarks/zero_shot, from which `python -m benchmarks.pages` writes their part of docs/results.md.
"""

import argparse
import hashlib
import json
import math
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.pictures import write_picture
from benchmarks.sets import PICTURES, ROOT, Set, spaced
from benchmarks.sets import SETS as ALL_SETS
from tamis.arrays import ImageArray
from tamis.datasets import open_dataset
from tamis.datasets.protocol import Dataset
from tamis.evaluation.compare import correlation, load_run
from tamis.evaluation.rules import PROTOCOLS
from tamis.evaluation.run import run_evaluation
from tamis.evaluation.zero_shot import ZeroShotRules
from tamis.evaluation.zero_shot_run import run_zero_shot
from tamis.jobs.mosaic import write_mosaics
from tamis.render.chart import curves
from tamis.segmentors import EncodedImage, Segmentor, load_segmentor

KEPT = ROOT / "benchmarks" / "zero_shot"
REAL = ("bsds500", "camvid", "coco_mval", "dsb2018")
HYPERSIM = Set("folder", "hypersim_sample", "")
MOSAICS = Set("folder", "mosaics", "")
SETS = (*(place for place in ALL_SETS if place.folder in REAL), HYPERSIM, MOSAICS)
FOLDERS = tuple(place.folder for place in SETS)
BUDGETS = (1, 5, 10, 20, 50, 100, 200, 1000)
SHOWN = (1, 10, 50, 100, 1000)

THREE, FIVE = (0.3, 0.5, 0.7), (0.2, 0.35, 0.5, 0.65, 0.8)
VARIANTS: Mapping[str, ZeroShotRules] = {
    "mask NMS, by gain": ZeroShotRules(BUDGETS),
    "mask NMS": ZeroShotRules(BUDGETS, order="nms"),
    "no NMS": ZeroShotRules(BUDGETS, nms="none", order="nms"),
    "box NMS": ZeroShotRules(BUDGETS, nms="box", order="nms"),
    "containment NMS": ZeroShotRules(BUDGETS, nms="containment", order="nms"),
    "mask NMS, ranked by stability": ZeroShotRules(BUDGETS, score="stability", order="nms"),
    "mask NMS, ranked by certainty": ZeroShotRules(BUDGETS, score="certainty", order="nms"),
    "mask NMS, 32 × 32 clicks": ZeroShotRules(BUDGETS, grid=32, order="nms"),
    "mask NMS, three level lines": ZeroShotRules(BUDGETS, levels=THREE, order="nms"),
    "mask NMS, three level lines, by gain": ZeroShotRules(BUDGETS, levels=THREE),
    "mask NMS, three level lines, stability": ZeroShotRules(BUDGETS, levels=THREE, score="stability", order="nms"),
    "coverage, five level lines, certainty": ZeroShotRules(
        BUDGETS, levels=FIVE, score="certainty", nms="coverage", order="nms"
    ),
    "mask NMS, unions of felzenszwalb": ZeroShotRules(BUDGETS, refine="felzenszwalb", order="nms"),
    "mask NMS, unions of SLIC": ZeroShotRules(BUDGETS, refine="slic", order="nms"),
    "partition, linkage": ZeroShotRules(BUDGETS, partition="linkage"),
    "partition, spectral": ZeroShotRules(BUDGETS, partition="spectral"),
}
CORRELATED = "mask NMS"
DRAWN: Mapping[str, str] = {
    "mask NMS, by gain": "mask NMS, by gain",
    "mask NMS": "mask NMS",
    "box NMS": "box NMS",
    "no NMS": "no NMS",
    "mask NMS, three level lines, stability": "three level lines",
    "coverage, five level lines, certainty": "coverage, five levels",
    "partition, linkage": "partition",
}


@dataclass
class Remembering:
    """A segmentor that encodes each image once for all rules."""

    inner: Segmentor
    known: dict[str, EncodedImage] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The segmentor's own name."""
        return self.inner.name

    def encode(self, image: ImageArray) -> EncodedImage:
        """The encoding, of this image made before if it was."""
        key = hashlib.sha256(image.tobytes()).hexdigest()
        if key not in self.known:
            self.known[key] = self.inner.encode(image)
        return self.known[key]


def measure_set(name: str, place: Set, data: Path, images: int) -> dict[str, Any]:
    """All rules on one set below `data`, or on as many mosaics of five generated textures, made with seed 0."""
    if place != MOSAICS:
        return measure(name, open_dataset(place.dataset, data / place.folder, place.split or None), images)
    with tempfile.TemporaryDirectory() as folder:
        write_mosaics(Path(folder), load_segmentor("hierarchy"), count=images)
        return measure(name, open_dataset(place.dataset, Path(folder)), images)


def measure(name: str, whole: Dataset, images: int) -> dict[str, Any]:
    """All rules on some images of a set, and how zero-shot and interactive figures of images go together."""
    dataset = spaced(whole, images)
    segmentor = Remembering(load_segmentor(name))
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for variant, rules in VARIANTS.items():
            out = Path(folder) / str(len(found))
            for _ in run_zero_shot(segmentor, dataset, rules, out):
                pass
            summary = json.loads((out / "summary.json").read_bytes())
            found[variant] = {key: summary[key] for key in ("miou", "miou_ci95", "ar", "proposals", "bounds")}
            print(f"{name:12}{whole.root.name:18}{variant:42}", [round(m, 3) for m in summary["miou"]], flush=True)
            if variant == CORRELATED:
                without = load_run(out)
        clicked = Path(folder) / "clicked"
        for _ in run_evaluation(name, dataset, PROTOCOLS["tamis"], clicked):
            pass
        with_clicks = load_run(clicked)
    together = correlation(with_clicks, without)
    return {
        "images": summary["images"],
        "of": len(whole.samples),
        "masks": summary["masks"],
        "budgets": list(BUDGETS),
        "weights": getattr(load_segmentor(name), "weights_sha256", None),
        "miou_at_1": with_clicks.summary["miou"][0],
        "correlation": None
        if together is None
        else {
            "pearson": round(together.pearson, 4),
            "low": round(together.low, 4),
            "high": round(together.high, 4),
            "spearman": round(together.spearman, 4),
        },
        "variants": found,
    }


def section() -> list[str]:
    """The part of docs/results.md, in lines; empty where nothing has been measured."""
    kept = {path.stem: json.loads(path.read_bytes()) for path in sorted(KEPT.glob("*.json"))}
    if not kept:
        return []
    lines = [_HEAD, *_findings([place for places in kept.values() for place in places.values()]), ""]
    for name, places in kept.items():
        lines += [f"### {name}", ""]
        if _curve_of(name).exists():
            lines += [f"![mIoU against the number of masks](images/{_curve_of(name).name})", ""]
        lines += [f"| {' | '.join(['', *(f'{_of(place)}' for place in places.items())])} |"]
        lines += ["|---|" + "---|" * len(places)]
        for variant in VARIANTS:
            cells = [_figures(place["variants"][variant], place["budgets"]) for place in places.values()]
            lines.append(f"| {variant} | {' | '.join(cells)} |")
        bounds = [
            f"{place['variants'][CORRELATED]['bounds']['unions of superpixels']:.3f}" for place in places.values()
        ]
        lines.append(f"| *bound: best union of own regions* | {' | '.join(bounds)} |")
        lines += [
            "",
            "| | mIoU@1, clicks | correlation by image with mIoU of 100 masks | of ranks |",
            "|---|---|---|---|",
        ]
        for place, found in places.items():
            lines.append(f"| {place} | {found['miou_at_1']:.3f} | {_together(found['correlation'])} |")
        lines.append("")
    return lines


def write_curve(name: str, found: Mapping[str, Any]) -> None:
    """Draw what a segmentor reached on the first set against the number of masks."""
    variants = found[SETS[0].name]["variants"]
    lines = {
        label: [(math.log10(k), miou) for k, miou in zip(BUDGETS, variants[rule]["miou"], strict=True)]
        for rule, label in DRAWN.items()
    }
    write_picture(_curve_of(name), curves(lines, "masks, as powers of ten", f"mIoU on {SETS[0].name}", (0.0, 0.8)))


def _curve_of(name: str) -> Path:
    return PICTURES / f"zero-shot-{name}.svg"


def _findings(places: list[Mapping[str, Any]]) -> list[str]:
    """What the tables below say, from the least to the largest difference over segmentors and sets."""
    first, mask, levels = "mask NMS, by gain", "mask NMS", "mask NMS, three level lines, stability"
    stable = "mask NMS, ranked by stability"
    together = [place["correlation"]["pearson"] for place in places if place["correlation"]]

    def gain(better: str, worse: str, budget: int) -> str:
        at = BUDGETS.index(budget)
        gains = [place["variants"][better]["miou"][at] - place["variants"][worse]["miou"][at] for place in places]
        up = sum(value > 0 for value in gains)
        return f"{min(gains):+.3f} to {max(gains):+.3f} at {budget:,} masks, better in {up} of {len(gains)} cases"

    return [
        f"- Image by image, mIoU without a click goes together with mIoU@1: the correlation is {min(together):+.2f} to "
        f"{max(together):+.2f}.",
        f"- In order of gain, not of scores: {gain(first, mask, 5)}; {gain(first, mask, 10)}; "
        f"{gain(first, mask, 100)}.",
        f"- Mask NMS against box NMS: {gain(mask, 'box NMS', 100)}; {gain(mask, 'box NMS', 1000)}.",
        f"- Mask NMS against none: {gain(mask, 'no NMS', 100)}; {gain(mask, 'no NMS', 1000)}.",
        f"- Containment as well: {gain('containment NMS', mask, 100)}.",
        f"- Masks made of felzenszwalb's superpixels: {gain('mask NMS, unions of felzenszwalb', mask, 100)}; of "
        f"SLIC's: {gain('mask NMS, unions of SLIC', mask, 100)}. They are unions of regions already.",
        f"- Ranked by stability in place of the predicted IoU: {gain(stable, mask, 50)}; by certainty: "
        f"{gain('mask NMS, ranked by certainty', mask, 50)}.",
        f"- Three level lines, ranked by stability: {gain(levels, stable, 100)}; {gain(levels, stable, 1000)}.",
        f"- A partition in place of proposals: {gain('partition, linkage', first, 10)}; "
        f"{gain('partition, linkage', first, 100)}.",
    ]


def _of(entry: tuple[str, Any]) -> str:
    place, found = entry
    return f"{place} ({found['images']} of {found['of']} images, {found['masks']} masks)"


def _figures(variant: Mapping[str, Any], budgets: list[int]) -> str:
    return " / ".join(f"{variant['miou'][budgets.index(budget)]:.3f}" for budget in SHOWN)


def _together(found: Mapping[str, float] | None) -> str:
    if found is None:
        return "– | –"
    return f"{found['pearson']:+.2f} ({found['low']:+.2f} to {found['high']:+.2f}) | {found['spearman']:+.2f}"


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.zero_shot", description=__doc__)
    parser.add_argument("segmentors", nargs="+", metavar="SEGMENTOR")
    parser.add_argument("--images", type=int, default=25, metavar="N", help="of each set")
    parser.add_argument("--only", metavar="FOLDER", choices=FOLDERS)
    arguments = parser.parse_args()
    if not os.environ.get("TAMIS_DATA"):
        sys.exit("set TAMIS_DATA to the folder that holds the datasets")
    KEPT.mkdir(exist_ok=True)
    for name in arguments.segmentors:
        path = KEPT / f"{name}.json"
        for place in SETS:
            if arguments.only in (None, place.folder):
                kept = json.loads(path.read_bytes()) if path.exists() else {}
                kept[place.name] = measure_set(name, place, Path(os.environ["TAMIS_DATA"]), arguments.images)
                path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
        write_curve(name, kept)
    return 0


_HEAD = """## Without a click

Generated from `benchmarks/zero_shot/*.json` by `python -m benchmarks.zero_shot`.

mIoU of the best of 1 / 10 / 50 / 100 / 1,000 masks for every true mask, mean over all masks of at least 256 pixels,
by the rules of `tamis evaluate zero-shot`; every region is clicked, masks are thresholded at .5 and come in the order
of their predicted or expected IoU unless said otherwise. For a partition k masks are its k regions. The images are
evenly spaced over each set.
"""

if __name__ == "__main__":
    sys.exit(main())
