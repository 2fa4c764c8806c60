"""Measuring a checkpoint on a dataset, with a folder of results that says how they came about."""

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

import tamis
from tamis.errors import InputError
from tamis.image import write_image
from tamis.render.page import figure, write_page
from tamis.results.files import replacing, write_bytes, write_json
from tamis.results.folder import result_folder
from tamis.results.run import Run, file_hash, fingerprint
from tamis.semantic.confusion_chart import confusion_chart
from tamis.semantic.data.dataset import BrokenFiles, SemanticDataset, open_semantic
from tamis.semantic.inference import InferenceSettings
from tamis.semantic.measuring import measure, picture_of_predictions
from tamis.semantic.metrics import Confusion, Measures, as_record, measures, nothing_yet
from tamis.semantic.networks.building import placed_on
from tamis.semantic.networks.checkpoints import (
    LOOKING,
    TrainedNetwork,
    load_trained,
    recipe_record,
    require_classes,
    weights_file,
)
from tamis.training.loop import pick_device

RESULT = "semantic.json"
KEPT_EVERY = 25
"""Images after which what was counted so far is kept, for a run that goes on."""


@dataclass(frozen=True)
class EvaluateJob:
    """What to measure, on what, and where to."""

    checkpoint: Path
    data: Path
    out: Path
    split: str = "val"
    layout: str = "auto"
    recipe: str | None = None
    """Of an official checkpoint of mmsegmentation."""
    overrides: Mapping[str, str] = field(default_factory=dict)
    several: bool = False
    """Whether to measure with several scales and mirrored images too."""
    device: str = "auto"


def evaluate(
    job: EvaluateJob,
    say: Callable[[str], None] = lambda sentence: None,
    on_image: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Any]:
    """Measure, write `semantic.json`, `classes.csv`, `confusion.svg`, `index.html` and `run.json`; return the first.

    What was counted is kept now and then, and the same command goes on from there.

    Args:
        job: what to do.
        say: is told of files that were passed over.
        on_image: is called with the images done and their number.

    Raises:
        InputError: checkpoint and data do not fit, or a file of the data is not as it should be.
        OutputError: the folder cannot be written to.
    """
    trained = load_trained(job.checkpoint, job.recipe, job.overrides)
    dataset = open_semantic(job.data, job.split, job.layout)
    require_classes(job.checkpoint, trained.count, trained.classes, dataset.classes, dataset.name)
    if not len(dataset):
        raise InputError(f"{dataset.name} in {job.data} holds no images: choose another --split")
    recipe = trained.recipe
    looking = {name: value for name, value in recipe_record(recipe).items() if name in LOOKING}
    settings_of_run = {
        "checkpoint": str(job.checkpoint),
        "data": str(job.data),
        "split": job.split,
        "several": job.several,
        "recipe": recipe.name,
        "seed": recipe.seed,
        **looking,
    }
    weights = file_hash(weights_file(job.checkpoint))
    images = fingerprint(file_hash(path) for path in (*dataset.images, *dataset.labels))
    with result_folder(job.out, settings_of_run, weights, images) as run:
        device = pick_device(job.device)
        placed_on(trained.network, device)
        broken = BrokenFiles()
        passes = 2 if job.several else 1
        settings = replace(recipe.inference, several=False)
        total = _counted(job, trained, dataset, settings, run, broken, passes, on_image)
        found = measures(total)
        record: dict[str, Any] = {
            "dataset": dataset.name,
            "model": recipe.name,
            "backbone": recipe.backbone,
            "crop": f"{recipe.crop}x{recipe.crop}",
            "iterations": trained.steps or "",
            "images": len(dataset) - len(broken.reasons),
            **as_record(found, dataset.classes),
        }
        if job.several:
            both = replace(settings, several=True)
            record["miou_ms"] = measures(_counted(job, trained, dataset, both, run, broken, passes, on_image)).miou
        record["broken"] = [str(reason) for reason in broken.reasons.values()]
        record["run"] = {
            "command": run.command,
            "version": tamis.__version__,
            "weights_sha256": run.weights,
            "dataset_fingerprint": run.dataset,
            "settings": dict(run.settings),
        }
        for reason in record["broken"]:
            say(f"left out: {reason}")
        sheet = picture_of_predictions(trained.network, dataset, settings, device)
        write_image(job.out / "predictions.jpg", sheet)
        _write(job.out, record, dataset, total, found)
        for name in _kept_names():
            (job.out / name).unlink(missing_ok=True)
    return record


