"""Where the time went: sums over images, labels and people."""

import csv
import io
from collections import Counter
from typing import Any

from sqlalchemy import func, select

from tamis.annotation.catalogue import image_rows
from tamis.annotation.fold import STATES
from tamis.annotation.labels import labels_of
from tamis.annotation.project import Project
from tamis.annotation.schema import events, image_labels

COLUMNS = ("image", "state", "masks", "seconds", "clicks", "seconds_per_mask")


def statistics(project: Project) -> dict[str, Any]:
    """Sums over a project, ready for JSON.

    Seconds are those of work, as the page measured them, with idle time left out; the mean of an image is over those
    that somebody has worked on, and the mean of a mask over all seconds.
    """
    with project.database.reading() as connection:
        rows = image_rows(connection)
        by_label = connection.execute(
            select(image_labels.c.label, func.sum(image_labels.c.masks), func.count()).group_by(image_labels.c.label)
        )
        counts = {label: (int(masks), int(images)) for label, masks, images in by_label}
        names = {label.id: label.name for label in labels_of(connection)}
        by_person = connection.execute(
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
        people = [
            {
                "user": editor,
                "images": int(images),
                "events": int(number),
                "seconds": int(active_ms) / 1000,
                "clicks": int(clicks),
            }
            for editor, images, number, active_ms, clicks in by_person
        ]
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
            {"id": label, "label": name, "masks": counts.get(label, (0, 0))[0], "images": counts.get(label, (0, 0))[1]}
            for label, name in names.items()
        ],
        "per_user": people,
    }


def as_csv(found: dict[str, Any]) -> str:
    """One line for each image.

    A name that a spreadsheet would take for a formula is preceded by an apostrophe.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for row in found["per_image"]:
        writer.writerow([_harmless(row[column]) for column in COLUMNS])
    return text.getvalue()


def _harmless(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return round(value, 3) if isinstance(value, float) else value
