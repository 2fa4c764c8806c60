"""A dataset annotated by somebody simulated: a folder of results, resumable, told in full."""

import json
import secrets
import shutil
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

import tamis
from tamis.annotation.simulate.costs import Costs, costs_as_json
from tamis.annotation.simulate.curves import clicks_by_number, summary_of
from tamis.annotation.simulate.person import Action, Person
from tamis.annotation.simulate.pictures import write_pictures
from tamis.annotation.simulate.policies.given import masks_in
from tamis.annotation.simulate.policies.protocol import Pending, Reviews
from tamis.annotation.simulate.policies.registry import Brief, make_policy
from tamis.annotation.simulate.studio import Studio, wanted_of
from tamis.arrays import MaskArray
from tamis.datasets.protocol import Dataset
from tamis.errors import UnavailableError
from tamis.mask import Masks
from tamis.mask.iou import iou_of
from tamis.results.files import replacing, write_json
from tamis.results.folder import resumable_folder
from tamis.results.journal import gathered, opened
from tamis.results.run import file_hash, fingerprint, require_folder
from tamis.scale.executors import IN_PROCESS
from tamis.scale.running import Executor, in_order, none_lost
from tamis.segmentors import EncodedImage, Segmentor, weights_of


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
        draws: whether what clicks do not reach is drawn by hand; otherwise it is left as it is.
        masks: the folder of masks that `given` corrects.
    """

    policies: tuple[str, ...] = ("scratch", "assistant")
    target_iou: float = 0.9
    most_clicks: int = 20
    costs: Costs = field(default_factory=Costs)
    budget: float | None = None
    seeds: int = 1
    draws: bool = True
    masks: Path | None = None


DICE = 0.9
"""That MultiverSeg's protocol asks for (Wong et al., ICCV 2025, arXiv 2412.15058)."""


def multiverseg(
    policies: tuple[str, ...] = ("scratch", "assistant"), seeds: int = 1, masks: Path | None = None
) -> Settings:
    """Settings that count clicks as MultiverSeg does, with the masks so far as context (assistant) and without.

    Corrective clicks until Dice .9, which is IoU .818, at most 20; a proposal is always corrected, never rejected, and
    what 20 clicks do not reach is left as it is and is context like any other.

    Args:
        policies: ways of annotating.
        seeds: orders of the images.
        masks: that the policy `given` corrects.
    """
    return Settings(policies, DICE / (2 - DICE), 20, Costs(worthless=0), None, seeds, draws=False, masks=masks)


PARTS = "parts"
"""The folder in the result folder where other processes keep what they have finished, until all is done."""


@dataclass(frozen=True)
class Step:
    """How far a simulation is: images done of all policies and seeds, and what they come to."""

    done: int
    images: int


