"""Every claim of the research, run again: `python -m benchmarks.research DATA [NAME …] [--small CHECKPOINT]`.

Runs the experiments of `tamis research` on small held-out sets in DATA with the model in the box, those that train with
a small SegNext (`tamis train segnext --recipe small`), keeps each result in benchmarks/research, and writes the tables
of docs/research.md. Without DATA they are written anew from what is kept.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.sets import ROOT
from tamis.clicks import Click
from tamis.datasets import open_dataset
from tamis.evaluation.combining import triangulate
from tamis.image import write_image
from tamis.research.claims import STUDIES, find_study, run_study
from tamis.research.combining import side_by_side
from tamis.research.study import Setting, Study
from tamis.results import environment
from tamis.results.files import write_json
from tamis.segmentors import load_segmentor

KEPT = ROOT / "benchmarks" / "research"
PAGE = ROOT / "docs" / "research.md"
MARK = "<!-- research, written by python -m benchmarks.research -->"

OF_MANY = ("recall", "zero-against-one", "nms", "superpixels")
"""Experiments of whole images, which are made on BSDS500, where there are many masks."""
LIMITS = {
    "random-or-centre": 40,
    "tta": 10,
    "resolution": 12,
    "ensembles": 5,
    "triangulation": 10,
    "superpixels": 4,
    "nms": 6,
    "recall": 6,
    "zero-against-one": 10,
}
USUAL = 20
SAMPLES = 160


def place_of(study: Study) -> tuple[str, str, str, int]:
    """Dataset, folder, split and number of images of an experiment."""
    if study.name in OF_MANY:
        return "bsds500", "bsds500", "val", LIMITS[study.name]
    return "duts", "duts", "val10", LIMITS.get(study.name, USUAL)


def run(study: Study, data: Path, model: str, start: Path | None) -> None:
    """Run one experiment and keep what it gave."""
    name, folder, split, limit = place_of(study)
    dataset = open_dataset(name, data / folder, split)
    train = [f"duts={data / 'duts'}:train90"] if study.trains else []
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as out:
        setting = Setting(load_segmentor(model), dataset, 0, Path(out), start, SAMPLES, train)
        run_study(study, setting, limit)
        told: dict[str, Any] = json.loads((Path(out) / f"{study.name}.json").read_text())
    command = (
        f"tamis research {study.name} --data {name}={name.upper()}:{split} --limit {limit} --out runs/{study.name}"
    )
    if study.trains:
        command += f" --train duts=DUTS:train90 --start small.pth --samples {SAMPLES}"
    told |= {
        "images": limit,
        "command": command,
        "trained_on": f"{SAMPLES} samples of duts train90 for each way" if study.trains else None,
        "seconds": round(time.monotonic() - begun),
        "environment": environment.facts(),
    }
    family = "small" if study.trains else told["segmentor"]
    write_json(KEPT / f"{study.name}-{family}.json", told)
    print(f"{study.name} with {family}: {told['seconds']} s")


def section() -> list[str]:
    """The claims with what was measured."""
    lines = []
    for study in STUDIES:
        files = sorted(KEPT.glob(f"{study.name}-*.json"))
        files = [file for file in files if json.loads(file.read_bytes())["experiment"] == study.name]
        lines += [f"### {study.name}", "", f"*{_begun(study.claim)}.*", ""]
        if not files:
            lines += ["Not measured here.", ""]
        for file in files:
            told = json.loads(file.read_bytes())
            trained = f"; {told['trained_on']}" if told["trained_on"] else ""
            who = "a small SegNext" if study.trains else told["segmentor"]
            lines += [
                f"`{told['command']}`",
                "",
                f"| {who}, {told['images']} images of {told['dataset']} {told['split']}{trained} | mean | difference |",
                "|---|---:|---:|",
            ]
            for row in told["rows"]:
                low, high = row.get("ci95", (0, 0))
                differs = f"{row['difference']:+.4f} ({low:+.4f} to {high:+.4f})" if row.get("difference") else ""
                lines.append(f"| {row['way']} | {row['mean']:.4f} | {differs} |")
            lines += ["", *(f"{_begun(sentence)}." for sentence in told["said"]), ""]
    return lines


def _begun(sentence: str) -> str:
    """With a capital at its start, unless it begins with mIoU."""
    return sentence if sentence.startswith("mIoU") else sentence[0].upper() + sentence[1:]


def page(text: str) -> str:
    """The page with what lies between its marks renewed."""
    before, _, after = text.split(MARK)
    body = "\n".join(section()).replace("\n\n\n", "\n\n").strip()
    return f"{before}{MARK}\n\n{body}\n\n{MARK}{after}"


def picture(model: str) -> None:
    """docs/images/triangulation.jpg, on a sample photograph of scikit-image: a click on the coffee, y in the saucer."""
    from skimage import data

    image = np.asarray(data.coffee(), np.uint8)  # type: ignore[no-untyped-call]
    encoded = load_segmentor(model).encode(image)
    first = encoded.probability([Click(260, 150)])
    row, column = divmod(int(np.abs(first - 0.5).argmin()), first.shape[1])
    inside = encoded.probability([Click.at_pixel(row, column)])
    outside = encoded.probability([Click.at_pixel(row, column, positive=False)])
    answer = triangulate(inside, outside, float(first[row, column]))
    write_image(ROOT / "docs" / "images" / "triangulation.jpg", side_by_side(image, [first, inside, outside, answer]))


def main() -> None:
    """Run what is asked for, then write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--small", type=Path, help="a checkpoint, for the experiments that train")
    parser.add_argument("--picture", action="store_true", help="make the picture of the page instead")
    given = parser.parse_args()
    if given.picture:
        picture(given.model)
        return
    if given.data is not None:
        KEPT.mkdir(exist_ok=True)
        for study in [find_study(name) for name in given.names] or STUDIES:
            if study.trains and given.small is None:
                continue
            run(study, given.data, given.model, given.small)
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
