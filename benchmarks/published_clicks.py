"""Published figures of the click tools beside whoever measures them: `python -m benchmarks.published_clicks RUN …`.

RUN is the folder of a `tamis evaluate interactive` by one of the commands of the table in docs/models.md, made with the
authors' weights. Its number is kept in benchmarks/published, and the table is written from all that are kept;
without RUN the table is written anew.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.published import KEPT, PAGE

MARK = "<!-- click tools, written by python -m benchmarks.published_clicks -->"

SETS = {
    "GrabCut": ("grabcut", "", "GRABCUT"),
    "Berkeley": ("berkeley", "", "BERKELEY"),
    "SBD": ("sbd", "val", "SBD"),
    "DAVIS": ("davis345", "", "DAVIS"),
    "COCO_MVal": ("coco-mval", "", "COCO_MVAL"),
    "HQSeg44K": ("hqseg44k", "val", "HQSEG44K"),
    "HyperSim": ("hypersim", "color", "HYPERSIM"),
}
NOC_SETS = ("GrabCut", "Berkeley", "SBD", "DAVIS", "COCO_MVal")

NOC90 = {
    ("ritm", "RITM HRNet18s", "coco_lvis_h18s_itermask.pth", "600"): (1.68, 2.60, 6.48, 5.98, 3.33),
    ("ritm", "RITM HRNet18", "coco_lvis_h18_itermask.pth", "600"): (1.54, 2.26, 6.06, 5.74, 2.98),
    ("ritm", "RITM HRNet32", "coco_lvis_h32_itermask.pth", "600"): (1.56, 2.10, 5.71, 5.34, 2.97),
    ("simpleclick", "SimpleClick ViT-B", "cocolvis_vit_base.pth", "672"): (1.48, 1.97, 5.62, 5.06, None),
    ("simpleclick", "SimpleClick ViT-H", "cocolvis_vit_huge.pth", "672"): (None, None, None, 4.70, None),
    ("focalclick", "FocalClick B0-S2", "segformerB0_S2_cclvs.pth", ""): (1.66, 2.27, 6.86, 5.49, 3.59),
    ("focalclick", "FocalClick B3-S2", "segformerB3_S2_cclvs.pth", ""): (1.50, 1.92, 5.59, 4.90, 3.12),
    ("focalclick", "FocalClick HRNet32-S2", "hrnet32_S2_cclvs.pth", ""): (1.80, 2.36, 6.61, 5.39, 3.65),
    ("focalclick", "ClickSEG MobileNetV2", "mobilenetv2_x1_cclvs.pth", ""): (2.02, 2.69, 6.75, 5.81, 3.73),
}
"""Mean clicks to IoU .90 on `NOC_SETS`; the authors' READMEs, SimpleClick from table 3 of MFP (CVPR 2024)."""

SEGNEXT = {
    ("SegNext SAx1", "segnext_sax1.pth"): {"HQSeg44K": (85.41, 7.47, 11.94), "DAVIS": (90.13, 5.46, 13.31)},
    ("SegNext SAx2", "segnext_sax2.pth"): {"HQSeg44K": (85.71, 7.18, 11.52), "DAVIS": (89.85, 5.34, 12.80)},
    ("SegNext SAx2, HQ44K", "segnext_sax2_hq44k.pth"): {"HQSeg44K": (91.75, 5.32, 9.42), "DAVIS": (91.87, 4.43, 10.73)},
}
"""mIoU@5, NoC@90 and NoC@95 of the authors' README."""

ONE_CLICK = {
    ("SegNext SAx2, centre", "segnext_sax2.pth", "center", 0.49): {"DAVIS": 71.96, "HQSeg44K": 64.74},
    ("SegNext SAx2, random", "segnext_sax2.pth", "random", 0.49): {"DAVIS": 67.75, "HQSeg44K": 59.68},
    ("SegNext SAx2, random, .5", "segnext_sax2.pth", "random", 0.5): {
        "DAVIS": 67.46, "HQSeg44K": 59.21, "HyperSim": 32.01,
    },
    ("SegNext SAx2, HQ44K, centre", "segnext_sax2_hq44k.pth", "center", 0.49): {"DAVIS": 85.97, "HQSeg44K": 81.79},
    ("512 px, many clicks, epoch 90", "512/090.pth", "random", 0.5): {
        "DAVIS": 68.76, "HQSeg44K": 58.68, "HyperSim": 26.12,
    },
    ("512 px, one click, epoch 90", "022/090.pth", "random", 0.5): {
        "DAVIS": 70.26, "HQSeg44K": 60.17, "HyperSim": 24.59,
    },
    ("512 px, one click, epoch 99", "022/099.pth", "random", 0.5): {
        "DAVIS": 70.57, "HQSeg44K": 60.85, "HyperSim": 24.62,
    },
}  # fmt: skip
"""mIoU@1 in percent of the research notes."""


