"""A dataset annotated by somebody simulated: a folder of results, resumable, told in full."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

import tamis
from tamis.annotation.assistant.concept import RegionView
from tamis.annotation.simulate.costs import Costs, costs_as_json
from tamis.annotation.simulate.curves import summary_of
from tamis.annotation.simulate.person import Person
from tamis.annotation.simulate.policies.protocol import Pending, Policy
from tamis.annotation.simulate.policies.registry import make_policy
from tamis.arrays import MaskArray
from tamis.datasets.protocol import Dataset, Sample
from tamis.errors import InputError, UnavailableError
from tamis.mask import Masks
from tamis.mask.iou import iou_of
from tamis.regions.protocol import AnswersByRegion
from tamis.results.files import replacing, write_json
from tamis.results.folder import resumable_folder
from tamis.results.run import file_hash, fingerprint
from tamis.segmentors import Segmentor, weights_of
from tamis.segmentors.cache import EncodingCache


@dataclass(frozen=True)
class Settings:
    """Of a simulation.

    Attributes:
        policies: names of ways of annotating, each from the start.
        target_iou: from which on a mask is accepted.
        most_clicks: after which it is drawn by hand.
        costs: of the annotator's actions.
        budget: seconds after which they stop; None is never.
        seeds: each policy is tried with so many orders of the images, and errors of the annotator.
    """

    policies: tuple[str, ...] = ("scratch", "assistant")
    target_iou: float = 0.9
    most_clicks: int = 20
    costs: Costs = field(default_factory=Costs)
    budget: float | None = None
    seeds: int = 1


@dataclass(frozen=True)
class Step:
    """How far a simulation is: images done of all policies and seeds, and what they come to."""

    done: int
    images: int


def simulate(
    segmentor: Segmentor, dataset: Dataset, settings: Settings, out: Path, seed: int = 0, limit: int | None = None
) -> Generator[Step]:
    """Annotate a dataset by every policy, and write `actions.parquet`, `simulation.json` and `run.json`.

    All masks of an image together are what is meant; ignored pixels are outside. What an earlier run finished is kept.

    Args:
        segmentor: what is clicked with, and whose regions the assistant sees.
        dataset: with the masks that are wanted.
        settings: of the simulation.
        out: the result folder.
        seed: of the orders and errors.
        limit: only the first so many images.

    Yields:
        Progress after every image.

    Raises:
        InputError: the folder holds another run, the segmentor has no regions, or the dataset nothing to annotate.
        UnavailableError: pyarrow is not installed.
    """
    _require_pyarrow()
    dataset = replace(dataset, samples=dataset.samples[:limit])
    if not dataset.samples:
        raise InputError(f"{dataset.root}: the dataset '{dataset.name}' has no images to annotate")
    weights = weights_of(segmentor)
    signature = {
        "segmentor": segmentor.name,
        "weights": weights,
        "dataset": dataset.name,
        "split": dataset.split,
        "images": [sample.name for sample in dataset.samples],
        "settings": {**asdict(settings), "policies": sorted(settings.policies)},
        "seed": seed,
        "version": tamis.__version__,
    }
    studio = _Studio(segmentor, dataset)
    total = len(dataset.samples) * len(settings.policies) * settings.seeds
    with resumable_folder(out, signature, {"limit": limit, "root": str(dataset.root)}, weights) as (run, journal):
        count = 0
        for policy in settings.policies:
            for number in range(settings.seeds):
                for name, record in _annotate(studio, policy, settings, (seed, number), journal.entries):
                    key = f"{policy} {number} {name}"
                    if key not in journal.entries:
                        journal.add(key, record)
                    count += 1
                    yield Step(count, total)
        rows = [
            {"policy": policy, "seed": number, **journal.entries[key]}
            for policy in settings.policies
            for number in range(settings.seeds)
            for key in _in_order(journal.entries, f"{policy} {number} ")
        ]
        _write_actions(out / "actions.parquet", rows)
        write_json(
            out / "simulation.json",
            {
                "dataset": dataset.name,
                "split": dataset.split,
                "segmentor": segmentor.name,
                "images": len(dataset.samples),
                "target_iou": settings.target_iou,
                "costs": costs_as_json(settings.costs),
                "seed": seed,
                "policies": {
                    policy: summary_of([row for row in rows if row["policy"] == policy], settings.target_iou)
                    for policy in settings.policies
                },
            },
        )
        run.dataset = fingerprint(file_hash(sample.image_path) for sample in dataset.samples)


class _Studio:
    """Images that are ready to be clicked, and what an assistant sees of all of them."""

    def __init__(self, segmentor: Segmentor, dataset: Dataset) -> None:
        self.segmentor, self.dataset = segmentor, dataset
        self._cache = EncodingCache(segmentor)
        self._views: dict[str, RegionView] = {}

    def encoded(self, sample: Sample) -> AnswersByRegion:
        """An image, from the cache if it is there."""
        image, digest = sample.image(), file_hash(sample.image_path)
        encoded = self._cache.load(digest, image)
        if encoded is None:
            encoded = self.segmentor.encode(image)
            self._cache.save(digest, encoded)
        if not isinstance(encoded, AnswersByRegion):
            raise InputError(
                f"the assistant sees regions, and the model {self.segmentor.name!r} has none: use one that answers by "
                "region, as embedded or hierarchy"
            )
        return encoded

    def view(self, sample: Sample) -> RegionView:
        """What an assistant sees of an image; kept."""
        if sample.name not in self._views:
            self._views[sample.name] = RegionView.of(self.encoded(sample))
        return self._views[sample.name]


def wanted_of(sample: Sample) -> MaskArray:
    """(H, W) bool: all masks of an image together, without what is ignored."""
    height, width = sample.image().shape[:2]
    wanted = np.zeros((height, width), bool)
    for target in sample.targets():
        wanted |= target.mask if target.valid is None else target.mask & target.valid
    return wanted


def _annotate(
    studio: _Studio, name: str, settings: Settings, seed: tuple[int, int], finished: Mapping[str, Any]
) -> Generator[tuple[str, dict[str, Any]]]:
    """One policy from the first image to the last, or to the end of the budget."""
    policy: Policy = make_policy(name)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(studio.dataset.samples)) if seed[1] else np.arange(len(studio.dataset.samples))
    samples = [studio.dataset.samples[number] for number in order]
    waiting = [Pending(sample.name, studio.view(sample)) for sample in samples]
    by_name = {sample.name: sample for sample in samples}
    person = Person(settings.costs, settings.target_iou, settings.most_clicks)
    number = 0
    while waiting and (settings.budget is None or person.seconds < settings.budget):
        image = waiting.pop(policy.next(waiting))
        sample, number = by_name[image.name], number + 1
        encoded = studio.encoded(sample)
        record = finished.get(f"{name} {seed[1]} {image.name}")
        if record is None:
            chance = np.random.default_rng((*seed, number))
            record = _done_by(person, encoded, wanted_of(sample), policy.propose(image, encoded), chance)
            record = {"number": number, "image": image.name, **record}
        else:
            person.seconds = record["worked"]
        policy.done(image, encoded, Masks.from_coco([record["rle"]])[0])
        yield image.name, record


def _done_by(
    person: Person, encoded: AnswersByRegion, wanted: MaskArray, begun: MaskArray | None, rng: np.random.Generator
) -> dict[str, Any]:
    mask = person.annotate(encoded, wanted, begun, rng)  # type: ignore[arg-type]  # all encoded images take clicks
    (rle,) = Masks.from_dense(mask[None]).coco()
    return {
        "proposed": None if begun is None else round(iou_of(begun, wanted) if wanted.any() else 0.0, 4),
        "iou": person.actions[-1].iou,
        "actions": [asdict(action) for action in person.actions],
        "worked": person.seconds,
        "rle": {**rle, "counts": rle["counts"].decode("ascii")},
    }


def _in_order(entries: Mapping[str, Any], prefix: str) -> Sequence[str]:
    return sorted((key for key in entries if key.startswith(prefix)), key=lambda key: int(entries[key]["number"]))


def _write_actions(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """One row for each action, in their order."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    flat = [
        {key: row[key] for key in ("policy", "seed", "number", "image", "proposed")} | action
        for row in rows
        for action in row["actions"]
    ]
    schema = pa.schema(
        [
            ("policy", pa.string()),
            ("seed", pa.int32()),
            ("number", pa.int32()),
            ("image", pa.string()),
            ("proposed", pa.float32()),
            ("kind", pa.string()),
            ("seconds", pa.float64()),
            ("iou", pa.float32()),
        ]
    )
    with replacing(path) as file:
        pq.write_table(pa.Table.from_pylist(flat, schema), file)


def _require_pyarrow() -> None:
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise UnavailableError("simulations are kept as Parquet: run pip install 'tamis[benchmark]'") from None
