"""`tamis evaluate personalized`, as a function: every object found again in its targets, and missed in others'."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import tamis
from tamis.arrays import ImageArray, MaskArray
from tamis.datasets.episodes import Episode, View
from tamis.errors import InputError
from tamis.evaluation.personalized import (
    HEADLINE,
    LEAST_SHARE,
    OF_DATASET,
    Counts,
    counts_of,
    squared,
    summary_of,
)
from tamis.image import write_image
from tamis.personal.presence import roc, roc_points
from tamis.personal.protocol import Method, Reference
from tamis.render.chart import curves
from tamis.render.contact_sheet import Cell, contact_sheet, thumbnail
from tamis.render.overlays import cut_out
from tamis.render.page import figure, write_page
from tamis.results.files import write_json
from tamis.results.folder import resumable_folder
from tamis.results.run import file_hash, fingerprint

SHOWN = 48
"""Targets on the contact sheet, the worst first."""


@dataclass(frozen=True)
class PersonalizedSettings:
    """What decides the results besides dataset and method.

    Attributes:
        protocol: of `tamis.evaluation.personalized`.
        negatives: other objects that each target is also searched for, to see whether they are missed.
        limit: only the first so many objects.
        seed: of the choice of others.
    """

    protocol: str
    negatives: int = 5
    limit: int | None = None
    seed: int = 0


def protocol_of(dataset: str, asked: str | None) -> str:
    """The protocol to measure a dataset by.

    Raises:
        InputError: the one asked for is not for this dataset.
    """
    known = OF_DATASET[dataset]
    if asked is not None and asked not in known:
        raise InputError(f"--protocol {asked}: is not for {dataset}, which is measured by {' or '.join(known)}")
    return asked or known[0]


def run_personalized(
    method: Method, dataset: str, root: Path, episodes: Sequence[Episode], settings: PersonalizedSettings, out: Path
) -> Generator[tuple[int, int]]:
    """Measure a method; an interrupted run goes on when it is called again.

    Writes `out/summary.json`, `out/targets.csv`, `out/contact-sheet.png`, `out/report.html`, `out/run.json` and
    `out/journal.jsonl`.

    Yields:
        How many targets are done, and how many there are.

    Raises:
        InputError: no target is left, or the folder holds another run.
    """
    episodes = list(episodes[: settings.limit])
    asked = [
        (episode, target)
        for episode in episodes
        for target in (episode.targets[:1] if settings.protocol == "pdm" else episode.targets)
    ]
    signature = {
        "method": method.name,
        "weights": method.weights_sha256,
        "dataset": dataset,
        "root": str(root),
        **vars(settings),
        "version": tamis.__version__,
    }
    with resumable_folder(out, signature, {}, method.weights_sha256) as (run, journal):
        run.dataset = fingerprint(
            file_hash(view.path) for episode in episodes for view in (episode.reference, *episode.targets)
        )
        memories: dict[str, Any] = {}

        def remembered(episode: Episode) -> Any:
            if episode.name not in memories:
                image, mask = _prepared(episode.reference, settings.protocol)
                memories[episode.name] = method.remember([Reference(image, mask, episode.reference.name)])
            return memories[episode.name]

        for number, (episode, target) in enumerate(asked):
            if target.name not in journal.entries:
                rng = np.random.default_rng((settings.seed, number))
                others = [other for other in episodes if other.name != episode.name]
                drawn = rng.permutation(len(others))[: settings.negatives]
                image, truth = _prepared(target, settings.protocol)
                if settings.protocol == "pdm" and truth.mean() < LEAST_SHARE:
                    journal.add(target.name, {"object": episode.name, "too_small": True})
                    continue
                seen = method.look(image)
                located = remembered(episode).locate(seen)
                entry = {
                    "object": episode.name,
                    "counts": list(vars(counts_of(located.mask, truth)).values()),
                    "presence": located.presence,
                    "predicted_iou": located.predicted_iou,
                    "absent": [remembered(others[other]).locate(seen).presence for other in drawn],
                }
                write_image(out / "pictures" / f"{number}.jpg", thumbnail(cut_out(image, located.mask), 440))
                journal.add(target.name, entry)
            yield number + 1, len(asked)
        _write(out, signature, [(target.name, journal.entries[target.name]) for _, target in asked])


def _prepared(view: View, protocol: str) -> tuple[ImageArray, MaskArray]:
    image, mask = view.image(), view.read_mask()
    if mask.shape != image.shape[:2]:
        raise InputError(
            f"{view.path}: the mask is {mask.shape[1]}x{mask.shape[0]} but the image "
            f"{image.shape[1]}x{image.shape[0]}; one of them was resized or belongs to another image"
        )
    return squared(image, mask) if protocol == "pdm" else (image, mask)


def _write(out: Path, signature: dict[str, Any], entries: list[tuple[str, dict[str, Any]]]) -> None:
    kept = [(number, name, each) for number, (name, each) in enumerate(entries) if not each.get("too_small")]
    counts = [Counts(*each["counts"]) for _, _, each in kept]
    summary = summary_of([each["object"] for _, _, each in kept], counts)
    protocol = str(signature["protocol"])
    summary = {
        "protocol": protocol,
        "miou": summary[HEADLINE[protocol]],
        "miou_is": HEADLINE[protocol],
        **summary,
        "too_small": len(entries) - len(kept),
        "settings": signature,
    }
    present = [each["presence"] for _, _, each in kept]
    absent = [score for _, _, each in kept for score in each["absent"]]
    chart = ""
    if absent:
        curve = roc(present, absent)
        summary["presence"] = {"pairs_with": len(present), "pairs_without": len(absent), **curve.record()}
        points = roc_points(curve)
        chart = curves({"presence": points}, "false positive rate", "true positive rate")
    write_json(out / "summary.json", summary)
    rows = ["target,object,iou,presence,predicted_iou,highest_presence_of_others"]
    rows += [
        f"{name},{each['object']},{one.iou:.4f},{each['presence']:.4f},{each['predicted_iou']:.4f},"
        f"{max(each['absent'], default=0):.4f}"
        for (_, name, each), one in zip(kept, counts, strict=True)
    ]
    (out / "targets.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    worst = sorted(range(len(kept)), key=lambda place: counts[place].iou)[:SHOWN]
    _write_pages(out, summary, chart, [(kept[place], counts[place].iou) for place in worst])


def _write_pages(out: Path, summary: dict[str, Any], chart: str, shown: list[Any]) -> None:
    from tamis.image import read_image

    cells, figures = [], []
    for (number, name, each), iou in shown:
        file = f"pictures/{number}.jpg"
        caption = f"IoU {iou:.2f}, presence {each['presence']:.2f}  {name}"
        short = name if len(name) < 12 else f"…{name[-10:]}"  # a cell has room for 30 letters
        cells.append(Cell(read_image(out / file), f"{iou:.2f}, presence {each['presence']:.2f} {short}", iou >= 0.5))
        figures.append(figure(file, caption))
    write_image(out / "contact-sheet.png", contact_sheet(cells))
    keys = ("miou", "image_miou", "total_iou", "object_miou", "object_macc", "object_biou", "images", "objects")
    cells_of = "".join(
        f'<tr><td>{key}</td><td class="number">{_said(summary[key])}</td></tr>' for key in keys if key in summary
    )
    presence = summary.get("presence", {})
    said = f"<p>presence: area below the curve {presence['auc']:.4f}</p>" if presence else ""
    body = f"<p>protocol {summary['protocol']}</p><table>{cells_of}</table>{said}{chart}<h2>The worst first</h2>"
    write_page(out / "report.html", "Personalised segmentation", f'{body}<div class="row">{"".join(figures)}</div>')


def _said(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)
