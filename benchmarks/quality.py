"""mIoU@1 of the segmentors on the sets at hand: `python -m benchmarks.quality SEGMENTOR … [--only SET]`.

Runs `tamis evaluate interactive` with the rules of tamis on every set below the folder that TAMIS_DATA names, keeps
each `summary.json` in benchmarks/quality, from which `python -m benchmarks.pages` writes the page of results.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks.sets import KEPT, ROOT, SETS, Set
from tamis.datasets import open_dataset
from tamis.evaluation.rules import PROTOCOLS
from tamis.evaluation.run import run_evaluation
from tamis.results.run import file_hash
from tamis.scale.executors import executor_of


def measure(segmentor: str, place: Set, data: Path, limit: int | None, workers: int) -> dict[str, Any]:
    """Evaluate by the rules of tamis; returns the summary."""
    dataset = open_dataset(place.dataset, data / place.folder, place.split or None)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        for _ in run_evaluation(
            segmentor, dataset, PROTOCOLS["tamis"], out, limit=limit, executor=executor_of(workers)
        ):
            pass
        summary: dict[str, Any] = json.loads((out / "summary.json").read_bytes())
        run = json.loads((out / "run.json").read_bytes())
    summary["run"] = {key: run[key] for key in ("version", "dataset_fingerprint", "weights_sha256", "started", "ended")}
    summary["run"]["code"] = _code_hash()
    return summary


def table(places: Sequence[Set]) -> list[str]:
    """A row for each set, a column for each segmentor, the best on average first."""
    kept = kept_summaries()
    names = ranked(kept)
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


def kept_summaries() -> dict[tuple[str, str], dict[str, Any]]:
    """The summaries that are kept, by segmentor and name of the set."""
    return {
        (folder.name, place.name): json.loads(place.file(folder.name).read_bytes())
        for folder in sorted(KEPT.iterdir())
        for place in SETS
        if place.file(folder.name).exists()
    }


def ranked(kept: dict[tuple[str, str], dict[str, Any]]) -> list[str]:
    """The segmentors, by their mean over the sets."""
    names = dict.fromkeys(name for name, _ in kept)
    means = {name: mean(summary["miou"][0] for (who, _), summary in kept.items() if who == name) for name in names}
    return sorted(means, key=lambda name: -means[name])


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    parser.add_argument("segmentors", nargs="+", metavar="SEGMENTOR")
    parser.add_argument("--only", metavar="SET", help="one folder")
    parser.add_argument("--limit", type=int, metavar="N", help="the first N images of each set, for slow segmentors")
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    if not os.environ.get("TAMIS_DATA"):
        sys.exit("set TAMIS_DATA to the folder that holds the datasets")
    for segmentor in arguments.segmentors:
        for place in SETS:
            if arguments.only in (None, place.folder):
                summary = measure(segmentor, place, Path(os.environ["TAMIS_DATA"]), arguments.limit, arguments.workers)
                path = place.file(segmentor)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(json.dumps(summary, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
                print(f"{segmentor:16}{place.name:28}{summary['miou'][0]:.4f}", flush=True)
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

    rooms = (ROOT / "src" / "tamis" / room for room in ("regions", "segmentors"))
    files = sorted(file for room in rooms for file in room.rglob("*.py"))
    return hashlib.sha256("".join(map(file_hash, files)).encode()).hexdigest()[:12]


if __name__ == "__main__":
    sys.exit(main())
