"""What is decided about a project as a whole (labels, tags, who annotates what): events without an image."""

import json
import time
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, func, insert, select

from tamis.annotation.database import tick
from tamis.annotation.schema import events


def decide(connection: Connection, kind: str, body: Mapping[str, Any], editor: str) -> None:
    """Write down a decision, within a writing transaction."""
    tick(connection)  # comes first: whoever else wants to number an event waits
    last = connection.execute(select(func.max(events.c.number)).where(events.c.image_id.is_(None))).scalar()
    connection.execute(
        insert(events).values(
            image_id=None,
            number=(last or 0) + 1,
            uuid=uuid4().hex,
            kind=kind,
            body=json.dumps(body, ensure_ascii=False),
            editor=editor,
            client="",
            at="",
            received=time.time(),
            active_ms=0,
            clicks=0,
        )
    )


def decisions(connection: Connection, kinds: str) -> list[tuple[str, dict[str, Any]]]:
    """Kind and body of the decisions whose kind begins like this, oldest first."""
    chosen = events.c.image_id.is_(None), events.c.kind.startswith(kinds)
    statement = select(events.c.kind, events.c.body).where(*chosen).order_by(events.c.number)
    return [(kind, json.loads(body)) for kind, body in connection.execute(statement)]
