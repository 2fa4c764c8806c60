"""Which of several runs is better, and how sure that is."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from html import escape
from math import log10
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis.errors import InputError
from tamis.evaluation.report import sizes
from tamis.evaluation.run import require_pyarrow
from tamis.evaluation.summary import BOOTSTRAPS, bootstrap_weights, resampled_means
from tamis.evaluation.zero_shot_run import KIND
from tamis.render import chart
from tamis.render.page import write_page

MASKS_ALLOWED = 100
"""The budget of zero-shot runs that is compared."""


@dataclass(frozen=True)
class LoadedRun:
    """A finished run.

    Attributes:
        name: its folder's name, or path where other runs have the same.
        summary: its `summary.json`.
        ious: by (image, mask, repeat), the IoU after the first click of each try; of a zero-shot run the largest IoU of
            any of the masks allowed, repeat 0.
        masks_allowed: of a zero-shot run the budget that `ious` belong to; None for one with clicks.
    """

    name: str
    summary: dict[str, Any]
    ious: dict[tuple[str, str, int], float]
    masks_allowed: int | None = None

    @property
    def measure(self) -> str:
        """What `ious` average to."""
        return "mIoU@1" if self.masks_allowed is None else f"mIoU of {self.masks_allowed} masks"

    @property
    def main(self) -> tuple[float, tuple[float, float]]:
        """That average and its 95 % interval; not numbers where there was no mask."""
        at = 0 if self.masks_allowed is None else self.summary["budgets"].index(self.masks_allowed)
        if not self.summary.get("miou"):
            return float("nan"), (float("nan"), float("nan"))
        low, high = self.summary["miou_ci95"][at]
        return self.summary["miou"][at], (low, high)


@dataclass(frozen=True)
class Difference:
    """How much better the second of two runs is, on the tries that both have.

    Attributes:
        first, second: names of the runs.
        tries: that both have.
        images: that those are on.
        difference: of mIoU, second minus first.
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
        if summary.get("kind") == KIND:
            return zero_shot_run(folder, summary)
        table = pq.read_table(folder / "masks.parquet", columns=["image", "mask", "repeat", "click", "iou"])
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(
            f"{folder}: no finished run here; `tamis evaluate interactive --out {folder}` makes one, and so does "
            "`tamis evaluate zero-shot`"
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(f"{folder}: its results cannot be read ({error}); evaluate again into a new folder") from error
    ious = {(row["image"], row["mask"], row["repeat"]): row["iou"] for row in table.to_pylist() if row["click"] == 1}
    return LoadedRun(folder.resolve().name, summary, ious)


def zero_shot_run(folder: Path, summary: dict[str, Any]) -> LoadedRun:
    """A finished zero-shot run, with the IoUs of MASKS_ALLOWED masks or of the nearest budget that it has."""
    import pyarrow.parquet as pq

    budget = min(summary["budgets"], key=lambda each: abs(each - MASKS_ALLOWED))
    table = pq.read_table(folder / "masks.parquet", columns=["image", "mask", "iou"], filters=[("budget", "=", budget)])
    ious = {(row["image"], row["mask"], 0): row["iou"] for row in table.to_pylist()}
    return LoadedRun(folder.resolve().name, summary, ious, budget)


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


@dataclass(frozen=True)
class Correlation:
    """Whether images that are easy for one of two runs are easy for the other.

    Attributes:
        first, second: names of the runs.
        images: that both have.
        pearson: of the images' mean IoUs.
        low, high: its 95 % interval, by bootstrap over images.
        spearman: of their ranks.
    """

    first: str
    second: str
    images: int
    pearson: float
    low: float
    high: float
    spearman: float


def correlation(first: LoadedRun, second: LoadedRun, seed: int = 0) -> Correlation | None:
    """How the mean IoUs of images go together; None for fewer than three images or a run that is always the same.

    Args:
        first: of any kind.
        second: of any kind.
        seed: of the bootstrap.
    """
    from scipy.stats import rankdata

    means, others = image_means(first), image_means(second)
    shared = [image for image in means if image in others]
    x, y = np.array([means[image] for image in shared]), np.array([others[image] for image in shared])
    if len(shared) < 3 or not x.std() or not y.std():
        return None
    drawn = np.random.default_rng(seed).integers(len(shared), size=(BOOTSTRAPS, len(shared)))
    low, high = np.nanquantile(_pearson(x[drawn], y[drawn]), [0.025, 0.975])
    ranks = _pearson(rankdata(x), rankdata(y))
    return Correlation(
        first.name, second.name, len(shared), float(_pearson(x, y)), float(low), float(high), float(ranks)
    )


def _pearson(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Along the last axis; not a number where one does not vary."""
    x, y = (values - values.mean(axis=-1, keepdims=True) for values in (x, y))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((x * y).sum(axis=-1) / np.sqrt((x**2).sum(axis=-1) * (y**2).sum(axis=-1)))


def image_means(run: LoadedRun) -> dict[str, float]:
    """Mean IoU after the first click, by image."""
    values: dict[str, list[float]] = {}
    for (image, _, _), iou in run.ious.items():
        values.setdefault(image, []).append(iou)
    return {image: float(np.mean(ious)) for image, ious in values.items()}


def compare(runs: Sequence[LoadedRun], seed: int = 0) -> list[Difference]:
    """Every later run of the same measure against the first."""
    return [difference(runs[0], run, seed) for run in runs[1:] if run.measure == runs[0].measure]


def correlations(runs: Sequence[LoadedRun], seed: int = 0) -> list[Correlation]:
    """Every later run with the first, where there is something to correlate."""
    found = [correlation(runs[0], run, seed) for run in runs[1:]]
    return [each for each in found if each is not None]


def write_comparison(path: Path, runs: Sequence[LoadedRun], differences: Sequence[Difference], seed: int = 0) -> None:
    """Write an HTML page: the runs, the differences, mIoU by size of the mask, and scatters by image.

    Every later run is drawn against the first, with the correlation.
    """
    rows = "".join(_run_row(run) for run in runs)
    parts = [
        "<table><tr><th>run</th><th>segmentor</th><th>dataset</th><th>masks</th><th></th><th>mIoU</th>"
        f"<th>95 % interval</th><th>encode</th><th>click</th></tr>{rows}</table>"
    ]
    if differences:
        parts.append(
            "<h2>Differences of mIoU <small>paired bootstrap over images</small></h2>"
            "<table><tr><th>run</th><th>against</th><th>difference</th><th>95 % interval</th><th>p</th><th>images</th>"
            f"</tr>{''.join(map(_difference_row, differences))}</table>"
        )
    for run in runs[1:]:
        first, second = map(image_means, (runs[0], run))
        points = [(first[image], second[image], image) for image in first if image in second]
        parts.append(f"<h2>{escape(run.name)} against {escape(runs[0].name)} <small>a dot for each image</small></h2>")
        parts += [f"<p>{said(found)}</p>" for found in [correlation(runs[0], run, seed)] if found]
        labels = [f"{each.measure}, {each.name}" for each in (runs[0], run)]
        parts.append(chart.scatter(points, *labels))
    clicked = [run for run in runs if run.masks_allowed is None]
    if any(len(run.summary.get("miou", [])) > 1 for run in clicked):
        lines = {run.name: list(enumerate(run.summary.get("miou", []), start=1)) for run in clicked}
        parts.append("<h2>By number of clicks</h2>" + chart.curves(lines, "clicks", "mIoU"))
    if allowed := [run for run in runs if run.masks_allowed is not None and run.summary.get("miou")]:
        budgets = {
            run.name: [(log10(k), v) for k, v in zip(run.summary["budgets"], run.summary["miou"], strict=True)]
            for run in allowed
        }
        parts.append("<h2>By number of masks</h2>" + chart.curves(budgets, "masks allowed, as a power of ten", "mIoU"))
    if clicked:
        parts.append(sizes({run.name: run.summary for run in clicked}))
    write_page(path, "Comparison", "\n".join(parts))


def said(found: Correlation) -> str:
    """A correlation in words."""
    return (
        f"{found.second} with {found.first}: correlation {found.pearson:+.3f} (95 % interval {found.low:+.3f} to "
        f"{found.high:+.3f}), of ranks {found.spearman:+.3f}, {found.images} images"
    )


def as_json(runs: Sequence[LoadedRun], differences: Sequence[Difference], seed: int = 0) -> dict[str, Any]:
    """The comparison as JSON values."""
    return {
        "runs": {run.name: run.summary for run in runs},
        "differences": [asdict(each) for each in differences],
        "correlations": [asdict(each) for each in correlations(runs, seed)],
    }


def _run_row(run: LoadedRun) -> str:
    summary: Mapping[str, Any] = run.summary
    value, (low, high) = run.main
    dataset = " ".join(filter(None, (summary["dataset"], summary["split"])))
    return (
        f"<tr><td>{escape(run.name)}</td><td>{escape(summary['segmentor'])}</td><td>{escape(dataset)}</td>"
        f'<td class="number">{summary["masks"]}</td><td>{run.measure}</td><td class="number">{value:.4f}</td>'
        f'<td class="number">{low:.4f} to {high:.4f}</td>'
        f'<td class="number">{summary.get("seconds_encode", summary.get("seconds", 0)) * 1000:.0f} ms</td>'
        f'<td class="number">{summary.get("seconds_per_click", 0) * 1000:.1f} ms</td></tr>'
    )


def _difference_row(difference: Difference) -> str:
    return (
        f"<tr><td>{escape(difference.second)}</td><td>{escape(difference.first)}</td>"
        f'<td class="number">{difference.difference:+.4f}</td>'
        f'<td class="number">{difference.low:+.4f} to {difference.high:+.4f}</td>'
        f'<td class="number">{difference.p:.4f}</td><td class="number">{difference.images}</td></tr>'
    )
