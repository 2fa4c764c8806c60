"""The list of images as pages see it, cheap to ask for every second."""

import secrets
import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import func, select

from tamis.annotation.assignment import assigned
from tamis.annotation.catalogue import ImageRow, image_rows
from tamis.annotation.leases import OPEN, editors
from tamis.annotation.project import Project
from tamis.annotation.schema import clock, events
from tamis.annotation.summary import read_summary
from tamis.image import reading_order


class Board:
    """The list of images as pages poll it: kept in memory, with a version that grows with every change.

    Changes come from the database, whoever made them, from leases that run out, and from the encoder.

    Args:
        project: whose images.
        encoded: gives what to say of an image besides what the database knows.
        noted: is called when something besides the database has changed.
    """

    def __init__(
        self,
        project: Project,
        encoded: Callable[[ImageRow], Mapping[str, Any]],
        noted: Callable[[], None] = lambda: None,
    ) -> None:
        self._project = project
        self._encoded = encoded
        self._noted = noted
        self._reading = threading.Lock()  # around questions to the database, which take their time
        self._lock = threading.Lock()  # around what is in memory
        self._rows: dict[int, ImageRow] = {}
        self._order: list[int] = []
        self._said: dict[int, dict[str, Any]] = {}
        self._versions: dict[int, int] = {}
        self._places: dict[int, int] = {}
        self._changes: list[tuple[int, int]] = []  # versions and the images that they changed, growing
        self._edited: set[int] = set()
        self._looked = 0.0
        # The upper bits tell this board from those of other processes and of earlier runs, so that a page which comes
        # from one of them is told everything; in all 52 bits, since browsers count no further.
        self._board = secrets.randbits(20)
        self._version = self._board << 32
        self._tick = -1
        self._labels = 0
        self._assigned: dict[int, str] = {}

    def update(self) -> None:
        """Read what has changed in the database since the last time; who waits for somebody else's look uses that."""
        asked = time.monotonic()
        with self._reading:
            if self._looked > asked:
                return
            self._looked = time.monotonic()
            with self._project.database.reading() as connection:
                now = connection.execute(select(clock.c.now)).scalar_one()
                rows = image_rows(connection, self._tick) if now != self._tick else []
                at_work = editors(connection)
                given, decided = self._assigned, self._labels
                if now != self._tick:
                    project_events = select(func.count()).where(events.c.image_id.is_(None))
                    decided = connection.execute(project_events).scalar_one()
                    given = assigned(connection) if decided != self._labels else given
            self._tick = now
            with self._lock:
                self._learn(rows, at_work, given, decided)

    def _learn(self, rows: Sequence[ImageRow], at_work: Mapping[int, str], given: dict[int, str], decided: int) -> None:
        """Remember what was read, and what of it is new."""
        self._labels = decided
        moved_to = {image_id for image_id, _ in self._assigned.items() ^ given.items()}
        self._assigned = given
        moved = any(row.id not in self._rows or self._rows[row.id].name != row.name for row in rows)
        self._rows |= {row.id: row for row in rows}
        if moved:
            self._order = [row.id for row in sorted(self._rows.values(), key=lambda row: reading_order(row.name))]
            self._places = {image_id: place for place, image_id in enumerate(self._order)}
        for image_id in {row.id for row in rows} | self._edited | at_work.keys() | moved_to:
            if image_id in self._rows:
                self._tell(image_id, at_work.get(image_id))
        self._edited = set(at_work)

    def note(self, image_id: int) -> None:
        """Something besides the database has changed about an image."""
        with self._lock:
            if image_id in self._said:
                self._tell(image_id, self._said[image_id]["editor"])
        self._noted()

    def since(self, version: int | None) -> tuple[int, list[dict[str, Any]]]:
        """The version now, and the images that have changed since a version, or all if it is none of this board's."""
        with self._lock:
            if version is None or version >> 32 != self._board or version > self._version:
                return self._version, [self._said[image_id] for image_id in self._order]
            later = self._changes[bisect_right(self._changes, (version, len(self._order) + 2**31)) :]
            images = sorted({image_id for _, image_id in later}, key=self._places.__getitem__)
            return self._version, [self._said[image_id] for image_id in images]

    @property
    def version(self) -> int:
        """Grows with every change."""
        return self._version

    @property
    def labels(self) -> int:
        """A number that grows whenever the labels, or what else is decided about the project, change."""
        return self._labels

    def order(self) -> list[int]:
        """The ids of all images in reading order."""
        with self._lock:
            return list(self._order)

    def waiting_for(self, editor: str) -> list[int]:
        """Images that an annotator may take, by number: first those given to him, then those given to nobody.

        Those that somebody was at work on at the last update are left out.
        """
        with self._lock:
            free = [
                each
                for each in self._order
                if self._rows[each].state in OPEN and not self._rows[each].problem and each not in self._edited
            ]
            mine = [each for each in free if self._assigned.get(each) == editor]
            return mine + [each for each in free if not self._assigned.get(each)]

    def row(self, image_id: int) -> ImageRow | None:
        """What was known of an image at the last update."""
        with self._lock:
            return self._rows.get(image_id)

    def rows(self) -> list[ImageRow]:
        """What was known of all images at the last update, in reading order."""
        with self._lock:
            return [self._rows[image_id] for image_id in self._order]

    def _tell(self, image_id: int, editor: str | None) -> None:
        row = self._rows[image_id]
        encoded = self._encoded(row)
        height, width = row.shape or (None, None)
        said = {
            "id": row.id,
            "name": row.name,
            "width": width,
            "height": height,
            "state": row.state,
            "encoded": "failed" if row.problem else encoded["encoded"],
            "problem": row.problem or encoded["problem"],
            "masks": row.masks,
            "seconds": round(row.active_ms / 1000, 1),
            "clicks": row.clicks,
            "changed": row.changed,
            "missing": row.missing,
            "editor": editor,
            "seq": row.seq,
            "assigned": self._assigned.get(image_id, ""),
            **read_summary(row.summary),
        }
        if self._said.get(image_id) != said:
            self._said[image_id] = said
            self._version += 1
            self._versions[image_id] = self._version
            self._changes.append((self._version, image_id))
            if len(self._changes) > 2 * len(self._versions) + 1000:  # of each image the last change is enough
                self._changes = sorted((version, each) for each, version in self._versions.items())
