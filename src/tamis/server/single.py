"""One server for a project: who starts a second is led to the first, and one that is started again is where it was."""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from filelock import FileLock, Timeout

from tamis.annotation.project import HOME, Project


@dataclass(frozen=True)
class Standing:
    """Where a project was served last.

    Attributes:
        address: to be opened in a browser, with the token.
        host: that it listened on.
        port: where.
        token: that everyone had to show; None where nobody needed one.
        people: the token of each person who has an own one, by name.
    """

    address: str
    host: str
    port: int
    token: str | None
    people: dict[str, str] = field(default_factory=dict)


def place_of(project: Project) -> Path:
    """Beside what it is written down where a project is served: its file; for one on a server a name in its folder."""
    if project.database.file is not None:
        return project.database.file
    told = hashlib.sha256(project.database.place.encode()).hexdigest()[:12]
    return project.folder / HOME / f"postgresql-{told}"


@contextmanager
def only_server(database: Path) -> Iterator[bool]:
    """Hold the right to serve the project of a database; False if another server has it, on this computer or disk."""
    lock = FileLock(f"{database}.serving")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        yield False
        return
    except OSError:  # a disk that knows no locks: nobody can tell, and the database itself stays consistent
        yield True
        return
    try:
        yield True
    finally:
        lock.release()


def remember(database: Path, standing: Standing) -> None:
    """Write down where a project is served; for the owner's eyes alone, since the token is in it."""
    file = _file(database)
    with suppress(OSError):  # a folder that cannot be written to: the next server will be found elsewhere
        file.parent.mkdir(exist_ok=True)
        temporary = file.with_name(f".{file.name}.{os.getpid()}")
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as opened:
            json.dump(asdict(standing), opened)
        os.replace(temporary, file)


def remembered(database: Path) -> Standing | None:
    """Where a project was served last, None if nobody knows."""
    try:
        return Standing(**json.loads(_file(database).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _file(database: Path) -> Path:
    return database.with_name(f"{database.name}.address")
