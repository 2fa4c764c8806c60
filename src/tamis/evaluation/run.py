"""An evaluation as a folder of results: resumable, told in full, and nothing dropped silently."""

import hashlib
from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import tamis
from tamis.datasets.protocol import Dataset
from tamis.errors import UnavailableError
from tamis.evaluation.interactive import ClickRecord, ImageRecord, evaluate_with
from tamis.evaluation.real_clicks import RealClicks, real_clicks_summary
from tamis.evaluation.rules import Rules
from tamis.evaluation.summary import summarise
from tamis.results.files import replacing, write_json
from tamis.results.folder import resumable_folder
from tamis.results.run import file_hash, fingerprint
from tamis.scale.executors import IN_PROCESS
from tamis.scale.running import Executor
from tamis.segmentors import Segmentor, load_segmentor, weights_of


@dataclass(frozen=True)
class Progress:
    """How far an evaluation is.

    Attributes:
        done: images finished, by earlier runs too.
        images: in all.
        miou: over the tries so far, after the first click; None before there is one.
    """

    done: int
    images: int
    miou: float | None


def run_evaluation(
    segmentor: str | Segmentor,
    dataset: Dataset,
    rules: Rules,
    out: Path,
    seed: int = 0,
    limit: int | None = None,
    executor: Executor = IN_PROCESS,
    real: RealClicks | None = None,
) -> Generator[Progress]:
    """Evaluate, and write `masks.parquet`, `summary.json` and `run.json`; what an earlier run finished is kept.

    Every number but the seconds is the same whether the run was interrupted or not, and with any number of workers.

    Args:
        segmentor: a segmentor, or a name that `load_segmentor` takes; for other processes it can be pickled.
        dataset: what to click on.
        rules: of the evaluation.
        out: the result folder.
        seed: of clicks and bootstrap.
        limit: only the first so many images.
        executor: who works.
        real: clicks of people to begin with: figures are then those of tries after them, and `real_clicks` of the
            summary compares with clicks in the middle.

    Yields:
        Progress after every image. The results are written when the iteration ends.

    Raises:
        InputError: the folder holds another run, or one is going on there; the dataset has nothing to click on.
        OutputError: a result cannot be written.
        UnavailableError: pyarrow is not installed, or images ended their workers: all others are kept.
    """
    require_pyarrow()
    dataset = dataset.first(limit)
    loaded = load_segmentor(segmentor) if isinstance(segmentor, str) else segmentor
    name, weights = loaded.name, weights_of(loaded)
    signature = {
        "segmentor": name,
        "weights": weights,
        "dataset": dataset.name,
        "split": dataset.split,
        "images": names_hash(dataset),
        "rules": {**asdict(rules), "tta": list(rules.tta)},
        "seed": seed,
        "version": tamis.__version__,
        **({} if real is None else {"real_clicks": real.sha256}),
    }
    further = {"root": str(dataset.root), "limit": limit, "workers": executor.count}
    with resumable_folder(out, signature, further, weights) as (run, journal):
        already = frozenset(journal.entries)
        asked = loaded if executor is IN_PROCESS else segmentor  # a name is quicker to send than a model
        images = evaluate_with(asked, dataset, rules, seed, executor, already.__contains__, real)
        ious = [c["iou"] for entry in journal.entries.values() for c in entry["clicks"] if c["click"] == 1]
        with closing(images):
            for image, record in images:
                journal.add(image, record.to_json())
                ious += [click.iou for click in record.clicks if click.click == 1]
                yield Progress(len(journal.entries), len(dataset.samples), sum(ious) / len(ious) if ious else None)
        records = {s.name: ImageRecord.from_json(journal.entries[s.name]) for s in dataset.samples}
        write_masks(out / "masks.parquet", dataset, records)
        counted = records if real is None else {name: after_people(record) for name, record in records.items()}
        summary = {
            "dataset": dataset.name,
            "split": dataset.split,
            "segmentor": name,
            "rules": {**asdict(rules), "tta": list(rules.tta)},
            "seed": seed,
            **summarise(counted, rules, dataset.unmatched, seed),
            **({} if real is None else {"real_clicks": real_clicks_summary(click_rows(records, rules.clicks))}),
        }
        write_json(out / "summary.json", summary)
        run.dataset = fingerprint(
            file_hash(sample.image_path) for sample in dataset.samples if sample.image_path.is_file()
        )


def after_people(record: ImageRecord) -> ImageRecord:
    """A record without the tries that no person began."""
    return replace(record, clicks=[click for click in record.clicks if click.repeat])


def click_rows(records: Mapping[str, ImageRecord], limit: int) -> list[dict[str, Any]]:
    """What `real_clicks_summary` takes, of records whose repeat 0 is the try that no person began."""
    tries: dict[tuple[str, str, int], list[ClickRecord]] = {}
    for image, record in records.items():
        for click in record.clicks:
            tries.setdefault((image, click.mask, click.repeat), []).append(click)
    return [
        {
            "image": image,
            "mask": mask,
            "noc": next((c.click for c in made if np.float32(c.iou) >= np.float32(0.9)), limit),
            "iou": made[0].iou,
            "click": (made[0].x, made[0].y) if repeat else None,
        }
        for (image, mask, repeat), made in tries.items()
    ]


def write_masks(path: Path, dataset: Dataset, records: dict[str, ImageRecord]) -> None:
    """Write one row for each mask, repeat and click, in the dataset's order."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows: list[dict[str, Any]] = [
        {"dataset": dataset.name, "image": image, **asdict(click)}
        for image, record in records.items()
        for click in record.clicks
    ]
    schema = pa.schema(
        [
            ("dataset", pa.string()),
            ("image", pa.string()),
            ("mask", pa.string()),
            ("area", pa.int64()),
            ("repeat", pa.int32()),
            ("click", pa.int32()),
            ("x", pa.float64()),
            ("y", pa.float64()),
            ("positive", pa.bool_()),
            ("iou", pa.float32()),
            ("seconds", pa.float64()),
        ]
    )
    with replacing(path) as file:
        pq.write_table(pa.Table.from_pylist(rows, schema), file)


def names_hash(dataset: Dataset) -> str:
    """Which images a dataset has, as 16 hexadecimal digits."""
    return hashlib.sha256("\n".join(sample.name for sample in dataset.samples).encode()).hexdigest()[:16]


def require_pyarrow() -> None:
    """Raise UnavailableError where the package is missing that reads and writes `masks.parquet`."""
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise UnavailableError("evaluations are kept as Parquet: run pip install 'tamis[benchmark]'") from None
