"""The tables of a run: CSV files that grow by a row at a time, and are cut where a run goes on from a checkpoint."""

import csv
from collections.abc import Mapping
from pathlib import Path


def append_row(file: Path, row: Mapping[str, float]) -> None:
    """Add a row, and before the first one the names of the columns."""
    fresh = not file.exists()
    with file.open("a", newline="") as stream:
        writer = csv.DictWriter(stream, list(row))
        if fresh:
            writer.writeheader()
        writer.writerow(row)


def read_rows(file: Path) -> list[dict[str, float]]:
    """All rows; none where there is no file."""
    if not file.exists():
        return []
    with file.open(newline="") as stream:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(stream)]


def best_score(file: Path) -> float:
    """The largest `miou` of a table of validations, 0 where there is none."""
    return max((row["miou"] for row in read_rows(file)), default=0.0)


def cut_after(file: Path, step: int) -> None:
    """Drop the rows after `step`: they will be written again."""
    rows = read_rows(file)
    file.unlink(missing_ok=True)
    for row in rows:
        if row["step"] <= step:
            append_row(file, {**row, "step": int(row["step"])})