@dataclass(frozen=True)
class Figure:
    """One published number.

    Attributes:
        tool: as people call it.
        dataset: as people call it.
        metric: NoC@90, NoC@95, mIoU@5 or mIoU@1.
        value: published.
        model: for --model.
        options: of the command besides model and dataset.
        field: of summary.json; an index follows a dot.
    """

    tool: str
    dataset: str
    metric: str
    value: float
    model: str
    options: str
    field: str

    @property
    def key(self) -> str:
        """A file name of its own."""
        plain = "".join(c if c.isalnum() else "-" for c in f"{self.tool}-{self.dataset}-{self.metric}".lower())
        return "-".join(filter(None, plain.split("-")))

    @property
    def command(self) -> str:
        """That measures it."""
        name, split, root = SETS[self.dataset]
        part = f" --split {split}" if split else ""
        return (
            f"tamis evaluate interactive --model {self.model} --dataset {name}{part} --root {root} {self.options} "
            f"--out runs/{self.key}"
        )

    def of(self, summary: dict[str, Any]) -> float:
        """The number of a run's summary, in the published unit."""
        name, _, index = self.field.partition(".")
        return 100 * float(summary[name][int(index)]) if index else float(summary[name])


def figures() -> Iterator[Figure]:
    """All of them, in the order of the table."""
    for (family, tool, file, size), values in NOC90.items():
        for dataset, value in zip(NOC_SETS, values, strict=True):
            if value is not None:
                at = f"@{size}" if size and dataset == "DAVIS" else ""
                cut = " --threshold .5" if family == "focalclick" else ""
                yield Figure(tool, dataset, "NoC@90", value, f"{family}:{file}{at}", f"--protocol ritm{cut}", "noc90")
    for (tool, file), of_set in SEGNEXT.items():
        for dataset, (miou, noc90, noc95) in of_set.items():
            model = f"segnext:{file}"
            never = "--protocol segnext --clicks 5 --stop-at 1.01"
            yield Figure(tool, dataset, "mIoU@5", miou, model, never, "miou.4")
            yield Figure(tool, dataset, "NoC@90", noc90, model, "--protocol segnext", "noc90")
            yield Figure(tool, dataset, "NoC@95", noc95, model, "--protocol segnext", "noc95")
    for (tool, file, clicker, at_least), by_set in ONE_CLICK.items():
        for dataset, value in by_set.items():
            options = f"--protocol tamis --clicker {clicker} --threshold {at_least:g}"
            yield Figure(tool, dataset, "mIoU@1", value, f"segnext:{file}", options, "miou.0")


def table() -> str:
    """The table between the marks."""
    lines = ["| tool | dataset | metric | published | measured | command |", "|---|---|---|---:|---:|---|"]
    for figure in figures():
        kept = KEPT / f"{figure.key}.json"
        measured = f"{json.loads(kept.read_bytes())['measured']:.2f}" if kept.exists() else ""
        cells = (figure.tool, figure.dataset, figure.metric, f"{figure.value:.2f}", measured, f"`{figure.command}`")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def keep(run: Path) -> Path:
    """Keep the number of a run whose folder is called as the command says; returns the file."""
    summary = json.loads((run / "summary.json").read_bytes())
    for figure in figures():
        if figure.key == run.name:
            KEPT.mkdir(exist_ok=True)
            file = KEPT / f"{figure.key}.json"
            told = {"measured": figure.of(summary), "published": figure.value, "weights": summary.get("weights"),
                    "rules": summary["rules"], "masks": summary["masks"]}  # fmt: skip
            file.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
            return file
    sys.exit(f"{run}: no figure was published for it; the folder has to be called as in the table's command")


def page(text: str) -> str:
    """The page with the table between its marks renewed."""
    before, _, after = text.split(MARK)
    return f"{before}{MARK}\n{table()}\n{MARK}{after}"


def main(runs: Sequence[str]) -> None:
    """Keep the numbers of runs and write the page."""
    for run in runs:
        print(f"kept {keep(Path(run))}")
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
