"""The tables of a run: CSV files that grow by a row at a time, and are cut where a run goes on from a checkpoint."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from tamis.results.files import write_bytes


def append_row(file: Path, row: Mapping[str, float]) -> None:
    """Add a row, and before the first one the names of the columns."""
    fresh = not file.exists()
    with file.open("a", newline="") as stream:
        writer = csv.DictWriter(stream, list(row))
        if fresh:
            writer.writeheader()
        writer.writerow(row)


def read_rows(file: Path) -> list[dict[str, float]]:
    """All whole rows; none where there is no file. A last line that a kill cut off is left out."""
    return [{name: float(value) for name, value in row.items()} for row in _text_rows(file)]


def best_score(file: Path, name: str) -> float:
    """The largest number of a column of a table of validations, 0 where there is none."""
    return max((row[name] for row in read_rows(file)), default=0.0)


def cut_after(file: Path, step: int) -> None:
    """Drop the rows after `step`, and what a kill cut off: they will be written again, to the same text."""
    rows = _text_rows(file)
    if not file.exists():
        return
    kept = [row for row in rows if float(row["step"]) <= step]
    content = io.StringIO(newline="")
    if kept:
        writer = csv.DictWriter(content, list(kept[0]))
        writer.writeheader()
        writer.writerows(kept)
        write_bytes(file, content.getvalue().encode())
    else:
        file.unlink()


def _text_rows(file: Path) -> list[dict[str, str]]:
    if not file.exists():
        return []
    text = file.read_text()
    whole = text[: text.rfind("\n") + 1]
    return list(csv.DictReader(io.StringIO(whole, newline="")))
