"""mIoU@1 of the segmentors on the sets at hand: `python -m benchmarks.quality SEGMENTOR … [--only SET]`.

Runs `tamis evaluate interactive` with the rules of tamis on every set below the folder that TAMIS_DATA names, keeps
each `summary.json` in benchmarks/quality, and writes docs/results.md from all that are kept. Without a segmentor it
only writes the page.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from tamis.benchmark.rules import PROTOCOLS
from tamis.benchmark.run import run_evaluation
from tamis.datasets import open_dataset
from tamis.runs import file_hash

ROOT = Path(__file__).parent.parent
KEPT = ROOT / "benchmarks" / "quality"
PAGE = ROOT / "docs" / "results.md"
PICTURES = ROOT / "docs" / "images"
README = ROOT / "README.md"
MARK = "<!-- results, written by python -m benchmarks.quality -->"


@dataclass(frozen=True)
class Set:
    """One row of the table: a dataset, its folder below TAMIS_DATA, its split."""

    dataset: str
    folder: str
    split: str

    @property
    def name(self) -> str:
        """As the table calls it."""
        return f"{self.folder} {self.split}".strip()

    def file(self, segmentor: str) -> Path:
        """Where a segmentor's summary is kept."""
        return KEPT / segmentor / f"{self.name.replace(' ', '_').replace('/', '-')}.json"


SETS = (
    Set("bsds500", "bsds500", "test"),
    Set("duts", "duts", "val10"),
    Set("davis", "davis", "2016/dev"),
    Set("weizmann-horses", "weizmann_horses", "val10"),
    Set("folder", "coco_mval", "val10"),  # instance by instance; the peers' coco-mval merges them
    Set("leeds-butterflies", "leeds_butterflies", "val10"),
    Set("feral-cats", "feral_cats", "val10"),
    Set("berkeley", "berkeley", ""),
    Set("camvid", "camvid", "test"),
    Set("dsb2018", "dsb2018", "val10"),
    Set("coco128-seg", "coco128_seg", "val10"),
    Set("cwfid", "cwfid", "val10"),
    Set("crackforest", "crackforest", "val10"),
)


def measure(segmentor: str, place: Set, data: Path, limit: int | None, workers: int) -> dict[str, Any]:
    """Evaluate by the rules of tamis; returns the summary."""
    dataset = open_dataset(place.dataset, data / place.folder, place.split or None)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        for _ in run_evaluation(segmentor, dataset, PROTOCOLS["tamis"], out, limit=limit, workers=workers):
            pass
        summary: dict[str, Any] = json.loads((out / "summary.json").read_bytes())
        run = json.loads((out / "run.json").read_bytes())
    summary["run"] = {key: run[key] for key in ("version", "dataset_fingerprint", "weights_sha256", "started", "ended")}
    summary["run"]["code"] = _code_hash()
    return summary


def page() -> str:
    """docs/results.md, from the summaries that are kept."""
    from benchmarks import camvid, superpixels, zero_shot

    kept = _kept()
    timed = {name: kept[name, SETS[0].name] for name in _ranked(kept)}
    seconds = [f"- `{name}`: {s['seconds_encode']:.3f} and {s['seconds_per_click']:.4f}" for name, s in timed.items()]
    spent = ["", "Seconds for an encoding and a click, mean over the first set:", "", *seconds, ""]
    return "\n".join([_HEAD, *table(SETS), *spent, *zero_shot.section(), *superpixels.section(), *camvid.section()])


def readme() -> str:
    """README.md with the table of four sets between its two marks."""
    text = README.read_text(encoding="utf-8")
    before, _, rest = text.partition(MARK)
    _, _, after = rest.partition(MARK)
    return f"{before}{MARK}\n" + "\n".join(table(SETS[:4])) + f"\n{MARK}{after}"


def table(places: Sequence[Set]) -> list[str]:
    """A row for each set, a column for each segmentor, the best on average first."""
    kept = _kept()
    names = _ranked(kept)
    lines = ["| set | images / masks | " + " | ".join(names) + " |", "|---|---|" + "---|" * len(names)]
    for place in places:
        summaries = [kept.get((name, place.name)) for name in names]
        masks = max((summary["masks"] for summary in summaries if summary), default=0)
        if masks:
            images = max(summary["images"] for summary in summaries if summary)
            best = max(summary["miou"][0] for summary in summaries if summary and summary["images"] == images)
            cells = " | ".join(_cell(summary, images, best) for summary in summaries)
            lines.append(f"| {place.name} | {images} / {masks} | {cells} |")
    return lines


def _kept() -> dict[tuple[str, str], dict[str, Any]]:
    """The summaries that are kept, by segmentor and name of the set."""
    return {
        (folder.name, place.name): json.loads(place.file(folder.name).read_bytes())
        for folder in sorted(KEPT.iterdir())
        for place in SETS
        if place.file(folder.name).exists()
    }


def _ranked(kept: dict[tuple[str, str], dict[str, Any]]) -> list[str]:
    """The segmentors, by their mean over the sets."""
    names = dict.fromkeys(name for name, _ in kept)
    means = {name: mean(summary["miou"][0] for (who, _), summary in kept.items() if who == name) for name in names}
    return sorted(means, key=lambda name: -means[name])


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    parser.add_argument("segmentors", nargs="*", metavar="SEGMENTOR")
    parser.add_argument("--only", metavar="SET", help="one folder")
    parser.add_argument("--limit", type=int, metavar="N", help="the first N images of each set, for slow segmentors")
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.segmentors and not os.environ.get("TAMIS_DATA"):
        sys.exit("set TAMIS_DATA to the folder that holds the datasets")
    for segmentor in arguments.segmentors:
        for place in SETS:
            if arguments.only in (None, place.folder):
                summary = measure(segmentor, place, Path(os.environ["TAMIS_DATA"]), arguments.limit, arguments.workers)
                path = place.file(segmentor)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(json.dumps(summary, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
                print(f"{segmentor:16}{place.name:28}{summary['miou'][0]:.4f}", flush=True)
    PAGE.write_text(page(), encoding="utf-8")
    README.write_text(readme(), encoding="utf-8")
    return 0


def _cell(summary: dict[str, Any] | None, images: int, best: float) -> str:
    """A figure with its interval; the best of those on all images stands out."""
    if summary is None:
        return "–"
    low, high = summary["miou_ci95"][0]
    part = f", first {summary['images']}" if summary["images"] < images else ""
    figure = f"{summary['miou'][0]:.3f}"
    return f"{f'**{figure}**' if summary['miou'][0] == best and not part else figure} ({low:.3f}–{high:.3f}{part})"


def _code_hash() -> str:
    """Of the segmentors' code, so that a figure can be told from one made by other code."""
    import hashlib

    files = sorted((ROOT / "src" / "tamis" / "segmentors").glob("*.py"))
    return hashlib.sha256("".join(map(file_hash, files)).encode()).hexdigest()[:12]


_HEAD = """# Results

Generated from `benchmarks/quality/*.json` by `python -m benchmarks.quality`; do not edit.

mIoU@1 by the rules of tamis: one positive click drawn uniformly from the mask, three tries for every mask, threshold
.5, IoU at the image's original resolution, masks of at least 256 pixels; in brackets the 95 % interval by bootstrap
over images, and where only the first images of a set were measured, how many. `val10` is every tenth image of the
sorted list. The sets are the development sets of this project, several of them parts of the published ones, so the
figures compare segmentors here and are not those of papers.
"""

if __name__ == "__main__":
    sys.exit(main())
