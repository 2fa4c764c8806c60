"""What people did on the page, told as a simulation is, and what it cost them: `tamis simulate --fit-costs`."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import select

import tamis
from tamis.annotation.fold import ASSISTANT, FINISHED
from tamis.annotation.project import Project
from tamis.annotation.schema import events, images
from tamis.annotation.simulate.costs import Costs
from tamis.annotation.simulate.curves import clicks_by_number, summary_of
from tamis.annotation.simulate.run import write_actions
from tamis.annotation.statistics import SINGLE
from tamis.errors import InputError
from tamis.results.files import write_json
from tamis.results.folder import result_folder

PEOPLE = "people"
"""The policy that their actions are told under."""

ENOUGH = 5
"""Events of a kind from which on its cost is measured; below, the default stands."""

FITTED = ("inspect", "accept", "reject", "click", "undo", "brush", "polygon")
"""Costs that are measured. A change of image is not told apart from the look that follows: both are `inspect`."""

TARGET = 0.9


@dataclass(frozen=True)
class Done:
    """One event of somebody's work.

    Attributes:
        image: its name.
        kind: a cost of `Costs`; "" for what the simulator does not know, as a note.
        seconds: of work, idle time left out.
        times: clicks that it was made of; 1 for anything else.
        first: whether it is the first on its image in a row, so that looking at it is in the seconds.
    """

    image: str
    kind: str
    seconds: float
    times: int
    first: bool


@dataclass(frozen=True)
class Fitted:
    """What a person costs.

    Attributes:
        costs: measured ones, and default ones where too little was seen.
        measured: by kind, how many events, and the quartiles of their seconds.
        rows: finished images in the order in which they were finished, as in a simulation.
    """

    costs: Costs
    measured: Mapping[str, Mapping[str, float]]
    rows: Sequence[Mapping[str, Any]]


def fit_costs(project: Project) -> Fitted:
    """Medians of what people took.

    A click, a stroke, a polygon, an acceptance or a rejection costs the median of the events that are such, but the
    first on an image; `inspect` the median of what the first ones took longer. A change of image is in `inspect`, so
    that `switch` is 0.

    Raises:
        InputError: nobody has worked here yet.
    """
    done, ended = _events_of(project)
    if not done:
        raise InputError(f"{project.folder}: nobody has annotated here yet, so there is nothing to measure")
    taken: dict[str, list[float]] = defaultdict(list)
    for each in done:
        if each.kind and not each.first:
            taken[each.kind].append(each.seconds / each.times)
    default = Costs()
    known = {kind: float(np.median(values)) for kind, values in taken.items() if len(values) >= ENOUGH}
    usual = {kind: known.get(kind, getattr(default, kind)) for kind in FITTED}
    looks = [max(0.0, each.seconds - each.times * usual[each.kind]) for each in done if each.first and each.kind]
    taken["inspect"] = looks
    if len(looks) >= ENOUGH:
        known["inspect"] = usual["inspect"] = float(np.median(looks))
    costs = replace(default, **{kind: round(value, 3) for kind, value in known.items()})
    if "inspect" in known:
        costs = replace(costs, switch=0.0)
    told = {kind: _quartiles(values) for kind, values in taken.items() if values}
    return Fitted(costs, told, list(_rows(done, ended, usual)))


def write_fitted(project: Project, fitted: Fitted, out: Path, dataset: str, split: str, concept: str) -> None:
    """Write `costs.json` for `--costs`, and the same files as a simulation for `tamis compare`.

    Args:
        project: whose costs they are.
        fitted: from `fit_costs`.
        out: the folder.
        dataset: what the images are called, as a simulation of them calls it.
        split: of the dataset.
        concept: that was annotated.

    Raises:
        OutputError: a file cannot be written.
    """
    rows = [{"policy": PEOPLE, **row} for row in fitted.rows]
    with result_folder(out, {"project": str(project.folder), "dataset": dataset, "split": split, "concept": concept}):
        source = (
            f"measured: {sum(int(each['events']) for each in fitted.measured.values())} events of {project.folder.name}"
        )
        known = asdict(fitted.costs)
        measured = [kind for kind in FITTED if fitted.measured.get(kind, {}).get("events", 0) >= ENOUGH]
        write_json(out / "costs.json", {**known, "sources": dict.fromkeys(measured, source)})
        write_actions(out / "actions.parquet", rows)
        write_json(
            out / "simulation.json",
            {
                "dataset": dataset,
                "split": split,
                "concept": concept,
                "segmentor": PEOPLE,
                "version": tamis.__version__,
                "images": len(project.rows()),
                "target_iou": TARGET,
                "costs": {**known, "sources": dict.fromkeys(measured, source)},
                "measured": fitted.measured,
                "seed": 0,
                "by_number": {PEOPLE: clicks_by_number(rows, 1).mean.round(4).tolist()},
                "policies": {PEOPLE: summary_of(rows, TARGET)} if rows else {},
            },
        )


def _quartiles(values: Sequence[float]) -> dict[str, float]:
    low, median, high = (round(float(value), 3) for value in np.quantile(values, [0.25, 0.5, 0.75]))
    return {"events": len(values), "low": low, "median": median, "high": high}


def _events_of(project: Project) -> tuple[list[Done], dict[str, int]]:
    """All events in their order, and for each finished image the place of the event that finished it."""
    query = (
        select(images.c.name, events.c.kind, events.c.body, events.c.active_ms, events.c.clicks, images.c.state)
        .join(images, images.c.id == events.c.image_id)
        .order_by(events.c.id)
    )
    done: list[Done] = []
    ended: dict[str, int] = {}
    seen: set[tuple[str, str]] = set()
    last = ""
    with project.database.reading() as connection:
        for name, kind, text, active_ms, clicks, state in connection.execute(query):
            body = json.loads(text)
            if {mask.get("tool") for mask in body.get("set", [body])} <= set(SINGLE):
                continue  # imported or copied: nobody's work
            called = _kind_of(name, kind, body, clicks, seen)
            times = max(1, clicks) if called == "click" else 1
            done.append(Done(name, called, active_ms / 1000, times, name != last))
            last = name
            if state in FINISHED and kind == "image.state" and body["state"] in FINISHED:
                ended.setdefault(name, len(done) - 1)
    return done, ended


def _kind_of(image: str, kind: str, body: Mapping[str, Any], clicks: int, seen: set[tuple[str, str]]) -> str:
    """What the simulator calls an event."""
    if kind == "proposal.reject":
        return "reject" if body["rejected"] else ""
    if kind == "image.state":
        return "accept" if body["state"] in FINISHED else ""
    if kind == "undo":
        return "undo"
    if kind == "masks.set":
        proposed = not body["deleted"] and all(mask.get("tool") == ASSISTANT for mask in body["set"])
        seen.update((image, mask["id"]) for mask in body["set"])
        return "accept" if proposed and body["set"] else ""
    if kind != "mask.set":
        return ""
    new = (image, body["id"]) not in seen
    seen.add((image, body["id"]))
    tool = body.get("tool", "")
    if tool == ASSISTANT:
        return ("accept" if not clicks else "click") if new else ("click" if clicks else "brush")
    return {"click": "click", "box": "click", "brush": "brush", "eraser": "brush", "polygon": "polygon"}.get(tool, "")


def _rows(done: Sequence[Done], ended: Mapping[str, int], usual: Mapping[str, float]) -> Iterator[dict[str, Any]]:
    """A row for each finished image; what was left is what was wanted."""
    by_image: dict[str, list[Done]] = defaultdict(list)
    for each in done:
        by_image[each.image].append(each)
    for number, name in enumerate(sorted(ended, key=lambda name: ended[name]), 1):
        actions = []
        for each in by_image[name]:
            looked = max(0.0, each.seconds - each.times * usual[each.kind]) if each.first and each.kind else 0.0
            if looked:
                actions.append({"kind": "inspect", "seconds": looked, "iou": 1.0})
            single = (each.seconds - looked) / each.times
            actions += [{"kind": each.kind or "inspect", "seconds": single, "iou": 1.0}] * each.times
        yield {"seed": 0, "number": number, "image": name, "proposed": None, "iou": 1.0, "actions": actions}
