"""One table of published figures and the project's own, the best first."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import tamis
from tamis.errors import InputError
from tamis.results.files import write_bytes, write_json
from tamis.semantic.score_tables import Score, read_metafile, read_readme

OWN = "semantic.json"
"""What `tamis semantic evaluate` writes into its result folder."""

OWN_SOURCE = "tamis"

PUBLISHED = Path(__file__).with_name("ade20k_published.md")
"""The figures that come with tamis."""


def find_sources(given: Iterable[Path]) -> list[Path]:
    """The README files and metafiles that files and folders name; folders are searched all through.

    Raises:
        InputError: one is missing, or a folder holds none.
    """
    found: dict[Path, None] = {}
    for path in given:
        if path.is_dir():
            inside = sorted(file for file in path.rglob("*") if _is_source(file))
            if not inside:
                raise InputError(f"{path}: no README.md, metafile.yaml or {OWN} in this folder; name the files")
            found.update(dict.fromkeys(inside))
        elif path.is_file():
            found[path] = None
        else:
            raise InputError(f"{path}: no such file; check the name")
    return list(found)


def read_scores(path: Path) -> list[Score]:
    """The figures of a README, a metafile or a result of tamis, by the ending of its name.

    Raises:
        InputError: it cannot be read, or is none of these.
    """
    readers = {".md": read_readme, ".yaml": read_metafile, ".yml": read_metafile, ".json": read_own}
    if path.suffix.lower() not in readers:
        raise InputError(f"{path}: scores are read from README.md, metafile.yaml and {OWN}; name one of these")
    return readers[path.suffix.lower()](path)


def read_own(path: Path) -> list[Score]:
    """The figure that `tamis semantic evaluate` wrote; it has shares, where published tables have percent.

    Raises:
        InputError: it cannot be read or is none.
    """
    try:
        content = json.loads(path.read_bytes())
        return [
            Score(
                dataset=content["dataset"],
                method=content["model"],
                backbone=content.get("backbone", ""),
                crop=content.get("crop", ""),
                schedule=str(content.get("iterations", "")),
                miou=round(100 * content["miou"], 2),
                miou_ms=None if content.get("miou_ms") is None else round(100 * content["miou_ms"], 2),
                config=content["model"],
                source=str(path),
                own=True,
            )
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: is no result of `tamis semantic evaluate` ({error!r}); name its {OWN}") from error


def ranked(scores: Iterable[Score], dataset: str) -> list[Score]:
    """The figures of one dataset, the best first, each model once.

    A model in a README and in a metafile has the same configuration and the same figure, and is taken from whichever
    comes first. Of the project's own runs, which name the split too, the dataset is the first word.
    """
    kept: dict[object, Score] = {}
    for score in scores:
        name = score.dataset.split(" ")[0] if score.own else score.dataset
        if _key(name) != _key(dataset):
            continue
        known = (score.config, score.miou) if score.config and not score.own else object()
        kept.setdefault(known, score)
    return sorted(kept.values(), key=lambda score: -score.miou)


def markdown(scores: Sequence[Score], dataset: str) -> str:
    """The table as Markdown; own runs are in bold."""
    rows = [_row(number, score) for number, score in enumerate(scores, 1)]
    own = sum(score.own for score in scores)
    return "\n".join(
        [
            f"# {dataset}: mIoU",
            "",
            f"{len(scores)} figures, {own} of them measured by tamis (**bold**); in percent, the best first.",
            "",
            "| # | method | backbone | crop | iterations | mIoU | mIoU (ms+flip) | source |",
            "|---:|---|---|---|---:|---:|---:|---|",
            *rows,
            "",
        ]
    )


def write_scores(out: Path, scores: Sequence[Score], dataset: str) -> None:
    """Write the table as Markdown, and as JSON beside it.

    Raises:
        InputError: the name does not end in `.md`.
        OutputError: it cannot be written.
    """
    if out.suffix.lower() != ".md":
        raise InputError(f"--out {out}: the table is Markdown; end the name in .md")
    content: dict[str, Any] = {"dataset": dataset, "version": tamis.__version__}
    write_json(out.with_suffix(".json"), content | {"scores": [asdict(score) for score in scores]})
    write_bytes(out, markdown(scores, dataset).encode())


def _row(number: int, score: Score) -> str:
    cells = [score.method, score.backbone, score.crop, score.schedule, f"{score.miou:.2f}"]
    cells.append("" if score.miou_ms is None else f"{score.miou_ms:.2f}")
    cells.append(OWN_SOURCE if score.own else score.config or Path(score.source).name)
    shown = [cell.replace("|", "\\|") for cell in cells]
    return f"| {number} | " + " | ".join(f"**{cell}**" if score.own and cell else cell for cell in shown) + " |"


def _key(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _is_source(path: Path) -> bool:
    name = path.name.lower()
    return name in ("readme.md", "metafile.yaml", "metafile.yml", OWN) and path.is_file()