def _counted(
    job: EvaluateJob,
    trained: TrainedNetwork,
    dataset: SemanticDataset,
    settings: InferenceSettings,
    run: Run,
    broken: BrokenFiles,
    passes: int,
    on_image: Callable[[int, int], None],
) -> Confusion:
    """The areas of a whole pass, which goes on where an earlier one of the same settings was cut off."""
    kept = job.out / _kept_names()[settings.several]
    signature = f"{run.weights} {run.dataset} {settings}"
    total, first = _read_kept(kept, signature, len(dataset.classes))
    device = next(trained.network.parameters()).device
    before = len(dataset) if settings.several else 0
    for start in range(first, len(dataset), KEPT_EVERY):
        indices = range(start, min(start + KEPT_EVERY, len(dataset)))

        def tell(index: int) -> None:
            on_image(before + index + 1, passes * len(dataset))

        total += measure(trained.network, dataset, settings, device, indices, broken, tell)
        if not broken.reasons:  # a broken file has to be named again
            with replacing(kept) as stream:
                np.savez(stream, counts=total.counts, done=indices.stop, signature=signature)
    return total


def _kept_names() -> tuple[str, str]:
    return ".counted.npz", ".counted-several.npz"


def _read_kept(file: Path, signature: str, classes: int) -> tuple[Confusion, int]:
    if file.exists():
        with np.load(file) as content:
            if str(content["signature"]) == signature:
                return Confusion(content["counts"]), int(content["done"])
    return nothing_yet(classes), 0


def _write(out: Path, record: Mapping[str, Any], dataset: SemanticDataset, total: Confusion, found: Measures) -> None:
    write_json(out / RESULT, dict(record))
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(["class", "iou", "accuracy", "pixels", "predicted"])
    for row in zip(dataset.classes, found.iou, found.accuracy, total.label, total.prediction, strict=True):
        writer.writerow(row)
    write_bytes(out / "classes.csv", table.getvalue().encode())
    chart = confusion_chart(total, dataset.classes)
    write_bytes(out / "confusion.svg", chart.encode())
    write_page(out / "index.html", f"{record['model']} on {record['dataset']}", _body(record, chart))


def _body(record: Mapping[str, Any], chart: str) -> str:
    several = f", mIoU with several scales {_percent(record['miou_ms'])}" if "miou_ms" in record else ""
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td class=number>{_percent(each['iou'])}</td>"
        f"<td class=number>{_percent(each['accuracy'])}</td></tr>"
        for name, each in sorted(record["classes"].items(), key=lambda item: -(item[1]["iou"] or 0))
    )
    run = record["run"]
    return "\n".join(
        [
            f"<p>mIoU {_percent(record['miou'])}, mAcc {_percent(record['macc'])}, aAcc {_percent(record['aacc'])}"
            f"{several}; {record['images']} images</p>",
            f"<p class=quiet><code>{escape(' '.join(run['command']))}</code><br>tamis {escape(run['version'])}"
            f", weights {escape(str(run['weights_sha256'])[:16])}, data "
            f"{escape(str(run['dataset_fingerprint'])[:16])}</p>",
            f"<h2>Classes</h2><table><tr><th>class<th>IoU<th>accuracy</tr>{rows}</table>",
            f"<h2>Confusion <small>a row for each true class</small></h2>{chart}",
            "<h2>Predictions <small>image, labels, prediction</small></h2>",
            figure("predictions.jpg", str(record["dataset"])),
        ]
    )


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.2f}"
