"""Do more simulated clicks make one person's click better? Every rule on the same clicks.

After one real click x, further clicks y are simulated, inside the first prediction or where it is least certain, and
the answers are combined. A simulated click is positive where the first answer says so, negative elsewhere;
triangulation asks for both signs and weighs them by P(y in mask | x).
"""

from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import tamis
from tamis.arrays import MaskArray, ProbabilityArray
from tamis.clicks import Click, random_click, with_clicked_pixels
from tamis.datasets.protocol import Dataset, Sample, Target
from tamis.evaluation import combining
from tamis.evaluation.interactive import ImageRecord, seed_of, usable_targets
from tamis.evaluation.rules import Rules
from tamis.evaluation.run import Progress, names_hash
from tamis.evaluation.summary import bootstrap_weights, resampled_means
from tamis.mask.iou import iou_of
from tamis.render import chart
from tamis.render.page import write_page
from tamis.results.files import write_json
from tamis.results.folder import resumable_folder
from tamis.scale.executors import IN_PROCESS
from tamis.scale.running import Executor, in_order, none_lost
from tamis.segmentors import EncodedImage, Segmentor, weights_of

PLACES = ("inside", "uncertain")
"""Where simulated clicks fall: uniform over the first prediction, or over its least certain 2 % of pixels."""

RULES = (*combining.RULES, "triangulation")


@dataclass(frozen=True)
class StudySettings:
    """What is tried.

    Attributes:
        extra: numbers of simulated clicks, ascending.
        places: of PLACES.
        threshold: a pixel is in the mask if its probability is greater.
        repeats: real clicks for each mask.
        min_area: smaller masks, in pixels, are skipped.
    """

    extra: tuple[int, ...] = (1, 2, 5, 10)
    places: tuple[str, ...] = PLACES
    threshold: float = 0.5
    repeats: int = 1
    min_area: int = 256


def run_study(
    segmentor: Segmentor,
    dataset: Dataset,
    settings: StudySettings,
    out: Path,
    seed: int = 0,
    limit: int | None = None,
    executor: Executor = IN_PROCESS,
) -> Generator[Progress]:
    """Run the study, and write `combine.json`, `run.json` and `report.html`; it resumes like an evaluation.

    Args:
        segmentor: for other processes than this it can be pickled.
        dataset: what to click on.
        settings: what is tried.
        out: the result folder.
        seed: of clicks and bootstrap.
        limit: only the first so many images.
        executor: who works, an image at a time.

    Yields:
        Progress after every image, with the mIoU of the real clicks alone.

    Raises:
        InputError: the folder holds another run, or the dataset has nothing to click on.
        OutputError: a result cannot be written.
        UnavailableError: images ended their workers: all others are kept.
    """
    dataset = dataset.first(limit)
    weights = weights_of(segmentor)
    signature = {
        "segmentor": segmentor.name,
        "weights": weights,
        "dataset": dataset.name,
        "split": dataset.split,
        "images": names_hash(dataset),
        "settings": {**asdict(settings), "extra": list(settings.extra), "places": list(settings.places)},
        "seed": seed,
        "version": tamis.__version__,
    }
    with resumable_folder(out, signature, {"workers": executor.count}, weights) as (_, journal):
        missing = [sample for sample in dataset.samples if sample.name not in journal.entries]
        with closing(in_order(_Study(segmentor, settings, seed), missing, executor)) as results:
            for sample, entry in none_lost(results, lambda sample: sample.name):
                journal.add(sample.name, entry)
                alone = [iou for each in journal.entries.values() for iou in each["ious"].get("alone", [])]
                yield Progress(len(journal.entries), len(dataset.samples), float(np.mean(alone)) if alone else None)
        entries = [journal.entries[sample.name] for sample in dataset.samples]
        rows = _table([entry["ious"] for entry in entries if entry["ious"]], seed)
        left_out = {
            sample.name: entry["error"]
            for sample, entry in zip(dataset.samples, entries, strict=True)
            if entry["error"]
        }
        write_json(out / "combine.json", {**signature, "results": rows, "unreadable": left_out})
        _write_page(out / "report.html", segmentor.name, dataset.name, rows)


@dataclass(frozen=True)
class _Study:
    """What a worker does with an image."""

    segmentor: Segmentor
    settings: StudySettings
    seed: int

    def __call__(self, sample: Sample) -> dict[str, Any]:
        return study_image(self.segmentor, sample, self.settings, self.seed)


def study_image(segmentor: Segmentor, sample: Sample, settings: StudySettings, seed: int) -> dict[str, Any]:
    """One image: {"error": why it could not be read or None, "ious": {column: IoUs of all tries}}."""
    record = ImageRecord()
    found = usable_targets(sample, Rules(min_area=settings.min_area), record)
    columns: dict[str, list[float]] = {}
    if found is not None:
        image, targets = found
        encoded = segmentor.encode(image)
        for target in targets:
            for repeat in range(settings.repeats):
                rng = np.random.default_rng(seed_of(seed, sample.name, target.id, repeat))
                for column, iou in _one_try(encoded, target, settings, rng).items():
                    columns.setdefault(column, []).append(iou)
    return {"error": record.error, "ious": columns}


