"""Which of several runs is better, and how sure that is."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from tamis import chart
from tamis.benchmark.report import sizes
from tamis.benchmark.run import require_pyarrow
from tamis.benchmark.summary import bootstrap_weights, resampled_means
from tamis.errors import InputError
from tamis.page import write_page


@dataclass(frozen=True)
class LoadedRun:
    """A finished run.

    Attributes:
        name: its folder's name, or path where other runs have the same.
        summary: its `summary.json`.
        ious: IoU after the first click of each try, by (image, mask, repeat).
    """

    name: str
    summary: dict[str, Any]
    ious: dict[tuple[str, str, int], float]


@dataclass(frozen=True)
class Difference:
    """How much better the second of two runs is, on the tries that both have.

    Attributes:
        first, second: names of the runs.
        tries: that both have.
        images: that those are on.
        difference: of mIoU@1, second minus first.
        low, high: its 95 % interval, by bootstrap over images.
        p: two-sided, that there is no difference.
    """

    first: str
    second: str
    tries: int
    images: int
    difference: float
    low: float
    high: float
    p: float


def load_run(folder: Path) -> LoadedRun:
    """Read a run.

    Raises:
        InputError: the folder holds no finished run.
        UnavailableError: pyarrow is not installed.
    """
    require_pyarrow()
    import pyarrow.parquet as pq

    try:
        summary = json.loads((folder / "summary.json").read_bytes())
        if not isinstance(summary, dict) or not {"segmentor", "dataset", "split", "masks"} <= summary.keys():
            raise ValueError("summary.json is no summary")
        table = pq.read_table(folder / "masks.parquet", columns=["image", "mask", "repeat", "click", "iou"])
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(
            f"{folder}: no finished run here; `tamis evaluate interactive --out {folder}` makes one"
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(f"{folder}: its results cannot be read ({error}); evaluate again into a new folder") from error
    ious = {(row["image"], row["mask"], row["repeat"]): row["iou"] for row in table.to_pylist() if row["click"] == 1}
    return LoadedRun(folder.resolve().name, summary, ious)


def load_runs(folders: Sequence[Path]) -> list[LoadedRun]:
    """Read several runs; those whose folders have the same name are called by their paths.

    Raises:
        InputError: a folder holds no finished run, or is given twice.
        UnavailableError: pyarrow is not installed.
    """
    runs = [load_run(folder) for folder in folders]
    names = Counter(run.name for run in runs)
    named = [
        run if names[run.name] == 1 else replace(run, name=folder.as_posix())
        for run, folder in zip(runs, folders, strict=True)
    ]
    for name, count in Counter(run.name for run in named).items():
        if count > 1:
            raise InputError(f"{name}: is given {count} times; compare it with another run")
    return named


def difference(first: LoadedRun, second: LoadedRun, seed: int = 0) -> Difference:
    """Compare two runs try by try, by a paired bootstrap over images.

    Raises:
        InputError: they have no try in common.
    """
    shared = [key for key in first.ious if key in second.ious]
    if not shared:
        raise InputError(f"'{first.name}' and '{second.name}' have no mask in common; compare runs on the same dataset")
    names = {image: index for index, image in enumerate(dict.fromkeys(key[0] for key in shared))}
    image = np.array([names[key[0]] for key in shared])
    gain = np.array([second.ious[key] - first.ious[key] for key in shared])
    means = resampled_means(gain, image, bootstrap_weights(len(names), np.random.default_rng(seed)))
    low, high = np.quantile(means, [0.025, 0.975])
    # One is added so that no finite number of draws gives a p of 0.
    tail = min(np.count_nonzero(means <= 0), np.count_nonzero(means >= 0))
    p = min(1.0, 2 * (tail + 1) / (len(means) + 1))
    return Difference(
        first.name, second.name, len(shared), len(names), float(gain.mean()), float(low), float(high), float(p)
    )


def image_means(run: LoadedRun) -> dict[str, float]:
    """Mean IoU after the first click, by image."""
    values: dict[str, list[float]] = {}
    for (image, _, _), iou in run.ious.items():
        values.setdefault(image, []).append(iou)
    return {image: float(np.mean(ious)) for image, ious in values.items()}


def compare(runs: Sequence[LoadedRun], seed: int = 0) -> list[Difference]:
    """Every later run against the first."""
    return [difference(runs[0], run, seed) for run in runs[1:]]


def write_comparison(path: Path, runs: Sequence[LoadedRun], differences: Sequence[Difference]) -> None:
    """Write an HTML page: the runs, the differences, mIoU by size of the mask, and for two runs a scatter by image."""
    rows = "".join(_run_row(run) for run in runs)
    parts = [
        "<table><tr><th>run</th><th>segmentor</th><th>dataset</th><th>masks</th><th>mIoU@1</th><th>95 % interval</th>"
        f"<th>encode</th><th>click</th></tr>{rows}</table>"
    ]
    if differences:
        parts.append(
            "<h2>Differences of mIoU@1 <small>paired bootstrap over images</small></h2>"
            "<table><tr><th>run</th><th>against</th><th>difference</th><th>95 % interval</th><th>p</th><th>images</th>"
            f"</tr>{''.join(map(_difference_row, differences))}</table>"
        )
    if len(runs) == 2:
        first, second = map(image_means, runs)
        points = [(first[image], second[image], image) for image in first if image in second]
        parts.append("<h2>By image</h2>" + chart.scatter(points, f"mIoU of {runs[0].name}", f"mIoU of {runs[1].name}"))
    if any(len(run.summary.get("miou", [])) > 1 for run in runs):
        lines = {run.name: list(enumerate(run.summary.get("miou", []), start=1)) for run in runs}
        parts.append("<h2>By number of clicks</h2>" + chart.curves(lines, "clicks", "mIoU"))
    parts.append(sizes({run.name: run.summary for run in runs}))
    write_page(path, "Comparison", "\n".join(parts))


def as_json(runs: Sequence[LoadedRun], differences: Sequence[Difference]) -> dict[str, Any]:
    """The comparison as JSON values."""
    return {"runs": {run.name: run.summary for run in runs}, "differences": [asdict(d) for d in differences]}


def _run_row(run: LoadedRun) -> str:
    summary: Mapping[str, Any] = run.summary
    value = summary.get("miou", [float("nan")])[0]
    low, high = summary.get("miou_ci95", [[float("nan")] * 2])[0]
    dataset = " ".join(filter(None, (summary["dataset"], summary["split"])))
    return (
        f"<tr><td>{escape(run.name)}</td><td>{escape(summary['segmentor'])}</td><td>{escape(dataset)}</td>"
        f'<td class="number">{summary["masks"]}</td><td class="number">{value:.4f}</td>'
        f'<td class="number">{low:.4f} to {high:.4f}</td>'
        f'<td class="number">{summary.get("seconds_encode", 0) * 1000:.0f} ms</td>'
        f'<td class="number">{summary.get("seconds_per_click", 0) * 1000:.1f} ms</td></tr>'
    )


def _difference_row(difference: Difference) -> str:
    return (
        f"<tr><td>{escape(difference.second)}</td><td>{escape(difference.first)}</td>"
        f'<td class="number">{difference.difference:+.4f}</td>'
        f'<td class="number">{difference.low:+.4f} to {difference.high:+.4f}</td>'
        f'<td class="number">{difference.p:.4f}</td><td class="number">{difference.images}</td></tr>'
    )
