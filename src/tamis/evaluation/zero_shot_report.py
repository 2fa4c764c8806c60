"""`report.html` of a zero-shot evaluation: mIoU and recall against the number of masks allowed."""

import json
from collections.abc import Mapping
from html import escape
from math import log10
from pathlib import Path
from typing import Any

import numpy as np

from tamis.evaluation.recall import recall_curve
from tamis.evaluation.report import problems
from tamis.render import chart
from tamis.render.page import write_page


def write_zero_shot_report(out: Path) -> Path:
    """Write the page of a finished run beside its results.

    Args:
        out: the folder with `masks.parquet` and `summary.json`.

    Returns:
        The page's path.
    """
    summary = json.loads((out / "summary.json").read_bytes())
    parts = [f"<p>{escape(settings(summary['rules']))}</p>"]
    if summary.get("miou"):
        parts += [_numbers(summary), "<h2>Against the number of masks</h2>", budget_curves(summary)]
        parts.append(_demonstration(out / "masks.parquet", summary))
        parts.append(_sizes(summary))
    parts.append(problems(summary))
    place = " ".join(filter(None, (summary["dataset"], summary["split"])))
    write_page(out / "report.html", f"{summary['segmentor']} on {place}, without a click", "\n".join(parts))
    return out / "report.html"


def settings(rules: Mapping[str, Any]) -> str:
    """The rules in a line."""
    if rules["partition"]:
        return f"for k masks the k regions of a partition by {rules['partition']}"
    said = [
        f"{rules['grid']} × {rules['grid']} clicks" if rules["grid"] else "every region clicked, or 32 × 32 clicks",
        f"masks at {', '.join(f'{level:g}' for level in rules['levels'])}",
        f"ranked by {rules['score'] or 'predicted or expected IoU'}",
        f"{rules['nms']} suppression",
        f"in order of {rules.get('order', 'nms')}",
        f"at least {rules['min_area']} pixels",
    ]
    if rules["refine"]:
        said.append(f"made of superpixels ({rules['refine']})")
    return ", ".join(said)


def budget_curves(summary: Mapping[str, Any]) -> str:
    """mIoU, COCO's recall and recall by best overlap against the budget, the latter as a logarithm."""
    lines = {
        name: [(log10(budget), value) for budget, value in zip(summary["budgets"], summary[key], strict=True)]
        for name, key in (("mIoU", "miou"), ("AR (COCO)", "ar"), ("AR, best overlap", "ar_best_overlap"))
    }
    return chart.curves(lines, "masks allowed, as a power of ten", "mIoU, average recall")


def _numbers(summary: Mapping[str, Any]) -> str:
    rows = "".join(
        f'<tr><td class="number">{budget}</td><td class="number">{miou:.4f}</td>'
        f'<td class="number">{low:.4f} to {high:.4f}</td><td class="number">{ar:.4f}</td>'
        f'<td class="number">{overlap:.4f}</td></tr>'
        for budget, miou, (low, high), ar, overlap in zip(
            *(summary[key] for key in ("budgets", "miou", "miou_ci95", "ar", "ar_best_overlap")), strict=True
        )
    )
    bounds = "".join(
        f"<p>No choice among {escape(name)} gives more than mIoU {value:.4f}.</p>"
        for name, value in summary["bounds"].items()
    )
    return (
        f"<p>{summary['masks']} masks of {summary['images']} images, {summary['proposals']:g} proposals and "
        f"{summary['superpixels']:g} superpixels an image, {summary['seconds']:.2f} s an image.</p>"
        "<table><tr><th>masks</th><th>mIoU</th><th>95 % interval</th><th>AR (COCO)</th><th>AR, best overlap</th></tr>"
        f"{rows}</table>{bounds}"
    )


def _demonstration(masks: Path, summary: Mapping[str, Any]) -> str:
    import pyarrow.parquet as pq

    largest = summary["budgets"][-1]
    table = pq.read_table(masks, columns=["budget", "iou"], filters=[("budget", "=", largest)])
    curve = recall_curve(np.asarray(table["iou"], np.float64))
    return (
        "<h2>Mean recall over all thresholds is mIoU</h2>"
        f"<p>With {largest} masks the recall below, averaged over all thresholds from 0 to 1, is "
        f"{summary['mean_recall']:.4f}; mIoU is {summary['miou'][-1]:.4f}. COCO's average recall looks only at the "
        "part from .5 to .95: a mask found at .49 counts nothing, and one at .95 as much as a perfect one.</p>"
        + chart.curves({"recall": curve}, "IoU threshold", "recall")
    )


def _sizes(summary: Mapping[str, Any]) -> str:
    head = "".join(f"<th>{budget}</th>" for budget in summary["budgets"])
    rows = "".join(
        f'<tr><td>{escape(size)} px</td><td class="number">{entry["masks"]}</td>'
        + "".join(f'<td class="number">{value:.3f}</td>' for value in entry["miou"])
        + "</tr>"
        for size, entry in summary["by_size"].items()
    )
    return (
        "<h2>By size of the mask <small>root of its area; mIoU with so many masks</small></h2>"
        f"<table><tr><th></th><th>masks</th>{head}</tr>{rows}</table>"
    )