def _one_try(
    encoded: EncodedImage, target: Target, settings: StudySettings, rng: np.random.Generator
) -> dict[str, float]:
    wanted = target.mask if target.valid is None else target.mask & target.valid
    first_click = random_click(wanted, rng)
    first = encoded.probability([first_click])
    ious = {"alone": iou_of(first > settings.threshold, wanted, target.valid)}
    for place in settings.places:
        clicks = _simulated(first, place, max(settings.extra), settings.threshold, rng)
        if clicks is None:
            for count in settings.extra:
                ious.update({_column(place, rule, count): ious["alone"] for rule in RULES})
            continue
        answers = np.stack([first, *(encoded.probability([click]) for click in clicks)])
        through = np.stack([first, *(_triangulated(encoded, first, click) for click in clicks)])
        for count in settings.extra:
            for rule, combined in combining.RULES.items():
                answer = with_clicked_pixels(combined(answers[: count + 1]), [first_click])
                ious[_column(place, rule, count)] = iou_of(answer > settings.threshold, wanted, target.valid)
            answer = with_clicked_pixels(combining.mean(through[: count + 1]), [first_click])
            ious[_column(place, "triangulation", count)] = iou_of(answer > settings.threshold, wanted, target.valid)
    return ious


def _simulated(
    first: ProbabilityArray, place: str, count: int, threshold: float, rng: np.random.Generator
) -> list[Click] | None:
    """Clicks that nobody made; None where the first prediction is empty."""
    inside: MaskArray = first > threshold
    if place == "inside":
        among = inside
    else:
        doubt = np.abs(first - np.float32(0.5))
        among = doubt <= np.quantile(doubt, 0.02)
    if not among.any():
        return None
    clicks = [random_click(among, rng) for _ in range(count)]
    return [Click(click.x, click.y, bool(inside[click.pixel])) for click in clicks]


def _triangulated(encoded: EncodedImage, first: ProbabilityArray, click: Click) -> ProbabilityArray:
    if_inside = encoded.probability([Click(click.x, click.y)])
    if_outside = encoded.probability([Click(click.x, click.y, positive=False)])
    return combining.triangulate(if_inside, if_outside, float(first[click.pixel]))


def _column(place: str, rule: str, extra: int) -> str:
    return f"{place}/{rule}/{extra}"


def _table(images: Sequence[Mapping[str, Sequence[float]]], seed: int) -> list[dict[str, Any]]:
    """One row for each place, rule and number of extra clicks, with the gain over the real click alone."""
    if not images:
        return []
    image = np.repeat(np.arange(len(images)), [len(entry["alone"]) for entry in images])
    weights = bootstrap_weights(len(images), np.random.default_rng(seed))
    gathered: dict[str, NDArray[np.float64]] = {
        column: np.concatenate([np.asarray(entry[column], dtype=np.float64) for entry in images])
        for column in images[0]
    }
    rows = []
    for column, values in gathered.items():
        place, rule, extra = column.split("/") if "/" in column else ("", "the real click alone", "0")
        low, high = np.quantile(resampled_means(values - gathered["alone"], image, weights), [0.025, 0.975])
        rows.append(
            {
                "place": place,
                "rule": rule,
                "extra": int(extra),
                "miou": round(float(values.mean()), 6),
                "gain": round(float((values - gathered["alone"]).mean()), 6),
                "gain_ci95": [round(float(low), 6), round(float(high), 6)],
                "tries": len(values),
            }
        )
    return rows


def _write_page(path: Path, segmentor: str, dataset: str, rows: Sequence[Mapping[str, Any]]) -> None:
    parts = []
    alone = [row["miou"] for row in rows if not row["place"]]
    for place in dict.fromkeys(row["place"] for row in rows if row["place"]):
        lines = {
            rule: [(0.0, alone[0])]
            + [(row["extra"], row["miou"]) for row in rows if (row["place"], row["rule"]) == (place, rule)]
            for rule in RULES
        }
        values = [y for points in lines.values() for _, y in points]
        margin = 0.05 + 0.1 * (max(values) - min(values))
        span = (max(0.0, min(values) - margin), min(1.0, max(values) + margin))
        parts.append(f"<h2>Simulated clicks: {place}</h2>" + chart.curves(lines, "simulated clicks", "mIoU", span))
    cells = "".join(
        f"<tr><td>{row['place']}</td><td>{row['rule']}</td><td class=number>{row['extra']}</td>"
        f"<td class=number>{row['miou']:.4f}</td><td class=number>{row['gain']:+.4f} "
        f"({row['gain_ci95'][0]:+.4f} to {row['gain_ci95'][1]:+.4f})</td></tr>"
        for row in rows
    )
    parts.append(
        "<h2>All of them</h2><table><tr><th>where</th><th>rule</th><th>clicks</th><th>mIoU</th>"
        f"<th>gain (95 % interval)</th></tr>{cells}</table>"
    )
    write_page(path, f"Combining simulated clicks: {segmentor} on {dataset}", "\n".join(parts))