def simulate(
    segmentor: Segmentor,
    dataset: Dataset,
    settings: Settings,
    out: Path,
    seed: int = 0,
    limit: int | None = None,
    sight: Segmentor | None = None,
    concept: str = "",
    executor: Executor = IN_PROCESS,
) -> Generator[Step]:
    """Annotate a dataset by every policy, and write `actions.parquet`, `simulation.json` and `run.json`.

    All masks of an image together are what is meant; ignored pixels are outside. What an earlier run finished is kept.

    Args:
        segmentor: what is clicked with.
        dataset: with the masks that are wanted.
        settings: of the simulation.
        out: the result folder.
        seed: of the orders and errors.
        limit: only the first so many images.
        sight: whose regions the assistant sees; by default the segmentor's.
        concept: the class that the dataset was brought down to, to be said in the results.
        executor: who works. A policy learns from image to image, so that each with each seed is one worker's from the
            first image to the last. Other processes than this keep every image in a file of their own meanwhile.

    Yields:
        Progress after every image; by other processes after every policy and seed.

    Raises:
        InputError: the folder holds another run, the segmentor has no regions, or the dataset nothing to annotate.
        UnavailableError: pyarrow is not installed.
    """
    _require_pyarrow()
    dataset = dataset.first(limit)
    weights = weights_of(segmentor)
    signature = {
        "segmentor": segmentor.name,
        "weights": weights,
        "dataset": dataset.name,
        "split": dataset.split,
        "concept": concept,
        "images": [sample.name for sample in dataset.samples],
        "assistant_model": None if sight is None else [sight.name, weights_of(sight)],
        "settings": {
            **asdict(settings),
            "policies": sorted(settings.policies),
            "masks": None if settings.masks is None else str(settings.masks),
        },
        "seed": seed,
        "version": tamis.__version__,
    }
    studio = Studio(segmentor, sight, dataset)
    total = len(dataset.samples) * len(settings.policies) * settings.seeds
    with resumable_folder(out, signature, {"limit": limit, "root": str(dataset.root)}, weights) as (run, journal):
        count = 0
        parts = out / PARTS
        work = _Annotator(studio, settings, seed, journal.entries, parts, _digest(signature))
        for policy, number, annotated in _all_annotated(work, executor):
            for name, record in annotated:
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
        write_actions(out / "actions.parquet", rows)
        told = {name: signature[name] for name in ("dataset", "split", "concept", "segmentor")}
        told |= {"images": len(dataset.samples), "weights": weights}
        pictures = write_pictures(out, dataset, rows)
        write_json(out / "simulation.json", {**told, **_results(settings, seed, rows), "pictures": pictures})
        shutil.rmtree(parts, ignore_errors=True)
        run.dataset = fingerprint(file_hash(sample.image_path) for sample in dataset.samples)


