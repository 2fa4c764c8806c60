"""The append-only log of what people did to an image."""

import json
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from tamis.annotation.database import Database, hold, tick
from tamis.annotation.events import Event, require_sense
from tamis.annotation.fold import REMARKS, Drawing, History, advanced, drawing
from tamis.annotation.labels import label_ids
from tamis.annotation.leases import require_lease
from tamis.annotation.problems import NoSuchImageError, RequestError, StaleError
from tamis.annotation.schema import events, image_labels, images
from tamis.annotation.summary import summary_of

REMEMBERED = 64
"""Images whose history is kept in memory, so that a change need not read it anew."""


class Log:
    """The histories of all images of a database; may be used by several threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._known: OrderedDict[int, tuple[int, History]] = OrderedDict()

    def append(self, image_id: int, batch: Sequence[Event], client: str, lease: str, base: int) -> int:
        """Add events to an image; they are on the disk when this returns.

        Sending the same events again is harmless, in a larger batch too.

        Args:
            image_id: the image.
            batch: the events, oldest first.
            client: who sends them.
            lease: the right to change the image.
            base: how many events of the image the client knew before the first of the batch.

        Returns:
            How many events the image has now.

        Raises:
            RequestError: an event cannot be folded.
            NoSuchImageError: there is no such image.
            LeaseError: without a valid lease.
            StaleError: there are events that the client does not know.
            DiskFullError: there is no room; nothing was added.
        """
        with self._database.writing() as connection:
            image = _image(connection, image_id, held=True)
            new = _unknown(connection, image_id, batch)
            if not new:
                return int(image.seq)
            held = require_lease(connection, image_id, lease)
            if base + len(batch) - len(new) != image.seq:
                raise StaleError(
                    "this image has been changed elsewhere, and nothing was saved over it; reload it",
                    image.seq,
                    self._rows(connection, image_id, after=base),
                )
            if image.width is None:
                raise RequestError(f"{image.name}: cannot be annotated while it cannot be read")
            new = require_sense(new, (image.height, image.width), label_ids(connection))
            new = [_signed(event, held.editor) for event in new]
            seq, history = self._extended(connection, image_id, image.seq, new)
            connection.execute(insert(events), _values(image_id, image.seq, new, held.editor, client))
            _summarise(connection, image_id, seq, new, history)
        with self._lock:
            self._remember(image_id, seq, history)
        return seq

    def append_to_each(
        self, connection: Connection, now: int, changes: Mapping[int, Event], editor: str, client: str
    ) -> None:
        """Add one event to each of many images, within a transaction of the caller's; nothing is checked again.

        Args:
            connection: of a writing transaction, which holds the images and the clock.
            now: its tick.
            changes: the event by the number of the image.
            editor: the person's name.
            client: who sends them.

        Raises:
            NoSuchImageError: there is no such image.
        """
        seqs = lengths(connection)
        values: list[dict[str, Any]] = []
        sums: list[dict[str, Any]] = []
        labels: list[dict[str, Any]] = []
        for image_id, event in changes.items():
            if image_id not in seqs:
                raise NoSuchImageError(f"there is no image {image_id} in this project")
            _, history = self._extended(connection, image_id, seqs[image_id], [event])
            values += _values(image_id, seqs[image_id], [event], editor, client)
            seen = drawing(history)
            told = {"seq": seqs[image_id] + 1, "state": seen.state, "masks": len(seen.masks), "touched": now}
            told["summary"] = summary_of(seen)
            sums.append({"image": image_id, **{f"new_{name}": value for name, value in told.items()}})
            labels += _labels_of(image_id, seen)
        if not values:
            return
        connection.execute(insert(events), values)
        change: dict[str, Any] = {
            name: bindparam(f"new_{name}") for name in ("seq", "state", "masks", "touched", "summary")
        }
        connection.execute(update(images).where(images.c.id == bindparam("image")).values(change), sums)
        gone = delete(image_labels).where(image_labels.c.image_id == bindparam("image"))
        connection.execute(gone, [{"image": image_id} for image_id in changes])
        if labels:
            connection.execute(insert(image_labels), labels)

    def complete(self) -> None:
        """Sum up images that an older program has worked on, which kept no summary beside their events."""
        with self._database.reading() as connection:
            wanting = select(images.c.id, images.c.seq).where(images.c.seq > 0, images.c.summary.is_(None))
            found = [
                {"image": row.id, "told": summary_of(drawing(self._extended(connection, row.id, row.seq, [])[1]))}
                for row in connection.execute(wanting)
            ]
        if found:
            with self._database.writing() as connection:
                hold(connection, [row["image"] for row in found])
                now = tick(connection)
                statement = update(images).where(images.c.id == bindparam("image"))
                connection.execute(statement.values(summary=bindparam("told"), touched=now), found)

    def history(self, image_id: int) -> tuple[int, list[dict[str, Any]]]:
        """How many events an image has, and all of them, oldest first, as `append` took them and with who and when.

        Raises:
            NoSuchImageError: there is no such image.
        """
        with self._database.reading() as connection:
            seq = int(_image(connection, image_id).seq)
            return seq, self._rows(connection, image_id)

    def drawing(self, image_id: int) -> Drawing:
        """What an image's events come to.

        Raises:
            NoSuchImageError: there is no such image.
        """
        with self._database.reading() as connection:
            seq = int(_image(connection, image_id).seq)
            return drawing(self._extended(connection, image_id, seq, [])[1])

    def _extended(self, connection: Connection, image_id: int, seq: int, new: Sequence[Event]) -> tuple[int, History]:
        """The history with events that are still to be written; what was there is read if it is not in memory."""
        with self._lock:
            known_seq, known = self._known.get(image_id, (0, History()))
        if known_seq > seq:  # another database under the same name, put back from a copy
            known_seq, known = 0, History()
        missing = self._rows(connection, image_id, after=known_seq) if known_seq < seq else []
        known = advanced(known, [(row["kind"], row["body"]) for row in missing])
        return seq + len(new), advanced(known, [(event.kind, event.body) for event in new])

    def _remember(self, image_id: int, seq: int, history: History) -> None:
        self._known[image_id] = seq, history
        self._known.move_to_end(image_id)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    @staticmethod
    def _rows(connection: Connection, image_id: int, after: int = 0) -> list[dict[str, Any]]:
        statement = (
            select(events).where(events.c.image_id == image_id, events.c.number > after).order_by(events.c.number)
        )
        return [
            {
                "seq": row.number,
                "uuid": row.uuid,
                "kind": row.kind,
                # Older programs wrote numbers that are none (NaN), which no browser reads.
                "body": json.loads(row.body, parse_constant=lambda name: None),
                "user": row.editor,
                "at": row.at,
                "active_ms": row.active_ms,
                "clicks": row.clicks,
            }
            for row in connection.execute(statement)
        ]


def _signed(event: Event, editor: str) -> Event:
    """A remark with the name of who made it."""
    return replace(event, body={**event.body, "by": editor}) if event.kind in REMARKS else event


def lengths(connection: Connection) -> dict[int, int]:
    """How many events each image has."""
    return {row.id: row.seq for row in connection.execute(select(images.c.id, images.c.seq))}


def _image(connection: Connection, image_id: int, held: bool = False) -> Any:
    """The row of an image; held until the end of the transaction, whoever else wants to change it waits."""
    statement = select(images).where(images.c.id == image_id)
    row = connection.execute(statement.with_for_update() if held else statement).first()
    if row is None:
        raise NoSuchImageError(f"there is no image {image_id} in this project")
    return row


def _unknown(connection: Connection, image_id: int, batch: Sequence[Event]) -> list[Event]:
    """The events that are not in the log yet."""
    statement = select(events.c.uuid, events.c.image_id).where(events.c.uuid.in_([event.uuid for event in batch]))
    found = {row.uuid: row.image_id for row in connection.execute(statement)}
    elsewhere = [uuid for uuid, place in found.items() if place != image_id]
    if elsewhere:
        raise RequestError(f"the event {elsewhere[0]} already belongs to another image")
    return [event for event in batch if event.uuid not in found]


def _values(image_id: int, seq: int, new: Sequence[Event], editor: str, client: str) -> list[dict[str, Any]]:
    received = time.time()
    return [
        {
            "image_id": image_id,
            "number": number,
            "uuid": event.uuid,
            "kind": event.kind,
            "body": json.dumps(event.body, ensure_ascii=False, separators=(",", ":"), allow_nan=False),
            "editor": editor,
            "client": client,
            "at": event.at,
            "received": received,
            "active_ms": event.active_ms,
            "clicks": event.clicks,
        }
        for number, event in enumerate(new, start=seq + 1)
    ]


def _summarise(connection: Connection, image_id: int, seq: int, new: Sequence[Event], history: History) -> None:
    """Keep what lists and sums need beside the events, in the same transaction."""
    seen = drawing(history)
    connection.execute(delete(image_labels).where(image_labels.c.image_id == image_id))
    if rows := _labels_of(image_id, seen):
        connection.execute(insert(image_labels), rows)
    values = {
        "seq": seq,
        "state": seen.state,
        "masks": len(seen.masks),
        "active_ms": images.c.active_ms + sum(event.active_ms for event in new),
        "clicks": images.c.clicks + sum(event.clicks for event in new),
        "summary": summary_of(seen),
        "touched": tick(connection),  # last: from here on all others who save wait
    }
    connection.execute(update(images).where(images.c.id == image_id).values(values))


def _labels_of(image_id: int, seen: Drawing) -> list[dict[str, Any]]:
    """How many masks of each label an image has, as rows."""
    counts = Counter(mask["label"] for mask in seen.masks.values())
    return [{"image_id": image_id, "label": label, "masks": count} for label, count in counts.items()]
