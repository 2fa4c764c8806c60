"""Several simulations side by side: one page, and the same as JSON."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from tamis.annotation.simulate.curves import Rows, rows_of
from tamis.annotation.simulate.pictures import strips
from tamis.annotation.simulate.report import charts, costs_line, table
from tamis.errors import InputError, UnavailableError
from tamis.render.page import write_page

SUMMARY = "simulation.json"


@dataclass(frozen=True)
class LoadedSimulation:
    """A finished simulation.

    Attributes:
        name: its folder's name, or path where others have the same.
        told: its `simulation.json`.
        rows: by policy, what was done to images.
        folder: where it is.
    """

    name: str
    told: dict[str, Any]
    rows: dict[str, Rows]
    folder: Path

    @property
    def concept(self) -> tuple[str, float, int]:
        """What can be drawn in one chart: the dataset, the IoU that was wanted, and how many images."""
        dataset = " ".join(filter(None, (self.told["dataset"], self.told["split"], self.told.get("concept", ""))))
        return dataset, self.told["target_iou"], self.told["images"]


def is_simulation(folder: Path) -> bool:
    """Whether a finished simulation is there."""
    return (folder / SUMMARY).is_file()


def load_simulations(folders: Sequence[Path]) -> list[LoadedSimulation]:
    """Read several runs of `tamis simulate`.

    Raises:
        InputError: a folder holds none that is finished, or is given twice.
        UnavailableError: pyarrow is not installed.
    """
    try:
        import pyarrow.parquet as pq
    except ImportError:
        raise UnavailableError("simulations are kept as Parquet: run pip install 'tamis[benchmark]'") from None
    short = Counter(folder.resolve().name for folder in folders)
    found = []
    for folder in folders:
        name = folder.resolve().name
        try:
            told = json.loads((folder / SUMMARY).read_bytes())
            rows: dict[str, Rows] = {**rows_of(pq.read_table(folder / "actions.parquet").to_pylist())}
            if not isinstance(told, dict) or not {"dataset", "split", "target_iou", "images", "policies"} <= set(told):
                raise ValueError(f"{SUMMARY} is no summary of a simulation")
        except FileNotFoundError:
            raise InputError(
                f"{folder}: no finished simulation here; `tamis simulate --out {folder}` makes one"
            ) from None
        except (OSError, ValueError, KeyError) as error:
            raise InputError(f"{folder}: its results cannot be read ({error}); simulate into a new folder") from error
        found.append(LoadedSimulation(name if short[name] == 1 else folder.as_posix(), told, rows, folder))
    for name, count in Counter(run.name for run in found).items():
        if count > 1:
            raise InputError(f"{name}: is given {count} times; compare it with another run")
    return found


def comparison(runs: Sequence[LoadedSimulation]) -> dict[str, Any]:
    """As JSON values: by run, its dataset, costs and the figures of its policies."""
    return {"simulations": {run.name: run.told for run in runs}}


def write_simulations(path: Path, runs: Sequence[LoadedSimulation]) -> None:
    """Write a page: for each dataset a table and charts of all policies of all runs.

    Args:
        path: the HTML file.
        runs: those on the same images with the same target are drawn together.

    Raises:
        OutputError: it cannot be written.
    """
    concepts: dict[tuple[str, float, int], list[LoadedSimulation]] = {}
    for run in runs:
        concepts.setdefault(run.concept, []).append(run)
    parts = []
    for (dataset, target, images), those in concepts.items():
        names = [(run, policy) for run in those for policy in run.rows]
        called = {(run.name, policy): policy if len(those) == 1 else f"{policy} ({run.name})" for run, policy in names}
        lines = {called[run.name, policy]: run.rows[policy] for run, policy in names}
        figures = {called[run.name, policy]: run.told["policies"][policy] for run, policy in names}
        against = next((name for name in lines if name.startswith("scratch")), next(iter(lines), "scratch"))
        parts.append(f"<h2>{escape(dataset)} <small>{images} images until IoU {target:.3g}</small></h2>")
        parts += [
            f'<p class="quiet">{escape(run.name)}: clicked with {escape(run.told["segmentor"])}; seconds: '
            f"{costs_line(run.told['costs'])}</p>"
            for run in those
        ]
        parts += [table(figures, against), *charts(lines, target, images)]
        for run in those:
            names_here = {policy: called[run.name, policy] for policy in run.rows}
            parts += strips(path, run.folder, run.told, names_here)
    write_page(path, "Ways of annotating", "\n".join(parts))
