"""docs/results.md and tables of other pages, from the figures that are kept: `python -m benchmarks.pages`."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import annotators, camvid, corrections, presence, retrieval, superpixels, vectors, zero_shot
from benchmarks.quality import kept_summaries, ranked, table
from benchmarks.sets import ROOT, SETS

PAGE = ROOT / "docs" / "results.md"
README = ROOT / "README.md"
TEAM, RETRIEVE = ROOT / "docs" / "postgresql.md", ROOT / "docs" / "retrieve.md"
PERSONALIZE = ROOT / "docs" / "personalize.md"
MARK = "<!-- results, written by python -m benchmarks.pages -->"


def page() -> str:
    """docs/results.md, from the summaries that are kept."""
    kept = kept_summaries()
    timed = {name: kept[name, SETS[0].name] for name in ranked(kept)}
    seconds = [f"- `{name}`: {s['seconds_encode']:.3f} and {s['seconds_per_click']:.4f}" for name, s in timed.items()]
    spent = ["", "Seconds for an encoding and a click, mean over the first set:", "", *seconds, ""]
    return "\n".join(
        [
            _HEAD,
            *table(SETS),
            *spent,
            *corrections.section(),
            *zero_shot.section(),
            *superpixels.section(),
            *camvid.section(),
        ]
    )


def readme() -> str:
    """README.md with the table of four sets."""
    return _filled(README, table(SETS[:4]))


def team() -> str:
    """docs/postgresql.md with the load test."""
    return _filled(TEAM, annotators.section(json.loads(annotators.RESULTS.read_bytes())))


def retrieve() -> str:
    """docs/retrieve.md with the search of vectors and the second stage."""
    second = retrieval.section(json.loads(retrieval.RESULTS.read_bytes()))
    return _filled(RETRIEVE, [*vectors.section(json.loads(vectors.RESULTS.read_bytes())), "", *second])


def personalize() -> str:
    """docs/personalize.md with what presence does to objects that it was not set on."""
    return _filled(PERSONALIZE, presence.section(json.loads(presence.RESULTS.read_bytes())))


def _filled(page: Path, lines: Sequence[str]) -> str:
    """A page with other lines between its two marks."""
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(MARK)
    _, _, after = rest.partition(MARK)
    return f"{before}{MARK}\n" + "\n".join(lines) + f"\n{MARK}{after}"


def main() -> int:
    """Write all; returns the exit code."""
    for place, made in ((PAGE, page), (README, readme), (TEAM, team), (RETRIEVE, retrieve), (PERSONALIZE, personalize)):
        place.write_text(made(), encoding="utf-8")
    return 0


_HEAD = """# Results

Generated from `benchmarks/quality/*.json` by `python -m benchmarks.pages`; do not edit.

mIoU@1 by the rules of tamis: one positive click drawn uniformly from the mask, three repetitions for every mask,
threshold .5, IoU at the image's original resolution, masks of at least 256 pixels; in brackets the 95 % interval by
bootstrap over images, and where only the first images of a set were measured, how many. `val10` is every tenth image
of the sorted list. The sets are the development sets of this project, several of them parts of the published ones, so
the figures compare segmentors here and are not those of papers.
"""

if __name__ == "__main__":
    sys.exit(main())
