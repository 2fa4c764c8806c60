"""`report.html`: ways of annotating side by side."""

import json
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from tamis.annotation.simulate.curves import (
    WINDOW,
    Band,
    Rows,
    clicks_by_number,
    good_against_time,
    iou_against_time,
    rows_of,
)
from tamis.annotation.simulate.pictures import strips
from tamis.render import chart
from tamis.render.page import write_page

KINDS = ("switch", "inspect", "accept", "reject", "click", "undo", "brush", "polygon")


def write_simulation_report(out: Path) -> Path:
    """Write the page of a finished simulation beside its results; returns its path.

    Args:
        out: the folder with `actions.parquet` and `simulation.json`.
    """
    import pyarrow.parquet as pq

    told = json.loads((out / "simulation.json").read_bytes())
    rows = rows_of(pq.read_table(out / "actions.parquet").to_pylist())
    intro = (
        f"<p>{told['images']} images of {escape(told['dataset'])}, clicked with {escape(told['segmentor'])} until IoU "
        f"{told['target_iou']:.3g}. Costs in seconds: {costs_line(told['costs'])}.</p>"
    )
    parts = [intro, table(told["policies"]), *charts(rows, told["target_iou"], told["images"])]
    parts += strips(out / "report.html", out, told, {})
    write_page(out / "report.html", f"{told['dataset']}: ways of annotating", "\n".join(parts))
    return out / "report.html"


def charts(lines: Mapping[str, Rows], target_iou: float, images: int) -> list[str]:
    """HTML: images at the target and mean IoU against time, clicks by the number of the image, where the time goes.

    Args:
        lines: by name, the images in the order in which they were finished.
        target_iou: that a mask must reach.
        images: of the dataset.
    """
    good = {name: good_against_time(rows, target_iou, images) for name, rows in lines.items()}
    ious = {name: iou_against_time(rows, images) for name, rows in lines.items()}
    clicks = {name: clicks_by_number(rows) for name, rows in lines.items()}
    most = max((float(band.high.max(initial=0)) for band in clicks.values()), default=1.0)
    return [
        "<h2>Images that are good enough <small>share, against minutes of work; the band is all seeds</small></h2>",
        _drawn(good, "minutes", f"share at IoU {target_iou:.3g}", 60),
        "<h2>Mean IoU <small>of all images, those not annotated count 0, against minutes of work</small></h2>",
        _drawn(ious, "minutes", "mean IoU", 60),
        f"<h2>Clicks an image <small>mean of {WINDOW} images, against the number of the image</small></h2>",
        _drawn(clicks, "image", "clicks", 1, (0.0, max(1.0, most))),
        "<h2>Where the time goes <small>seconds an image</small></h2>",
        _time_table(lines),
    ]


def table(policies: Mapping[str, Mapping[str, Any]], against: str = "scratch") -> str:
    """HTML: the figures of each policy.

    Args:
        policies: by name, as `summary_of` gives them.
        against: whose seconds are the whole, if it is there.
    """
    figures = ("s / image", "clicks / image", "from the 18th", "accepted untouched", "drawn", "mean IoU")
    heads = ("", "minutes", f"of {against}", *figures, "minutes to 90 %")
    base = policies.get(against, {}).get("seconds")
    body = []
    for name, told in policies.items():
        cells = (
            f"{told['seconds'] / 60:.1f}",
            "–" if not base else f"{100 * told['seconds'] / base:.0f} %",
            f"{told['seconds_per_image']:.1f}",
            f"{told['clicks']:.2f}",
            "–" if told["clicks_warm"] is None else f"{told['clicks_warm']:.2f}",
            f"{100 * told['accepted']:.0f} %",
            f"{100 * told['drawn']:.0f} %",
            f"{told['iou']:.3f}",
            "–" if told["seconds_to_most"] is None else f"{told['seconds_to_most'] / 60:.1f}",
        )
        numbers = "".join(f'<td class="number">{cell}</td>' for cell in cells)
        body.append(f"<tr><td>{escape(name)}</td>{numbers}</tr>")
    head = "".join(f"<th>{each}</th>" for each in heads)
    return f"<table><tr>{head}</tr>{''.join(body)}</table>"


def costs_line(costs: Mapping[str, Any]) -> str:
    """Each with its seconds."""
    return escape(", ".join(f"{kind} {costs[kind]:g}" for kind in KINDS))


def _drawn(
    bands: Mapping[str, Band], x_label: str, y_label: str, unit: float, y_range: tuple[float, float] = (0.0, 1.0)
) -> str:
    lines, areas = {}, {}
    for name, band in bands.items():
        x = (band.x / unit).tolist()
        lines[name] = list(zip(x, band.mean.tolist(), strict=True))
        if (band.high > band.low).any():
            areas[name] = list(zip(x, band.low.tolist(), band.high.tolist(), strict=True))
    return chart.curves(lines, x_label, y_label, y_range, areas)


def _time_table(lines: Mapping[str, Rows]) -> str:
    head = "".join(f"<th>{kind}</th>" for kind in KINDS)
    body = []
    for name, rows in lines.items():
        spent = dict.fromkeys(KINDS, 0.0)
        for row in rows:
            for action in row["actions"]:
                spent[action["kind"]] = spent.get(action["kind"], 0.0) + action["seconds"]
        cells = "".join(f'<td class="number">{spent[kind] / max(len(rows), 1):.1f}</td>' for kind in KINDS)
        body.append(f"<tr><td>{escape(name)}</td>{cells}</tr>")
    return f"<table><tr><th></th>{head}</tr>{''.join(body)}</table>"
