"""`tamis evaluate personalized`, as a function: every object found again in its targets, and missed in others'."""

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
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
from tamis.personal.protocol import Memory, Method, Reference
from tamis.render.chart import curves
from tamis.render.contact_sheet import Cell, contact_sheet, thumbnail
from tamis.render.overlays import cut_out
from tamis.render.page import figure, write_page
from tamis.results.files import write_json
from tamis.results.folder import resumable_folder
from tamis.results.run import file_hash, fingerprint
from tamis.scale.executors import IN_PROCESS
from tamis.scale.running import Executor, in_order, none_lost

MEANS = {
    "image_miou": "IoU, mean of images",
    "total_iou": "IoU of all pixels together",
    "object_miou": "IoU by object, then the mean",
    "object_macc": "accuracy by object, then the mean",
    "object_biou": "boundary IoU by object, then the mean",
}
"""What the report calls the means of a summary."""

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
    method: Method,
    dataset: str,
    root: Path,
    episodes: Sequence[Episode],
    settings: PersonalizedSettings,
    out: Path,
    executor: Executor = IN_PROCESS,
) -> Generator[tuple[int, int]]:
    """Measure a method; an interrupted run goes on when it is called again, with any number of workers.

    Writes `out/summary.json`, `out/targets.csv`, `out/contact-sheet.png`, `out/report.html`, `out/run.json` and
    `out/journal.jsonl`.

    Args:
        method: for other processes than this it can be pickled.
        dataset: its name.
        root: its folder.
        episodes: objects and the images they are looked for in.
        settings: the rules.
        out: the result folder.
        executor: who works, a target at a time; each worker remembers the objects that it has seen.

    Yields:
        How many targets are done, and how many there are.

    Raises:
        InputError: no target is left, or the folder holds another run.
        UnavailableError: targets ended their workers: all others are kept.
    """
    episodes = list(episodes[: settings.limit])
    asked = [
        _Asked(number, place, target)
        for number, (place, target) in enumerate(
            (place, target)
            for place, episode in enumerate(episodes)
            for target in (episode.targets[:1] if settings.protocol == "pdm" else episode.targets)
        )
    ]
    signature = {
        "method": method.name,
        "weights": method.weights_sha256,
        "dataset": dataset,
        "root": str(root),
        **vars(settings),
        "version": tamis.__version__,
    }
    with resumable_folder(out, signature, {"workers": executor.count}, method.weights_sha256) as (run, journal):
        views = [view for episode in episodes for view in (episode.reference, *episode.targets)]
        files = {file for view in views for file in (view.path, view.mask_path)}
        run.dataset = fingerprint(map(file_hash, files))
        missing = [each for each in asked if each.target.name not in journal.entries]
        if len(missing) < len(asked):
            yield len(asked) - len(missing), len(asked)
        with closing(in_order(_Search(method, episodes, settings), missing, executor)) as results:
            for one, (entry, picture) in none_lost(results, lambda one: one.target.name):
                if picture is not None:
                    write_image(out / "pictures" / f"{one.number}.jpg", picture)
                journal.add(one.target.name, entry)
                yield len(journal.entries), len(asked)
        _write(out, signature, [(one.target.name, journal.entries[one.target.name]) for one in asked])


@dataclass(frozen=True, eq=False)
class _Asked:
    """A target; its number among all of them, and that of its episode."""

    number: int
    episode: int
    target: View


@dataclass(frozen=True, eq=False)
class _Search:
    """What a worker does with a target; it remembers each object once."""

    method: Method
    episodes: Sequence[Episode]
    settings: PersonalizedSettings
    memories: dict[str, Memory] = field(default_factory=dict)

    def __call__(self, asked: _Asked) -> tuple[dict[str, Any], ImageArray | None]:
        """What the journal keeps, and a small picture of what was found."""
        episode = self.episodes[asked.episode]
        image, truth = _prepared(asked.target, self.settings.protocol)
        if self.settings.protocol == "pdm" and truth.mean() < LEAST_SHARE:
            return {"object": episode.name, "too_small": True}, None
        others = [other for other in self.episodes if other.name != episode.name]
        rng = np.random.default_rng((self.settings.seed, asked.number))
        drawn = rng.permutation(len(others))[: self.settings.negatives]
        seen = self.method.look(image)
        located = self._remembered(episode).locate(seen)
        entry = {
            "object": episode.name,
            "counts": list(vars(counts_of(located.mask, truth)).values()),
            "presence": located.presence,
            "predicted_iou": located.predicted_iou,
            "absent": [self._remembered(others[other]).present(seen) for other in drawn],
        }
        return entry, thumbnail(cut_out(image, located.mask), 440)

    def _remembered(self, episode: Episode) -> Memory:
        if episode.name not in self.memories:
            image, mask = _prepared(episode.reference, self.settings.protocol)
            self.memories[episode.name] = self.method.remember([Reference(image, mask, episode.reference.name)])
        return self.memories[episode.name]


def _prepared(view: View, protocol: str) -> tuple[ImageArray, MaskArray]:
    image, mask = view.image(), view.mask()
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
    table = "".join(
        f"<tr><td>{f'<b>{name}</b>: mIoU' if key == summary['miou_is'] else name}</td>"
        f'<td class="number">{_said(summary[key])}</td></tr>'
        for key, name in MEANS.items()
        if summary[key] is not None
    )
    settings = summary["settings"]
    about = f"{settings['dataset']} by {settings['method']}, rules of {summary['protocol']}; "
    about += f"{summary['images']} images of {summary['objects']} objects"
    presence = f"<h2>Is it there?</h2>{_presence(summary['presence'])}{chart}" if "presence" in summary else ""
    body = f"<p>{about}</p><table>{table}</table>{presence}<h2>The worst first</h2>"
    write_page(out / "report.html", "Personalised segmentation", f'{body}<div class="row">{"".join(figures)}</div>')


def _presence(told: dict[str, Any]) -> str:
    """How often an object is noticed, and how often one that is not there, at two thresholds."""
    best, half = told["best"], told["at_half"]
    rows = [
        f'<tr><td>{name}</td><td class="number">{rates["true_positive_rate"]:.1%}</td>'
        f'<td class="number">{rates["false_positive_rate"]:.1%}</td></tr>'
        for name, rates in (("0.5", half), (f"{told['best_threshold']:.2f}, the best here", best))
    ]
    pairs = f"{told['pairs_with']} pairs with the object and {told['pairs_without']} without"
    heads = "<tr><th>there from a presence of</th><th>noticed</th><th>false alarms</th></tr>"
    return f"<p>{pairs}; area below the curve {told['auc']:.4f}</p><table>{heads}{''.join(rows)}</table>"


def _said(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)
