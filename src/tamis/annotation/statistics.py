"""Where the time went: sums over images, labels, tools and people, and what is left."""

import csv
import io
import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, func, select

from tamis.annotation.agreement import agreement
from tamis.annotation.assignment import OPEN
from tamis.annotation.catalogue import ImageRow, image_rows
from tamis.annotation.fold import ASSISTANT, FINISHED, STATES
from tamis.annotation.labels import labels_of
from tamis.annotation.project import Project
from tamis.annotation.schema import events, image_labels

COLUMNS = ("image", "state", "masks", "seconds", "clicks", "seconds_per_mask")

ENOUGH = 5
"""Images from which on a mean is no guess."""

MAKING = ("mask.set", "masks.set", "mask.label", "mask.attributes")
"""Events whose seconds belong to masks."""

SINGLE = ("import", "script", "copy")
"""Tools by which masks come without anybody's work on them."""


@dataclass
class Effort:
    """What masks have cost."""

    masks: int = 0
    seconds: float = 0.0
    clicks: int = 0

    def means(self) -> dict[str, float | None]:
        """Per mask; None without any."""
        if not self.masks:
            return {"seconds_per_mask": None, "clicks_per_mask": None}
        return {"seconds_per_mask": self.seconds / self.masks, "clicks_per_mask": self.clicks / self.masks}


@dataclass
class Efforts:
    """The same by tool, label and person."""

    tools: dict[str, Effort] = field(default_factory=lambda: defaultdict(Effort))
    labels: dict[str, Effort] = field(default_factory=lambda: defaultdict(Effort))
    people: dict[str, Effort] = field(default_factory=lambda: defaultdict(Effort))


def statistics(project: Project) -> dict[str, Any]:
    """Sums over a project, ready for JSON.

    Seconds are those of work, as the page measured them, with idle time left out; the mean of an image is over those
    that somebody has worked on, and the mean of a mask over all seconds. Means by tool, label and person are over masks
    that were made on the page: a mask has the seconds and clicks of all events that name it, and belongs to the tool
    and the person that began it. What is left is estimated as the mean of finished images times those that are open.
    """
    with project.database.reading() as connection:
        rows = image_rows(connection)
        by_label = connection.execute(
            select(image_labels.c.label, func.sum(image_labels.c.masks), func.count()).group_by(image_labels.c.label)
        )
        counts = {label: (int(masks), int(images)) for label, masks, images in by_label}
        names = {label.id: label.name for label in labels_of(connection)}
        people = _people(connection)
        efforts = _efforts(connection)
        assisted = _assisted(connection)
    masks = sum(row.masks for row in rows)
    seconds = sum(row.active_ms for row in rows) / 1000
    worked_on = sum(row.seq > 0 for row in rows)
    states = Counter(row.state for row in rows)
    return {
        "images": len(rows),
        "states": {state: states[state] for state in STATES},
        "masks": masks,
        "seconds": seconds,
        "clicks": sum(row.clicks for row in rows),
        "seconds_per_image": seconds / worked_on if worked_on else None,
        "seconds_per_mask": seconds / masks if masks else None,
        "seconds_left": _left(rows),
        "seconds_left_assisted": _left_assisted(rows, assisted),
        "per_image": [
            {
                "id": row.id,
                "image": row.name,
                "state": row.state,
                "masks": row.masks,
                "seconds": row.active_ms / 1000,
                "clicks": row.clicks,
                "seconds_per_mask": row.active_ms / 1000 / row.masks if row.masks else None,
            }
            for row in rows
        ],
        "per_label": [
            {
                "id": label,
                "label": name,
                "masks": counts.get(label, (0, 0))[0],
                "images": counts.get(label, (0, 0))[1],
                **efforts.labels[label].means(),
            }
            for label, name in names.items()
        ],
        "per_tool": [
            {"tool": tool, "masks": effort.masks, **effort.means()} for tool, effort in sorted(efforts.tools.items())
        ],
        "per_user": [
            {**person, "masks": efforts.people[person["user"]].masks, **efforts.people[person["user"]].means()}
            for person in people
        ],
        "agreement": agreement(project),
    }


TABLES = {
    "image": ("per_image", COLUMNS),
    "label": ("per_label", ("label", "masks", "images", "seconds_per_mask", "clicks_per_mask")),
    "tool": ("per_tool", ("tool", "masks", "seconds_per_mask", "clicks_per_mask")),
    "person": (
        "per_user",
        ("user", "images", "masks", "events", "seconds", "clicks", "seconds_per_mask", "clicks_per_mask"),
    ),
}
"""What a CSV file has a line for, and its columns."""


