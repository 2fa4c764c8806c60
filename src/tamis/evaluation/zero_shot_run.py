"""A zero-shot evaluation as a folder of results: resumable, told in full, and nothing dropped silently."""

import json
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import tamis
from tamis.datasets.protocol import Dataset, Sample
from tamis.evaluation.recall import COCO_THRESHOLDS, mean_recall
from tamis.evaluation.run import Progress, names_hash, require_pyarrow
from tamis.evaluation.summary import SIZES, bootstrap_weights, resampled_means
from tamis.evaluation.zero_shot import ZeroShotRecord, ZeroShotRules, evaluate_image
from tamis.results.files import replacing, write_json
from tamis.results.folder import resumable_folder
from tamis.results.run import file_hash, fingerprint
from tamis.scale.executors import IN_PROCESS
from tamis.scale.running import Executor, in_order, none_lost
from tamis.segmentors import Segmentor, weights_of

KIND = "zero-shot"
"""What `summary.json` says of itself."""


def run_zero_shot(
    segmentor: Segmentor,
    dataset: Dataset,
    rules: ZeroShotRules,
    out: Path,
    seed: int = 0,
    limit: int | None = None,
    executor: Executor = IN_PROCESS,
) -> Generator[Progress]:
    """Evaluate, and write `masks.parquet`, `summary.json` and `run.json`; what an earlier run finished is kept.

    Args:
        segmentor: the model.
        dataset: with the masks that should be found.
        rules: of the evaluation.
        out: the result folder.
        seed: of the bootstrap.
        limit: only the first so many images.
        executor: who works; for other processes the segmentor can be pickled.

    Yields:
        Progress after every image, with the mIoU at the largest budget.

    Raises:
        InputError: the folder holds another run, or the dataset has no images.
        OutputError: a result cannot be written.
        UnavailableError: pyarrow is not installed, or images ended their workers: all others are kept.
    """
    require_pyarrow()
    dataset = dataset.first(limit)
    weights = weights_of(segmentor)
    told = json.loads(json.dumps(asdict(rules)))
    signature = {
        "kind": KIND,
        "segmentor": segmentor.name,
        "weights": weights,
        "dataset": dataset.name,
        "split": dataset.split,
        "images": names_hash(dataset),
        "rules": told,
        "seed": seed,
        "version": tamis.__version__,
    }
    further = {"root": str(dataset.root), "limit": limit}
    with resumable_folder(out, signature, further, weights) as (run, journal):
        work = _Evaluate(segmentor, rules)
        missing = [sample for sample in dataset.samples if sample.name not in journal.entries]
        if len(missing) < len(dataset.samples):
            yield _progress(journal.entries, len(dataset.samples))
        with closing(in_order(work, missing, executor)) as results:
            for sample, record in none_lost(results, lambda sample: sample.name):
                journal.add(sample.name, record)
                yield _progress(journal.entries, len(dataset.samples))
        records = {sample.name: ZeroShotRecord(**journal.entries[sample.name]) for sample in dataset.samples}
        write_rows(out / "masks.parquet", dataset, rules.budgets, records)
        summary = {
            "kind": KIND,
            "dataset": dataset.name,
            "split": dataset.split,
            "segmentor": segmentor.name,
            "rules": told,
            "seed": seed,
            **summarise_zero_shot(records, rules.budgets, dataset.unmatched, seed),
        }
        write_json(out / "summary.json", summary)
        run.dataset = fingerprint(
            file_hash(sample.image_path) for sample in dataset.samples if sample.image_path.is_file()
        )


@dataclass(frozen=True)
class _Evaluate:
    """What a worker does with an image."""

    segmentor: Segmentor
    rules: ZeroShotRules

    def __call__(self, sample: Sample) -> dict[str, Any]:
        return evaluate_image(self.segmentor, sample, self.rules).to_json()


def _progress(entries: Mapping[str, Any], images: int) -> Progress:
    ious = [iou for entry in entries.values() for row in entry["best"][-1:] for iou in row]
    return Progress(len(entries), images, float(np.mean(ious)) if ious else None)


