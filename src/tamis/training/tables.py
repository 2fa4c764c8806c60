"""The tables of a run: CSV files that grow by a row at a time, and are cut where a run goes on from a checkpoint."""

import csv
from collections.abc import Mapping
from pathlib import Path

from tamis.files import write_bytes


def append_row(file: Path, row: Mapping[str, float]) -> None:
    """Add a row, and before the first one the names of the columns; what a kill has left of a row goes first."""
    if file.exists() and not file.read_bytes().endswith(b"\n"):
        write_bytes(file, b"".join(_whole_lines(file)))
    fresh = not file.exists() or not file.stat().st_size
    with file.open("a", newline="") as stream:
        writer = csv.DictWriter(stream, list(row))
        if fresh:
            writer.writeheader()
        writer.writerow(row)


def read_rows(file: Path) -> list[dict[str, float]]:
    """All whole rows; none where there is no file."""
    if not file.exists():
        return []
    lines = b"".join(_whole_lines(file)).decode().splitlines()
    return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(lines)]


def best_score(file: Path) -> float:
    """The largest `miou` of a table of validations, 0 where there is none."""
    return max((row["miou"] for row in read_rows(file)), default=0.0)


def cut_after(file: Path, step: int) -> None:
    """Drop the rows after `step`, which will be written again; all others stay as they are, byte for byte.

    Raises:
        OutputError: the table cannot be replaced; it stays as it was.
    """
    if not file.exists():
        return
    head, *lines = _whole_lines(file) or [b""]
    column = head.decode().strip().split(",").index("step") if lines else 0
    kept = [line for line in lines if float(line.decode().split(",")[column]) <= step]
    write_bytes(file, b"".join([head, *kept]))


def _whole_lines(file: Path) -> list[bytes]:
    """The lines of a table without what a kill has left of the last, each with its end."""
    lines = file.read_bytes().splitlines(keepends=True)
    return lines if not lines or lines[-1].endswith(b"\n") else lines[:-1]
