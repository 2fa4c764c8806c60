"""The right to change an image: one editor at a time, for half a minute unless renewed."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, delete, insert, literal, select

from tamis.annotation.database import hold, moment
from tamis.annotation.problems import LeaseError
from tamis.annotation.schema import images, leases

SECONDS = 30.0
"""How long a lease lasts."""

OPEN = ("todo", "progress", "rejected")
"""States of images that wait for an annotator."""


@dataclass(frozen=True)
class Lease:
    """Who may change an image.

    Attributes:
        client: the browser tab or program.
        editor: the person's name.
        lease: to be shown with every change.
        expires: seconds since 1970.
    """

    client: str
    editor: str
    lease: str
    expires: float


def take_lease(
    connection: Connection, image_id: int, client: str, editor: str, takeover: bool = False, now: float | None = None
) -> Lease:
    """Take or renew the lease of an image; the same client gets the same lease again.

    Args:
        connection: of a writing transaction.
        image_id: the image.
        client: who asks.
        editor: the person's name.
        takeover: take it from whoever has it.
        now: seconds since 1970; by the clock if not given.

    Raises:
        LeaseError: somebody else has it.
    """
    hold(connection, [image_id])  # two who ask for the same image at once take turns; nobody else waits
    held = current_lease(connection, image_id, now)
    if held is not None and held.client != client and not takeover:
        raise LeaseError(f"{held.editor} is at work on this image; take it over, or choose another", held.editor)
    return _write(connection, image_id, client, editor, held, now)


def take_next(
    connection: Connection, image_ids: Iterable[int], client: str, editor: str, now: float | None = None
) -> tuple[int, Lease] | None:
    """The first of some images that waits for an annotator and that nobody else has, and its lease.

    Several who ask at once get different images, and nobody waits: an image that another is taking at this moment is
    passed over. None if there is no such image.
    """
    for image_id in image_ids:
        wanted = select(images.c.id).where(images.c.id == image_id, images.c.state.in_(OPEN))
        if connection.execute(wanted.with_for_update(skip_locked=True)).first() is None:
            continue
        held = current_lease(connection, image_id, now)
        if held is None or held.client == client:
            return image_id, _write(connection, image_id, client, editor, held, now)
    return None


def _write(
    connection: Connection, image_id: int, client: str, editor: str, held: Lease | None, now: float | None
) -> Lease:
    """The lease of whoever may have it; the image is held."""
    key = held.lease if held is not None and held.client == client else secrets.token_urlsafe(16)
    connection.execute(delete(leases).where(leases.c.image_id == image_id))
    values = {"image_id": image_id, "client": client, "editor": editor, "lease": key}
    written = insert(leases).values(expires=_moment(connection, now) + SECONDS, **values).returning(leases.c.expires)
    return Lease(client, editor, key, connection.execute(written).scalar_one())


def release_lease(connection: Connection, image_id: int, lease: str) -> None:
    """Give a lease back; one that is no longer held is nothing to give back."""
    connection.execute(delete(leases).where(leases.c.image_id == image_id, leases.c.lease == lease))


def current_lease(connection: Connection, image_id: int, now: float | None = None) -> Lease | None:
    """Who has an image, None if nobody does."""
    running = leases.c.expires > _moment(connection, now)
    row = connection.execute(select(leases).where(leases.c.image_id == image_id, running)).first()
    return None if row is None else Lease(row.client, row.editor, row.lease, row.expires)


def require_lease(connection: Connection, image_id: int, lease: str, now: float | None = None) -> Lease:
    """The lease, if it holds.

    Raises:
        LeaseError: it has run out, or somebody else has the image.
    """
    held = current_lease(connection, image_id, now)
    if held is None:
        raise LeaseError("the right to change this image has run out; open it again", None)
    if not secrets.compare_digest(held.lease.encode(), lease.encode()):
        raise LeaseError(f"{held.editor} is at work on this image; nothing was saved over it", held.editor)
    return held


def editors(connection: Connection, now: float | None = None) -> dict[int, str]:
    """Image ids and who is at work on them."""
    running = leases.c.expires > _moment(connection, now)
    rows = connection.execute(select(leases.c.image_id, leases.c.editor).where(running))
    return {row.image_id: row.editor for row in rows}


def _moment(connection: Connection, now: float | None) -> ColumnElement[float]:
    return moment(connection) if now is None else literal(now)
