"""`report.html`: ways of annotating side by side."""

import json
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from tamis.render import chart
from tamis.render.page import write_page

KINDS = ("switch", "inspect", "accept", "reject", "click", "polygon")


def write_simulation_report(out: Path) -> Path:
    """Write the page of a finished simulation beside its results; returns its path.

    Args:
        out: the folder with `actions.parquet` and `simulation.json`.
    """
    import pyarrow.parquet as pq

    told = json.loads((out / "simulation.json").read_bytes())
    rows = pq.read_table(out / "actions.parquet").to_pylist()
    target, images = told["target_iou"], told["images"]
    done, clicks, spent = _curves(rows, target, images), _clicks(rows), _spent(rows)
    minutes = {name: [(seconds / 60, share) for seconds, share in points] for name, points in done.items()}
    most = max((y for points in clicks.values() for _, y in points), default=1.0)
    parts = [
        f"<p>{told['images']} images of {escape(told['dataset'])}, clicked with {escape(told['segmentor'])} until IoU "
        f"{target}; the first order of images. Costs in seconds: {_costs(told['costs'])}.</p>",
        _table(told["policies"]),
        "<h2>Images that are good enough <small>share, against minutes of work</small></h2>",
        chart.curves(minutes, "minutes", f"share at IoU {target}"),
        "<h2>Clicks an image <small>mean of five images, against the number of the image</small></h2>",
        chart.curves(clicks, "image", "clicks", (0.0, max(1.0, most))),
        "<h2>Where the time goes <small>seconds an image</small></h2>",
        _time_table(spent, images),
    ]
    write_page(out / "report.html", f"{told['dataset']}: ways of annotating", "\n".join(parts))
    return out / "report.html"


def _costs(costs: Mapping[str, Any]) -> str:
    return escape(", ".join(f"{kind} {costs[kind]:g}" for kind in KINDS))


def _table(policies: Mapping[str, Mapping[str, Any]]) -> str:
    heads = ("", "minutes", "s / image", "clicks / image", "from the 18th", "accepted untouched", "drawn", "mean IoU")
    body = []
    for name, told in policies.items():
        warm = "–" if told["clicks_warm"] is None else f"{told['clicks_warm']:.2f}"
        cells = (
            f"{told['seconds'] / 60:.1f}",
            f"{told['seconds_per_image']:.1f}",
            f"{told['clicks']:.2f}",
            warm,
            f"{100 * told['accepted']:.0f} %",
            f"{100 * told['drawn']:.0f} %",
            f"{told['iou']:.3f}",
        )
        numbers = "".join(f'<td class="number">{cell}</td>' for cell in cells)
        body.append(f"<tr><td>{escape(name)}</td>{numbers}</tr>")
    head = "".join(f"<th>{each}</th>" for each in heads)
    return f"<table><tr>{head}</tr>{''.join(body)}</table>"


def _time_table(spent: Mapping[str, Mapping[str, float]], images: int) -> str:
    head = "".join(f"<th>{kind}</th>" for kind in KINDS)
    body = [
        f"<tr><td>{escape(name)}</td>"
        + "".join(f'<td class="number">{each.get(kind, 0) / images:.1f}</td>' for kind in KINDS)
        + "</tr>"
        for name, each in spent.items()
    ]
    return f"<table><tr><th></th>{head}</tr>{''.join(body)}</table>"


def _first_seed(rows: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if row["seed"] == 0:
            found.setdefault(row["policy"], []).append(row)
    return found


def _curves(rows: list[dict[str, Any]], target: float, images: int) -> dict[str, list[tuple[float, float]]]:
    curves = {}
    for policy, actions in _first_seed(rows).items():
        seconds, good, points = 0.0, 0, [(0.0, 0.0)]
        for action, following in zip(actions, [*actions[1:], None], strict=True):
            seconds += action["seconds"]
            if following is None or following["number"] != action["number"]:
                good += action["iou"] >= target - 1e-6
                points.append((seconds, good / images))
        curves[policy] = points
    return curves


def _clicks(rows: list[dict[str, Any]], window: int = 5) -> dict[str, list[tuple[float, float]]]:
    curves = {}
    for policy, actions in _first_seed(rows).items():
        by_image: dict[int, int] = {}
        for action in actions:
            by_image[action["number"]] = by_image.get(action["number"], 0) + (action["kind"] == "click")
        counts = [by_image[number] for number in sorted(by_image)]
        means = [sum(counts[max(0, i - window + 1) : i + 1]) / min(i + 1, window) for i in range(len(counts))]
        curves[policy] = [(float(i + 1), mean) for i, mean in enumerate(means)]
    return curves


def _spent(rows: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    spent: dict[str, dict[str, float]] = {}
    for policy, actions in _first_seed(rows).items():
        for action in actions:
            each = spent.setdefault(policy, {})
            each[action["kind"]] = each.get(action["kind"], 0.0) + action["seconds"]
    return spent
