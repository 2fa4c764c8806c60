"""The right to change an image: one editor at a time, for half a minute unless renewed."""

import secrets
import time
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from tamis.annotation.database import tick
from tamis.annotation.problems import LeaseError
from tamis.annotation.schema import leases

SECONDS = 30.0
"""How long a lease lasts."""


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
    tick(connection)  # two who ask at once take turns
    now = time.time() if now is None else now
    held = current_lease(connection, image_id, now)
    if held is not None and held.client != client and not takeover:
        raise LeaseError(f"{held.editor} is at work on this image; take it over, or choose another", held.editor)
    key = held.lease if held is not None and held.client == client else secrets.token_urlsafe(16)
    lease = Lease(client, editor, key, now + SECONDS)
    connection.execute(delete(leases).where(leases.c.image_id == image_id))
    connection.execute(
        insert(leases).values(image_id=image_id, client=client, editor=editor, lease=key, expires=lease.expires)
    )
    return lease


def release_lease(connection: Connection, image_id: int, lease: str) -> None:
    """Give a lease back; one that is no longer held is nothing to give back."""
    connection.execute(delete(leases).where(leases.c.image_id == image_id, leases.c.lease == lease))


def current_lease(connection: Connection, image_id: int, now: float | None = None) -> Lease | None:
    """Who has an image, None if nobody does."""
    now = time.time() if now is None else now
    row = connection.execute(select(leases).where(leases.c.image_id == image_id, leases.c.expires > now)).first()
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
    now = time.time() if now is None else now
    rows = connection.execute(select(leases.c.image_id, leases.c.editor).where(leases.c.expires > now))
    return {row.image_id: row.editor for row in rows}
