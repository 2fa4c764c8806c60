"""A project's database: SQLite beside the images, or PostgreSQL."""

import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Function,
    create_engine,
    event,
    extract,
    func,
    literal,
    select,
    update,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from tamis.annotation import schema
from tamis.annotation.problems import DatabaseError, DiskFullError, LockedError, RequestError
from tamis.errors import OutputError, UnavailableError

ROUND = 1.0
"""Seconds after which whoever listens looks whether to stop, or tries to reach the server again."""

PATIENCE = 5.0
"""Seconds to wait for another program that is writing."""

WRITERS = 64
"""Changes that may wait for their turn."""

AT_ONCE = 8
"""Changes that a process makes at a time on PostgreSQL, where they wait for one another by image; SQLite has one."""

READERS = 8
"""Connections to PostgreSQL that are left for those who only read, and for whoever listens."""

_TOLD = "tamis told"
"""A mark of a connection: whoever listens is told of what it writes."""

CHANNEL = "tamis"
"""On which PostgreSQL tells all processes of a project that something has changed."""


class Database:
    """Transactions over the tables of `tamis.annotation.schema`; may be used by several threads.

    Attributes:
        place: what to call it in a sentence; without a password.
        file: of SQLite; None for a server.
        changed: is called after every change that this process has made.
    """

    def __init__(self, engine: Engine, place: str, file: Path | None = None) -> None:
        self.place = place
        self._engine = engine
        self.file = file
        self._opened: tuple[int, int] | None = None
        # SQLite has one writer at a time: threads of one program take turns here instead of polling the file.
        self._writing = threading.Semaphore(1 if file else AT_ONCE)
        self.changed: Callable[[], None] = lambda: None
        # However long another program holds the file, some threads of a server are left for those who only read.
        self._waiting = threading.BoundedSemaphore(WRITERS)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database.

        Raises:
            DatabaseError: it cannot be read, or is locked.
        """
        with self._explained(), self._engine.connect() as connection:
            if self.file is None:  # PostgreSQL's default would show every statement what others did meanwhile
                connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that is on the disk once this returns, or did nothing if an exception leaves it.

        Raises:
            DatabaseError: it cannot be written, or is locked.
            DiskFullError: there is no room.
        """
        if not self._waiting.acquire(blocking=False):
            raise LockedError(f"{self.place}: too many changes wait for their turn; try again in a moment")
        try:
            with (
                self._explained(),
                self._writing,
                self._engine.connect().execution_options(writes=True) as connection,
                connection.begin(),
            ):
                self._require_file()
                connection.info.pop(_TOLD, None)  # of an earlier transaction, which did nothing in the end
                yield connection
                if self.file is None and not connection.info.pop(_TOLD, False):
                    connection.execute(select(_told()))
            # Once more: what went into a file that was deleted meanwhile is saved nowhere, and must be sent again.
            self._require_file()
        finally:
            self._waiting.release()
        self.changed()

    def listen(self, heard: Callable[[], None], stopped: threading.Event) -> None:
        """Call `heard` after every change of other processes, until stopped; returns at once on SQLite, which is mute.

        After a restart of the server it listens again, and `heard` is called once for all that may have been missed.
        """
        while self.file is None and not stopped.is_set():
            try:
                with self._explained(), self._engine.connect() as connection:
                    raw = connection.connection.driver_connection
                    assert raw is not None
                    connection.detach()  # nobody else is given one that listens
                    raw.autocommit = True
                    raw.execute(f"LISTEN {CHANNEL}")
                    heard()
                    while not stopped.is_set():
                        for _ in raw.notifies(timeout=ROUND, stop_after=1):
                            heard()
            except DatabaseError:
                heard()  # so that pages learn of it
                stopped.wait(ROUND)

    def watch(self) -> None:
        """From now on the file must stay the one that it is."""
        self._opened = _identity(self.file) if self.file else None

    def problem(self) -> str | None:
        """Why nothing can be saved at this moment, one sentence; None if it can. Cheap enough to ask every second."""
        if self.file is None or self._opened is None:
            return None
        found = _identity(self.file)
        if found is None:
            return f"{self.place}: is gone, and nothing is being saved; put it back, or start tamis annotate again"
        if found != self._opened:
            return f"{self.place}: is another file than it was, and nothing is being saved; start tamis annotate again"
        if not (os.access(self.file, os.W_OK) and os.access(self.file.parent, os.W_OK)):
            return f"{self.place}: cannot be written, and nothing is being saved; check permissions and the disk"
        return None

    def _require_file(self) -> None:
        if problem := self.problem():
            raise DatabaseError(problem)

    def close(self) -> None:
        """Give back connections."""
        self._engine.dispose()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except UnicodeEncodeError as error:
            raise RequestError(f"{str(error.object)[:40]!r} is no text that can be kept; write it otherwise") from error
        except SQLAlchemyError as error:
            raise _problem(self.place, error) from error
        except Exception as error:
            if self.file is not None or not _is_of_driver(error):
                raise
            raise DatabaseError(f"{self.place}: the connection is gone ({_line(error)})") from error