def as_csv(found: dict[str, Any], by: str = "image") -> str:
    """One line for each image, or for each label, tool or person.

    A name that a spreadsheet would take for a formula is preceded by an apostrophe.
    """
    rows, columns = TABLES[by]
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    for row in found[rows]:
        writer.writerow([_harmless(row[column]) for column in columns])
    return text.getvalue()


def _people(connection: Connection) -> list[dict[str, Any]]:
    told = connection.execute(
        select(
            events.c.editor,
            func.count(func.distinct(events.c.image_id)),
            func.count(),
            func.sum(events.c.active_ms),
            func.sum(events.c.clicks),
        )
        .where(events.c.image_id.is_not(None))
        .group_by(events.c.editor)
        .order_by(events.c.editor)
    )
    return [
        {
            "user": editor,
            "images": int(images),
            "events": int(number),
            "seconds": int(active_ms) / 1000,
            "clicks": int(clicks),
        }
        for editor, images, number, active_ms, clicks in told
    ]


def _efforts(connection: Connection) -> Efforts:
    """What masks have cost, each counted once, for the tool, the label and the person that began it."""
    chosen = events.c.image_id.is_not(None), events.c.kind.in_(MAKING)
    columns = events.c.image_id, events.c.kind, events.c.body, events.c.editor, events.c.active_ms, events.c.clicks
    begun: dict[tuple[int, str], tuple[str, str]] = {}
    labels: dict[tuple[int, str], str] = {}
    costs: dict[tuple[int, str], Effort] = defaultdict(Effort)
    for image, kind, text, editor, active_ms, clicks in connection.execute(
        select(*columns).where(*chosen).order_by(events.c.id)
    ):
        body = json.loads(text, parse_constant=lambda name: None)
        if kind == "masks.set":
            # Several at once, as objects that the assistant proposed: each has its share. Merging and splitting delete
            # masks and make none.
            for one in () if body["deleted"] else body["set"]:
                mask = image, one["id"]
                begun.setdefault(mask, (one.get("tool", "unknown"), editor))
                labels[mask] = one["label"]
                costs[mask].seconds += active_ms / 1000 / len(body["set"])
                costs[mask].clicks += clicks if one is body["set"][0] else 0
            continue
        mask = image, body["id"]
        if kind == "mask.set":
            begun.setdefault(mask, (body.get("tool", "unknown"), editor))
        if "label" in body:
            labels[mask] = body["label"]
        costs[mask].seconds += active_ms / 1000
        costs[mask].clicks += clicks
    return _summed(begun, labels, costs)


def _summed(
    begun: Mapping[tuple[int, str], tuple[str, str]],
    labels: Mapping[tuple[int, str], str],
    costs: Mapping[tuple[int, str], Effort],
) -> Efforts:
    found = Efforts()
    for mask, (tool, editor) in begun.items():
        if tool in SINGLE:
            continue
        for effort in (found.tools[tool], found.labels[labels[mask]], found.people[editor]):
            effort.masks += 1
            effort.seconds += costs[mask].seconds
            effort.clicks += costs[mask].clicks
    return found


def _left(rows: Iterable[ImageRow]) -> float | None:
    """Seconds of work that are left: of open images what finished ones took on average, less what they have taken."""
    rows = list(rows)
    finished = [row.active_ms / 1000 for row in rows if row.state in FINISHED and row.active_ms]
    if not finished:
        return None
    mean = sum(finished) / len(finished)
    return sum(max(0.0, mean - row.active_ms / 1000) for row in rows if row.state in OPEN)


def _left_assisted(rows: Iterable[ImageRow], assisted: Collection[int]) -> float | None:
    """Seconds that are left if open images cost what finished ones did whose every mask the assistant began.

    What its corrections took is in it, and what it cost to begin anew where it was no help is not; None with fewer than
    `ENOUGH` such images, which would be a guess.
    """
    rows = list(rows)
    costs = [row.active_ms / 1000 for row in rows if row.id in assisted and row.state in FINISHED and row.active_ms]
    if len(costs) < ENOUGH:
        return None
    return sum(costs) / len(costs) * sum(row.state in OPEN for row in rows)


def _assisted(connection: Connection) -> set[int]:
    """Images whose every mask began as a proposal of the assistant."""
    chosen = events.c.image_id.is_not(None), events.c.kind.in_(("mask.set", "masks.set"))
    begun: dict[int, dict[str, str]] = defaultdict(dict)
    for image, kind, text in connection.execute(
        select(events.c.image_id, events.c.kind, events.c.body).where(*chosen).order_by(events.c.id)
    ):
        body = json.loads(text, parse_constant=lambda name: None)
        for mask in [body] if kind == "mask.set" else body["set"]:
            begun[image].setdefault(mask["id"], mask.get("tool", "unknown"))
    return {image for image, tools in begun.items() if set(tools.values()) == {ASSISTANT}}


def _harmless(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return round(value, 3) if isinstance(value, float) else value