def summarise_zero_shot(
    records: Mapping[str, ZeroShotRecord],
    budgets: Sequence[int],
    unmatched: Mapping[str, Sequence[str]],
    seed: int,
) -> dict[str, Any]:
    """The numbers, as JSON values; means over all masks of all images.

    `miou` is a list by budget, the mean over masks of the largest IoU of as many proposals, `miou_ci95` its intervals
    by bootstrap over images; `ar` COCO's average recall and `ar_best_overlap` the same if a proposal may be used for
    several masks, both by budget; `mean_recall` the mean recall over all thresholds with the largest budget, which is
    the last `miou`; `bounds` the mIoU of all proposals and of the best unions of superpixels; `by_size` mIoU by budget
    for masks whose area has that root.
    """
    every = list(records.values())
    with_masks = [record for record in every if record.masks]
    summary: dict[str, Any] = {
        "images": len(with_masks),
        "masks": sum(len(record.masks) for record in every),
        "budgets": list(budgets),
        "skipped_small": sum(len(record.skipped_small) for record in every),
        "empty": sum(len(record.empty) for record in every),
        "mismatched": {name: record.mismatched for name, record in records.items() if record.mismatched},
        "unreadable": {name: record.error for name, record in records.items() if record.error},
        "unmatched": {kind: list(names) for kind, names in unmatched.items()},
    }
    if not with_masks:
        return summary
    best = np.concatenate([np.array(record.best).T for record in with_masks])
    image = np.repeat(np.arange(len(with_masks)), [len(record.masks) for record in with_masks])
    weights = bootstrap_weights(len(with_masks), np.random.default_rng(seed))
    low, high = np.quantile(resampled_means(best, image, weights), [0.025, 0.975], axis=0)
    matched = np.sum([record.matched for record in with_masks], axis=0) / len(best)
    # IoUs are kept to six places, so that one that reaches a threshold may be that much below it.
    reached = np.mean(best[..., None] >= COCO_THRESHOLDS - 5e-7, axis=(0, 2))
    areas = np.concatenate([record.areas for record in with_masks])
    summary |= {
        "miou": _rounded(best.mean(axis=0)),
        "miou_ci95": [_rounded(pair) for pair in np.stack([low, high], axis=1)],
        "ar": _rounded(matched.mean(axis=1)),
        "ar_best_overlap": _rounded(reached),
        "mean_recall": round(mean_recall(best[:, -1]), 6),
        "bounds": {
            "all proposals": round(float(np.mean(np.concatenate([record.bound for record in with_masks]))), 6),
            "unions of superpixels": round(
                float(np.mean(np.concatenate([record.union_bound for record in with_masks]))), 6
            ),
        },
        "proposals": round(float(np.mean([record.proposals for record in with_masks])), 1),
        "superpixels": round(float(np.mean([record.superpixels for record in with_masks])), 1),
        "by_size": _by_size(best, areas),
        "seconds": round(float(np.mean([record.seconds for record in with_masks])), 4),
    }
    return summary


def write_rows(path: Path, dataset: Dataset, budgets: Sequence[int], records: Mapping[str, ZeroShotRecord]) -> None:
    """Write one row for each mask and budget, in the dataset's order."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [
        {"dataset": dataset.name, "image": image, "mask": mask, "area": area, "budget": budget, "iou": iou}
        for image, record in records.items()
        for budget, ious in zip(budgets, record.best, strict=False)
        for mask, area, iou in zip(record.masks, record.areas, ious, strict=True)
    ]
    schema = pa.schema(
        [
            ("dataset", pa.string()),
            ("image", pa.string()),
            ("mask", pa.string()),
            ("area", pa.int64()),
            ("budget", pa.int32()),
            ("iou", pa.float32()),
        ]
    )
    with replacing(path) as file:
        pq.write_table(pa.Table.from_pylist(rows, schema), file)


def _by_size(best: NDArray[np.float64], areas: NDArray[np.int64]) -> dict[str, dict[str, Any]]:
    size = np.digitize(np.sqrt(areas), SIZES)
    names = [f"<{SIZES[0]}", *(f"{a}-{b}" for a, b in pairwise(SIZES)), f"≥{SIZES[-1]}"]
    return {
        name: {"masks": int((size == index).sum()), "miou": _rounded(best[size == index].mean(axis=0))}
        for index, name in enumerate(names)
        if (size == index).any()
    }


def _rounded(values: NDArray[np.float64]) -> list[float]:
    return [round(float(value), 6) for value in values]
