"""The tables of a project, and how older ones become today's."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    inspect,
    select,
    update,
)

from tamis.annotation.problems import DatabaseError

VERSION = 3
"""Of the tables; a program reads this version and turns older ones into it."""

_TURNS = 7_461_629
"""The number of the lock by which programs take turns to make tables."""

metadata = MetaData()

clock = Table(
    "clock",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("version", Integer, nullable=False),  # of the tables
    Column("now", BigInteger, nullable=False),  # ticks with every change; writers queue for this row
)

images = Table(
    "images",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),  # path below the folder, with forward slashes
    # The file that the masks belong to; nothing is known until it has been looked at.
    Column("sha256", String(64)),
    Column("width", Integer),
    Column("height", Integer),
    # The file that was there when somebody last looked.
    Column("found_sha256", String(64)),
    Column("bytes", BigInteger),
    Column("modified_ns", BigInteger),
    Column("missing", Boolean, nullable=False, default=False),
    Column("problem", Text),
    # What the events come to: written with them, and never read for anything but lists and sums.
    Column("seq", Integer, nullable=False, default=0),
    Column("state", String(10), nullable=False, default="todo"),
    Column("masks", Integer, nullable=False, default=0),
    Column("active_ms", BigInteger, nullable=False, default=0),
    Column("clicks", Integer, nullable=False, default=0),
    Column("touched", BigInteger, nullable=False),
    Column("summary", Text),  # what else lists show and filter by, as JSON; none until the first event
    Index("images_touched", "touched"),
)

events = Table(
    "events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("image_id", Integer, ForeignKey("images.id")),  # none: an event of the project, such as a new label
    Column("number", Integer, nullable=False),  # 1, 2, ... within the image, or within the project's own
    Column("uuid", String(64), nullable=False, unique=True),
    Column("kind", String(20), nullable=False),
    Column("body", Text, nullable=False),  # JSON
    Column("editor", String(100), nullable=False),
    Column("client", String(64), nullable=False),
    Column("at", String(40), nullable=False),  # by the sender's clock
    Column("received", Float, nullable=False),  # by ours, seconds since 1970
    Column("active_ms", BigInteger, nullable=False),
    Column("clicks", Integer, nullable=False),
    UniqueConstraint("image_id", "number"),
    sqlite_autoincrement=True,
)

image_labels = Table(
    "image_labels",
    metadata,
    Column("image_id", Integer, ForeignKey("images.id"), primary_key=True),
    Column("label", String(64), primary_key=True),
    Column("masks", Integer, nullable=False),
)

leases = Table(
    "leases",
    metadata,
    Column("image_id", Integer, ForeignKey("images.id"), primary_key=True),
    Column("client", String(64), nullable=False),
    Column("editor", String(100), nullable=False),
    Column("lease", String(64), nullable=False),
    Column("expires", Float, nullable=False),
)


def _with_summaries(connection: Connection) -> None:
    """Version 2 knows more kinds of events, and keeps a summary of each image beside them."""
    connection.exec_driver_sql("ALTER TABLE images ADD COLUMN summary TEXT")


def _with_rejections(connection: Connection) -> None:
    """Version 3 knows that proposals are rejected: an older program would stumble over such an event."""


MIGRATIONS: dict[int, Callable[[Connection], None]] = {1: _with_summaries, 2: _with_rejections}
"""MIGRATIONS[v] turns tables of version v into those of version v + 1."""


def prepare(connection: Connection, place: str, file: Path | None) -> None:
    """Make the tables of a new database, or bring those of an older one up to date.

    Args:
        connection: within a transaction, so that a failure changes nothing.
        place: what to call the database in a sentence.
        file: of an SQLite database, which is copied to FILE.vN before its tables of version N are changed.

    Raises:
        DatabaseError: it was made by a newer program, or is no project.
    """
    if (
        connection.dialect.name == "postgresql"
    ):  # two programs that start at once take turns; SQLite's writers do anyway
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_TURNS})")
    if not inspect(connection).has_table("clock"):
        if inspect(connection).get_table_names():
            raise DatabaseError(f"{place}: is a database of something else than tamis; name another with --db")
        metadata.create_all(connection)
        connection.execute(clock.insert().values(id=1, version=VERSION, now=0))
        return
    found = connection.execute(select(clock.c.version)).scalar_one()
    if found > VERSION:
        raise DatabaseError(
            f"{place}: was written by a newer tamis (tables of version {found}, this one knows {VERSION}); "
            "upgrade with: pip install --upgrade tamis"
        )
    if found < VERSION and file is not None:
        _copy(file, file.with_name(f"{file.name}.v{found}"))
    for version in range(found, VERSION):
        MIGRATIONS[version](connection)
        connection.execute(update(clock).values(version=version + 1))


def _copy(file: Path, copy: Path) -> None:
    """Copy an SQLite database with what is still in its journal."""
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