def open_database(url: str, create: bool = True) -> Database:
    """Open a database, and make or update its tables.

    Args:
        url: a file's path, "sqlite:///FILE" or "postgresql://USER:PASSWORD@HOST/NAME".
        create: make the file if there is none.

    Raises:
        DatabaseError: it is out of reach, locked, of a newer version, or no project.
        UnavailableError: PostgreSQL's driver is not installed.
    """
    parsed = _parsed(url)
    if parsed.get_backend_name() == "sqlite":
        file = Path(parsed.database or "")
        if not create and not file.is_file():
            raise DatabaseError(f"{file}: there is no project yet; make one with: tamis annotate FOLDER")
        engine, place, kept = _sqlite(parsed, file), str(file), file
    else:
        engine, place, kept = _postgresql(parsed), parsed.render_as_string(hide_password=True), None
    database = Database(engine, place, kept)
    with ExitStack() as unless_prepared:
        unless_prepared.callback(database.close)
        with database.writing() as connection:
            schema.prepare(connection, place, kept)
        database.watch()
        unless_prepared.pop_all()
    return database


def _identity(file: Path) -> tuple[int, int] | None:
    """What tells a file from another that takes its place; None if there is none."""
    try:
        stat = file.stat()
    except OSError:
        return None
    return stat.st_dev, stat.st_ino


def hold(connection: Connection, ids: Sequence[int] | None = None) -> None:
    """Hold images until the end of a writing transaction, all of them without numbers: whoever wants one waits.

    Whoever also needs the clock holds images first, so that no two wait for each other; SQLite has one writer anyway.
    """
    if connection.dialect.name != "postgresql":
        return
    statement = select(schema.images.c.id).order_by(schema.images.c.id).with_for_update()
    connection.execute(statement if ids is None else statement.where(schema.images.c.id.in_(ids))).all()


def moment(connection: Connection) -> ColumnElement[float]:
    """Now, in seconds since 1970: by PostgreSQL's clock, which is one for servers on several computers."""
    if connection.dialect.name == "postgresql":
        return extract("epoch", func.clock_timestamp()).cast(schema.leases.c.expires.type)
    return literal(time.time())


def tick(connection: Connection) -> int:
    """The number of this change; whoever writes meanwhile waits, so that numbers come in the order of commits.

    The wait ends with the transaction: what takes time comes before.
    """
    row = schema.clock
    ticked = update(row).values(now=row.c.now + 1)
    if connection.dialect.name == "postgresql" and not connection.info.get(_TOLD):
        # With the news: every statement from here on is a wait for all others.
        connection.info[_TOLD] = True
        return int(connection.execute(ticked.returning(row.c.now, _told())).scalar_one())
    return int(connection.execute(ticked.returning(row.c.now)).scalar_one())


def _told() -> Function[None]:
    """Tells others, once this is committed, that something has changed; what it was they read from the tables."""
    return func.pg_notify(CHANNEL, "")


def _parsed(url: str) -> URL:
    if "://" not in url:
        return URL.create("sqlite", database=url)
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except ArgumentError:
        backend = ""
    if backend not in ("sqlite", "postgresql"):
        raise DatabaseError("--db takes a file or postgresql://USER:PASSWORD@HOST/NAME, and this is neither")
    return parsed.set(drivername="postgresql+psycopg") if backend == "postgresql" else parsed


def _sqlite(url: URL, file: Path) -> Engine:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{file.parent}: cannot be made ({error.strerror}); put the database elsewhere with --db FILE"
        ) from error
    engine = create_engine(url, connect_args={"timeout": PATIENCE, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, record: Any) -> None:
        connection.isolation_level = None  # transactions begin below and nowhere else
        cursor = connection.cursor()
        for setting in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {setting}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A writer takes the lock at once: one that read first could be refused when it comes to write.
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _postgresql(url: URL) -> Engine:
    try:
        import psycopg  # noqa: F401
    except ImportError as error:
        raise UnavailableError("--db postgresql:// needs a driver: run pip install 'tamis[postgres]'") from error
    waits = {"connect_timeout": 10}
    return create_engine(url, pool_pre_ping=True, pool_size=AT_ONCE, max_overflow=READERS, connect_args=waits)


def _problem(place: str, error: SQLAlchemyError) -> Exception:
    cause = error.orig if isinstance(error, DBAPIError) else None
    code = getattr(cause, "sqlite_errorcode", None)
    if code is not None:
        primary = code & 0xFF  # extended codes hold more detail in the higher bits
        if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return LockedError(f"{place}: another program holds the database; close it and try again")
        if primary == sqlite3.SQLITE_FULL:
            return DiskFullError(f"{place}: the disk is full, and nothing is being saved; free some space")
        if primary == sqlite3.SQLITE_IOERR and _is_full(place):
            return DiskFullError(f"{place}: the disk is full, and nothing is being saved; free some space")
        if primary in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN):
            return DatabaseError(f"{place}: cannot be opened for writing; check permissions, or use --db FILE")
        if primary in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            return DatabaseError(f"{place}: is damaged or no SQLite database; put a copy of it back, or use --db FILE")
    state = getattr(cause, "sqlstate", None)
    if state == "53100":
        return DiskFullError(f"{place}: the server's disk is full, and nothing is being saved; free some space")
    if state in ("55P03", "40P01"):
        return LockedError(f"{place}: another program holds the database; try again")
    return DatabaseError(f"{place}: the database does not answer as it should ({_line(cause or error)})")


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]


def _is_of_driver(error: Exception) -> bool:
    """Whether PostgreSQL's driver says so itself: a connection that listens is asked without SQLAlchemy."""
    import psycopg

    return isinstance(error, psycopg.Error)


def _is_full(place: str) -> bool:
    """Whether there is no room for even one page beside the database: SQLite then says no more than "I/O error"."""
    try:
        return shutil.disk_usage(Path(place).parent).free < 65_536
    except OSError:
        return False
