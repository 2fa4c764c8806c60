"""Published figures, read from the README tables and the metafiles in which mmsegmentation keeps them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from tamis.errors import InputError


@dataclass(frozen=True)
class Score:
    """One published figure.

    Attributes:
        dataset: as its source names it.
        method: such as `KNet + UperNet`.
        backbone: such as `Swin-L`; empty where the source does not say.
        crop: such as `512x512`; empty likewise.
        schedule: iterations, such as `80000`; empty likewise.
        miou: in percent, one scale.
        miou_ms: in percent, several scales and flipped; None where it is not given.
        config: the stem of the configuration file, which tells models apart; empty where there is none.
        source: the file.
        own: whether it was measured by tamis.
    """

    dataset: str
    method: str
    backbone: str
    crop: str
    schedule: str
    miou: float
    miou_ms: float | None
    config: str
    source: str
    own: bool = False


_SEPARATOR = re.compile(r"(?<!\\)\|")
_ALIGNMENT = re.compile(r":?-+:?")
_HEADING = re.compile(r"(#{1,6})\s+(.+?)\s*#*\s*")
_LINK = re.compile(r"\[[^\]]*\]\(\s*<?([^)\s>]+)")
_FENCE = re.compile(r"\s*(```|~~~)")

DATASET_LEVEL = 3
"""Results stand under `### Dataset`."""


def read_readme(path: Path) -> list[Score]:
    """The rows of all result tables of a README.

    A result table has columns named `mIoU` and `config`; one without `config` repeats models of another under other
    conditions, as SegFormer's "Evaluation with AlignedResize" does, and is left out. Columns are found by their names.

    Raises:
        InputError: the file cannot be read.
    """
    return [score for heading, table in _tables(_text(path)) for score in _rows(heading, table, path)]


def read_metafile(path: Path) -> list[Score]:
    """The models of a `metafile.yaml` that have a mIoU.

    Raises:
        InputError: the file cannot be read or is no metafile.
    """
    import yaml

    try:
        content = yaml.safe_load(_text(path))
    except yaml.YAMLError as error:
        raise InputError(f"{path}: is no YAML ({' '.join(str(error).split())}); download it again") from error
    try:
        return [score for model in content["Models"] for score in _scores_of_model(model, path)]
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: has no list of Models; name a metafile.yaml of mmsegmentation") from error


def number_in(cell: str) -> float | None:
    """The number in a cell of a table: bold, starred or with a percent sign; None for an empty cell or a dash."""
    text = re.sub(r"[*_`%\s]|\\", "", cell)
    return float(text) if re.fullmatch(r"\d+(\.\d*)?|\.\d+", text) else None


def cells_of(line: str) -> list[str]:
    """The cells of a table's line; a pipe after a backslash or written as an entity belongs to its cell."""
    inner = line.strip().removeprefix("|")
    cells = _SEPARATOR.split(inner)
    if cells and not cells[-1].strip():
        cells.pop()
    return [cell.strip() for cell in cells]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error}); check its name") from error


def _tables(text: str) -> Iterator[tuple[str, list[list[str]]]]:
    """Each table with the dataset it stands under: the cells of its lines, the header first, without the alignment."""
    heading, table, in_code = "", [], False
    for line in [*text.splitlines(), ""]:
        if _FENCE.match(line):
            in_code = not in_code
        if not in_code and line.lstrip().startswith("|"):
            table.append(cells_of(line))
            continue
        if len(table) > 1 and all(_ALIGNMENT.fullmatch(cell) for cell in table[1]):
            yield heading, [table[0], *table[2:]]
        table = []
        found = None if in_code else _HEADING.fullmatch(line)
        if found and len(found[1]) <= DATASET_LEVEL:
            heading = found[2] if len(found[1]) == DATASET_LEVEL else ""


def _rows(heading: str, table: Sequence[Sequence[str]], path: Path) -> Iterator[Score]:
    header = [_plain(cell).lower() for cell in table[0]]
    column = {name: place for place, name in reversed(list(enumerate(header)))}
    if "miou" not in column or "config" not in column:
        return
    for cells in table[1:]:
        row = {name: cells[place] if place < len(cells) else "" for name, place in column.items()}
        miou = number_in(row["miou"])
        if miou is None:
            continue
        link = _LINK.search(row["config"])
        yield Score(
            dataset=heading,
            method=_plain(row.get("method", "")),
            backbone=_plain(row.get("backbone", "")),
            crop=_plain(row.get("crop size", "")),
            schedule=_plain(row.get("lr schd", "")),
            miou=miou,
            miou_ms=number_in(row.get("miou(ms+flip)", "")),
            config=PurePosixPath(link[1]).stem if link else _plain(row["config"]),
            source=str(path),
        )


def _plain(cell: str) -> str:
    """A cell's text without bold, code, links and missing marks."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", cell)
    text = re.sub(r"[*`]", "", text.replace("\\|", "|").replace("&#124;", "|")).strip()
    return "" if text in ("-", "–", "—") else text


def _scores_of_model(model: dict[str, Any], path: Path) -> Iterator[Score]:
    results = model.get("Results") or []
    metadata = model.get("Metadata") or {}
    parts = [str(part) for part in metadata.get("Architecture") or []]
    name = str(model.get("Name", ""))
    size = re.search(r"\d+x\d+(?=\D*$)", name)
    for result in results if isinstance(results, list) else [results]:
        metrics = result.get("Metrics") or {}
        miou = number_in(str(metrics.get("mIoU", "")))
        if miou is None:
            continue
        yield Score(
            dataset=str(result.get("Dataset", "")),
            method=" + ".join(parts[1:]) or str(model.get("In Collection", "")),
            backbone=parts[0] if parts else "",
            crop=size[0] if size else "",
            schedule=_iterations(name),
            miou=miou,
            miou_ms=number_in(str(metrics.get("mIoU(ms+flip)", ""))),
            config=PurePosixPath(str(model.get("Config") or name)).stem,
            source=str(path),
        )


def _iterations(name: str) -> str:
    found = re.search(r"(?<![a-z0-9])(\d+)k(?![a-z0-9])", name)
    return f"{found[1]}000" if found else ""
