"""How good each kept epoch is, and the table of it: "epoch 19: 56.29, 29: 61.22 ..."."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

from tamis.datasets import open_dataset
from tamis.datasets.places import parse_place
from tamis.errors import InputError
from tamis.evaluation.interactive import evaluate
from tamis.evaluation.rules import PROTOCOLS, Rules
from tamis.results.files import write_bytes
from tamis.segmentors.click_tools import load_click_tool

TABLE = "epochs.csv"


@dataclass(frozen=True)
class EpochScore:
    """mIoU@1 of one epoch on one dataset: one random click, threshold .5, original resolution, masks of 256 pixels.

    Attributes:
        epoch: from 0.
        dataset: its name, and the split after a slash.
        miou: between 0 and 1, over all masks and tries.
        masks: clicked.
        images: with such masks.
        weights: SHA-256 of the checkpoint.
    """

    epoch: int
    dataset: str
    miou: float
    masks: int
    images: int
    weights: str


def measure_epoch(out: Path, epoch: int, file: Path, place: str, limit: int | None, seed: int) -> EpochScore:
    """Measure a checkpoint, and put it into the table, in the place of what stood there for that epoch and dataset.

    Args:
        out: folder of the run.
        epoch: of the checkpoint.
        file: the checkpoint.
        place: NAME=ROOT[:SPLIT].
        limit: only the first so many images.
        seed: of the clicks.

    Raises:
        InputError: the dataset cannot be opened, or has no mask that is large enough.
    """
    measured = measure(file, place, limit, seed, PROTOCOLS["tamis"], epoch)
    kept = [row for row in read_table(out) if (row.epoch, row.dataset) != (epoch, measured.dataset)]
    write_table(out, [*kept, measured])
    return measured


def measure(file: Path, place: str, limit: int | None, seed: int, rules: Rules, epoch: int = 0) -> EpochScore:
    """mIoU@1 of a checkpoint; see `measure_epoch`.

    Raises:
        InputError: the dataset cannot be opened, or has no mask that is large enough.
    """
    name, root, split = parse_place(place, "--evaluate")
    dataset = open_dataset(name, root, split).first(limit)
    tool = load_click_tool(f"segnext:{file}")
    ious, images, masks = [], 0, 0
    for _, record in evaluate(tool, dataset, rules, seed):
        images, masks = images + bool(record.masks), masks + record.masks
        ious += [click.iou for click in record.clicks if click.click == 1]
    if not ious:
        raise InputError(f"--evaluate {place}: has no mask of at least {rules.min_area} pixels")
    told = f"{name}/{dataset.split}" if dataset.split else name
    return EpochScore(epoch, told, round(float(np.mean(ious)), 6), masks, images, getattr(tool, "weights_sha256", ""))


def read_table(out: Path) -> list[EpochScore]:
    """All rows of a run's table; none where there is none yet."""
    file = out / TABLE
    if not file.exists():
        return []
    rows = csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"), newline=""))
    return [
        EpochScore(int(row["epoch"]), row["dataset"], float(row["miou"]), int(row["masks"]), int(row["images"]),
                 row["weights"])
        for row in rows
    ]  # fmt: skip


def write_table(out: Path, rows: Sequence[EpochScore]) -> None:
    """Write the table whole, by dataset and epoch."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, [field.name for field in fields(EpochScore)])
    writer.writeheader()
    writer.writerows(asdict(row) for row in sorted(rows, key=lambda row: (row.dataset, row.epoch)))
    write_bytes(out / TABLE, text.getvalue().encode())


def table_lines(out: Path) -> list[str]:
    """One line for each dataset, in percent, as the research writes it down.

    Raises:
        InputError: no epoch of the run was measured.
    """
    rows = read_table(out)
    if not rows:
        raise InputError(f"{out / TABLE}: no epoch was measured yet; train with --evaluate NAME=ROOT")
    lines = []
    for dataset in dict.fromkeys(row.dataset for row in rows):
        told = [f"{row.epoch}: {100 * row.miou:.2f}" for row in rows if row.dataset == dataset]
        lines.append(f"{dataset}: epoch {', '.join(told)}")
    return lines
