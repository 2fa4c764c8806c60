"""Published figures beside our own: `python -m benchmarks.published RUN …` fills their column in docs/models.md.

RUN is the folder of a `tamis evaluate interactive` by one of the commands of that table. Its summary is kept in
benchmarks/published, and the table is written from all that are kept.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tamis.evaluation.rules import PROTOCOLS

ROOT = Path(__file__).parent.parent
KEPT = ROOT / "benchmarks" / "published"
PAGE = ROOT / "docs" / "models.md"
MARK = "<!-- published, written by python -m benchmarks.published -->"


@dataclass(frozen=True)
class Figure:
    """A figure that somebody published, and what measures it here.

    Attributes:
        segmentor: in our registry.
        dataset: in our registry.
        split: of it.
        root: the placeholder for its folder in the command.
        miou: mIoU@1 in percent: one click uniform over the mask, threshold .5, original resolution.
    """

    segmentor: str
    dataset: str
    split: str
    root: str
    miou: float

    @property
    def command(self) -> str:
        """That measures it."""
        split = f" --split {self.split}" if self.split else ""
        out = f"runs/{self.segmentor}-{self.dataset}"
        return (
            f"tamis evaluate interactive --model {self.segmentor} --dataset {self.dataset}{split} "
            f"--root {self.root} --protocol tamis --out {out}"
        )

    @property
    def file(self) -> Path:
        """Where the summary of its measurement is kept."""
        return KEPT / f"{self.segmentor}-{self.dataset}.json"


FIGURES = (
    Figure("sam2.1-base-plus", "davis345", "", "DAVIS", 53.15),
    Figure("sam2.1-base-plus", "hqseg44k", "val", "HQSEG44K", 47.05),
    Figure("sam2.1-base-plus", "hypersim", "color", "HYPERSIM", 42.36),
)


def keep(run: Path) -> Path:
    """Keep the summary of a run that one of the commands made; returns the file."""
    summary = json.loads((run / "summary.json").read_bytes())
    for figure in FIGURES:
        if (summary["segmentor"], summary["dataset"]) == (figure.segmentor, figure.dataset):
            _require_comparable(run, summary, figure)
            KEPT.mkdir(exist_ok=True)
            figure.file.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
            return figure.file
    sys.exit(f"{run}: no figure was published for {summary['segmentor']} on {summary['dataset']}")


def table() -> str:
    """The table between the marks."""
    lines = ["| published mIoU@1 | measured | command |", "|---:|---:|---|"]
    for figure in FIGURES:
        measured = ""
        if figure.file.exists():
            summary = json.loads(figure.file.read_bytes())
            low, high = summary["miou_ci95"][0]
            measured = f"{100 * summary['miou'][0]:.2f} ({100 * low:.2f}–{100 * high:.2f})"
        lines.append(f"| {figure.miou:.2f} | {measured} | `{figure.command}` |")
    return "\n".join(lines)


def page(text: str) -> str:
    """The page with the table between its marks renewed."""
    before, _, after = text.split(MARK)
    return f"{before}{MARK}\n{table()}\n{MARK}{after}"


def _require_comparable(run: Path, summary: dict[str, Any], figure: Figure) -> None:
    rules, wanted = summary["rules"], PROTOCOLS["tamis"]
    for name in ("clicker", "threshold", "min_area", "combine"):
        if rules[name] != getattr(wanted, name):
            sys.exit(
                f"{run}: was measured with {name} {rules[name]}, the published figure with {getattr(wanted, name)}"
            )
    if figure.split and summary["split"] != figure.split:
        sys.exit(f"{run}: is of the split {summary['split']}, the published figure of {figure.split}")


def main(runs: Sequence[str]) -> None:
    """Keep the summaries of runs and write the page."""
    for run in runs:
        print(f"kept {keep(Path(run))}")
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