def _results(settings: Settings, seed: int, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What `simulation.json` says of the settings and of what came of them."""
    of_policy = {policy: [row for row in rows if row["policy"] == policy] for policy in settings.policies}
    return {
        "target_iou": settings.target_iou,
        "most_clicks": settings.most_clicks,
        "costs": costs_as_json(settings.costs),
        "seed": seed,
        "by_number": {name: clicks_by_number(each, 1).mean.round(4).tolist() for name, each in of_policy.items()},
        "policies": {name: summary_of(each, settings.target_iou) for name, each in of_policy.items()},
    }


Annotated = Iterable[tuple[str, dict[str, Any]]]


def _all_annotated(work: "_Annotator", executor: Executor) -> Iterator[tuple[str, int, Annotated]]:
    """Every policy with every seed: image by image here, as a whole by other processes."""
    pairs = [(policy, number) for policy in work.settings.policies for number in range(work.settings.seeds)]
    work = replace(work, finished={**work.finished, **gathered(work.parts, work.signature)})
    if executor is IN_PROCESS:
        for policy, number in pairs:
            yield policy, number, work.annotated(policy, number, work.finished)
        return
    with closing(in_order(work, pairs, executor)) as results:
        for (policy, number), annotated in none_lost(results, lambda pair: f"{pair[0]} with seed {pair[1]}"):
            yield policy, number, annotated


@dataclass(frozen=True)
class _Annotator:
    """What a worker does: one policy with one seed, from the image where it, or another worker, was stopped.

    Attributes:
        studio: the images.
        settings: of the simulation.
        seed: of the simulation.
        finished: what is in the journal.
        parts: the folder of what workers have finished since.
        signature: of the journals there.
    """

    studio: Studio
    settings: Settings
    seed: int
    finished: Mapping[str, Any]
    parts: Path
    signature: dict[str, Any]

    def __call__(self, pair: tuple[str, int]) -> list[tuple[str, dict[str, Any]]]:
        policy, number = pair
        finished = {**self.finished, **gathered(self.parts, self.signature)}
        require_folder(self.parts)
        found = []
        # A name of its own: a worker that was given up may still be writing to the last one.
        with opened(self.parts / f"{policy}-{number}-{secrets.token_hex(4)}.jsonl", self.signature) as journal:
            for name, record in self.annotated(policy, number, finished):
                if (key := f"{policy} {number} {name}") not in finished:
                    journal.add(key, record)
                found.append((name, record))
        return found

    def annotated(self, policy: str, number: int, finished: Mapping[str, Any]) -> Annotated:
        """Every image with its record; what is finished is not done again."""
        return _annotate(self.studio, policy, self.settings, (self.seed, number), finished)


def _digest(signature: Mapping[str, Any]) -> dict[str, Any]:
    """A signature that is short."""
    return {"signature": sha256(json.dumps(signature, sort_keys=True).encode()).hexdigest()}


def _annotate(
    studio: Studio, name: str, settings: Settings, seed: tuple[int, int], finished: Mapping[str, Any]
) -> Generator[tuple[str, dict[str, Any]]]:
    """One policy from the first image to the last, or to the end of the budget."""
    policy = make_policy(name, Brief(settings.target_iou, masks_in(settings.masks) if settings.masks else None))
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(studio.dataset.samples)) if seed[1] else np.arange(len(studio.dataset.samples))
    samples = [studio.dataset.samples[number] for number in order]
    waiting = [Pending(sample.name, studio.view(sample)) for sample in samples]
    places = {sample.name: place for place, sample in enumerate(samples)}
    person = Person(settings.costs, settings.target_iou, settings.most_clicks, settings.draws)
    reviewed: dict[str, list[Action]] = {}  # what was done to images in a review, in which they were rejected
    number = 0
    while waiting and (settings.budget is None or person.seconds < settings.budget):
        image = waiting.pop(policy.next(waiting))
        sample, record = samples[places[image.name]], finished.get(f"{name} {seed[1]} {image.name}")
        seen = studio.seen(sample)
        if isinstance(policy, Reviews) and policy.in_review(image):
            chance = np.random.default_rng((*seed, 0, places[image.name]))
            begun, wanted = policy.propose(image, seen), wanted_of(sample)
            begun = np.zeros_like(wanted) if begun is None else begun
            mask = _reviewed(person, policy, image, studio.encoded(sample), begun, wanted, chance)
            if mask is None:
                reviewed[image.name] = person.actions
                policy.rejected(image)
                waiting.append(image)
                continue
            number += 1
            record = record or _record(number, image.name, person, person.actions, begun, mask, wanted)
        elif record is None:
            number += 1
            begun, wanted = policy.propose(image, seen), wanted_of(sample)
            chance = np.random.default_rng((*seed, number))
            mask = person.annotate(studio.encoded(sample), wanted, begun, chance)
            actions = [*reviewed.get(image.name, []), *person.actions]
            record = _record(number, image.name, person, actions, begun, mask, wanted)
        else:
            number += 1
        person.seconds = record["worked"]
        policy.done(image, seen, Masks.from_coco([record["rle"]])[0])
        yield image.name, record


def _reviewed(
    person: Person,
    policy: Reviews,
    image: Pending,
    encoded: EncodedImage,
    begun: MaskArray,
    wanted: MaskArray,
    chance: np.random.Generator,
) -> MaskArray | None:
    """The mask that is left in a review; None for a proposal that is rejected."""
    key = policy.key(image)
    if policy.corrects:
        return person.review_correcting(encoded, wanted, begun, chance, key)
    return begun if person.review(wanted, begun, chance, key) else None


def _record(
    number: int,
    name: str,
    person: Person,
    actions: Sequence[Action],
    begun: MaskArray | None,
    mask: MaskArray,
    wanted: MaskArray,
) -> dict[str, Any]:
    return {
        "number": number,
        "image": name,
        "proposed": None if begun is None else round(iou_of(begun, wanted) if wanted.any() else 0.0, 4),
        "iou": actions[-1].iou,
        "actions": [asdict(action) for action in actions],
        "worked": person.seconds,
        "begun": None if begun is None else _rle(begun),
        "rle": _rle(mask),
    }


def _rle(mask: MaskArray) -> dict[str, Any]:
    (rle,) = Masks.from_dense(mask[None]).coco()
    return {**rle, "counts": rle["counts"].decode("ascii")}


def _in_order(entries: Mapping[str, Any], prefix: str) -> Sequence[str]:
    return sorted((key for key in entries if key.startswith(prefix)), key=lambda key: int(entries[key]["number"]))


def write_actions(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
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
