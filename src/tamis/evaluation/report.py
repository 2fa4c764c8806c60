"""`report.html`: an evaluation to look at, with the masks that went best, middling and worst."""

import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from tamis.clicks import Click
from tamis.datasets.protocol import Dataset, Sample
from tamis.evaluation.rules import Rules
from tamis.image import resize_to_fit, write_image
from tamis.render import chart
from tamis.render.overlays import cut_out, outlined
from tamis.render.page import figure, write_page
from tamis.segmentors import Segmentor
from tamis.segmentors.wrappers.augmented import augmented

SHOWN = 5
"""Pictures of each kind."""

LARGEST = 640
"""Pixels on the long side of a picture."""


def write_report(out: Path, segmentor: Segmentor, dataset: Dataset, rules: Rules) -> Path:
    """Write the page of a finished run beside its results.

    Args:
        out: the folder with `masks.parquet` and `summary.json`.
        segmentor: that made them; it answers again for the pictures.
        dataset: they were made on.
        rules: of the evaluation.

    Returns:
        The page's path.
    """
    summary = json.loads((out / "summary.json").read_bytes())
    parts = [f"<p>{_settings(summary)}</p>", numbers(summary)]
    if summary.get("miou"):
        if len(summary["miou"]) > 1:
            points = list(enumerate(summary["miou"], start=1))
            parts.append(chart.curves({summary["segmentor"]: points}, "clicks", "mIoU"))
        parts.append(sizes({summary["segmentor"]: summary}))
        samples = {sample.name: sample for sample in dataset.samples}
        model = augmented(segmentor, rules.tta)
        for title, rows in _chosen(out / "masks.parquet").items():
            kind = title.split()[0].lower()
            figures = [
                _picture(out, f"{kind}-{i}.jpg", model, samples[r["image"]], r, rules) for i, r in enumerate(rows)
            ]
            parts.append(f'<h2>{title}</h2><div class="row">{"".join(figures)}</div>')
    parts.append(problems(summary))
    place = " ".join(filter(None, (summary["dataset"], summary["split"])))
    write_page(out / "report.html", f"{summary['segmentor']} on {place}", "\n".join(parts))
    return out / "report.html"


def numbers(summary: Mapping[str, Any]) -> str:
    """The main figures as a table."""
    rows: list[tuple[str, str]] = [("images", str(summary["images"])), ("masks", str(summary["masks"]))]
    for click, (value, (low, high)) in enumerate(
        zip(summary.get("miou", []), summary.get("miou_ci95", []), strict=True), 1
    ):
        if click in (1, 2, 3, 5, 10, 20):
            rows.append((f"mIoU@{click}", f"{value:.4f} (95 % interval {low:.4f} to {high:.4f})"))
    for key in ("noc85", "noc90", "noc95"):
        if key in summary:
            rows.append(
                (f"NoC@{key[3:]}", f"{summary[key]:.2f}, never reached before the limit {summary['nof' + key[3:]]}")
            )
    for key in ("worse_by_05", "worse_by_30"):
        if key in summary:
            rows.append((f"corrections that lower IoU by over .{key[-2:]}", f"{summary[key] * 100:.1f} %"))
    for key, name in (("seconds_encode", "one encoding"), ("seconds_per_click", "one click")):
        if key in summary:
            rows.append((name, f"{summary[key] * 1000:.1f} ms"))
    return "<table>" + "".join(f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in rows) + "</table>"


def sizes(summaries: Mapping[str, Mapping[str, Any]]) -> str:
    """Mean IoU after the first click and the last by size of the mask, one column for each run."""
    classes = list(dict.fromkeys(size for summary in summaries.values() for size in summary.get("miou_by_size", {})))
    head = "".join(f"<th>{escape(name)}</th>" for name in summaries)
    rows = []
    for size in classes:
        cells = "".join(_size_cell(summary.get("miou_by_size", {}).get(size)) for summary in summaries.values())
        rows.append(f"<tr><td>{escape(size)} px</td>{cells}</tr>")
    return (
        "<h2>By size of the mask <small>root of its area, first click → last</small></h2>"
        f"<table><tr><th></th>{head}</tr>{''.join(rows)}</table>"
    )


def problems(summary: Mapping[str, Any]) -> str:
    """What was left out, by name."""
    lines = []
    if summary["skipped_small"]:
        lines.append(f"{summary['skipped_small']} masks under {summary['rules']['min_area']} pixels were skipped.")
    if summary["empty"]:
        lines.append(f"{summary['empty']} masks are empty.")
    lines += [f"{image}: {error}" for image, error in summary["unreadable"].items()]
    lines += [f"{image}: another size than its masks {', '.join(ids)}" for image, ids in summary["mismatched"].items()]
    lines += [f"{kind}: {', '.join(names)}" for kind, names in summary["unmatched"].items() if names]
    if not lines:
        return '<p class="quiet">Nothing was left out.</p>'
    return "<h2>Left out</h2><ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def _settings(summary: Mapping[str, Any]) -> str:
    rules = summary["rules"]
    said = [
        f"{rules['clicks']} {rules['clicker']} click{'s' if rules['clicks'] > 1 else ''}",
        f"threshold {rules['threshold']:g}",
        f"{rules['repeats']} {'repetition' if rules['repeats'] == 1 else 'repetitions'} for every mask",
        f"masks of at least {rules['min_area']} pixels",
        f"seed {summary['seed']}",
    ]
    if rules["stop_at"] is not None:
        said.append(f"stops at IoU {rules['stop_at']:g}")
    if rules["combine"] != "native":
        said.append(f"combined by {rules['combine']}")
    if rules["tta"]:
        said.append(f"averaged over {', '.join(rules['tta'])}")
    return escape(", ".join(said))


def _chosen(masks: Path) -> dict[str, list[dict[str, Any]]]:
    """First clicks of first repeats: the best, those around the median, and the worst, of different images each."""
    import pyarrow.parquet as pq

    rows = [row for row in pq.read_table(masks).to_pylist() if row["click"] == 1 and row["repeat"] == 0]
    rows.sort(key=lambda row: row["iou"], reverse=True)
    middle = sorted(range(len(rows)), key=lambda i: abs(i - len(rows) // 2))
    return {
        "Best": _of_different_images(rows),
        "Median": _of_different_images([rows[i] for i in middle]),
        "Worst": _of_different_images(rows[::-1]),
    }


def _of_different_images(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    first: dict[str, dict[str, Any]] = {}
    for row in rows:
        first.setdefault(row["image"], row)
    return list(first.values())[:SHOWN]


def _picture(out: Path, name: str, segmentor: Segmentor, sample: Sample, row: Mapping[str, Any], rules: Rules) -> str:
    image = sample.image()
    click = Click(row["x"], row["y"], row["positive"])
    mask = segmentor.encode(image).probability([click]) > rules.threshold
    target = next(target.mask for target in sample.targets() if target.id == row["mask"])
    write_image(out / "report" / name, resize_to_fit(outlined(cut_out(image, mask, [click]), target), LARGEST))
    return figure(f"report/{name}", f"IoU {row['iou']:.3f} · {sample.name}, mask {row['mask']}")


def _size_cell(entry: Mapping[str, Any] | None) -> str:
    if not entry:
        return "<td></td>"
    last = f" → {entry['miou_last']:.3f}" if "miou_last" in entry else ""
    return f'<td class="number">{entry["miou"]:.3f}{last} ({entry["tries"]})</td>'
