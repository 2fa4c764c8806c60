"""`run.json`: what made the results in a folder."""

import hashlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from filelock import FileLock, Timeout

import tamis
from tamis.errors import InputError, OutputError
from tamis.results import environment
from tamis.results.files import write_json


@dataclass
class Run:
    """The record of one run; written at its start and again at its end.

    Attributes:
        out: the result folder.
        settings: everything that could change a result, as JSON values, the seed included.
        command: the command line.
        weights: SHA-256 of the weights, None for a segmentor without.
        dataset: fingerprint of the images, once they are known.
    """

    out: Path
    settings: Mapping[str, Any]
    command: list[str] = field(default_factory=lambda: ["tamis", *sys.argv[1:]])
    weights: str | None = None
    dataset: str | None = None
    started: str = field(default_factory=lambda: _now())

    def save(self, finished: bool) -> None:
        """Write `run.json`.

        Raises:
            OutputError: the folder cannot be written to.
        """
        write_json(self.out / "run.json", self.record(finished))

    def record(self, finished: bool) -> dict[str, Any]:
        """What `run.json` holds; a dataset's manifest holds it too."""
        return {
            "command": self.command,
            "version": tamis.__version__,
            "settings": dict(self.settings),
            "weights_sha256": self.weights,
            "dataset_fingerprint": self.dataset,
            "started": self.started,
            "ended": _now() if finished else None,
            "environment": environment.facts(),
        }


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal.

    Raises:
        InputError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check its name and your permissions") from error


def fingerprint(hashes: Iterable[str]) -> str:
    """SHA-256 over the sorted hashes of a dataset's files: the same files in any order, the same fingerprint."""
    return hashlib.sha256("\n".join(sorted(hashes)).encode()).hexdigest()


@contextmanager
def alone_in(out: Path, lock: Path) -> Iterator[None]:
    """Keep other runs from writing into a result folder.

    Args:
        out: the folder.
        lock: a file in it that stands for the right to write; its folder is made if needed.

    Raises:
        InputError: another run is writing there.
        OutputError: the lock cannot be made.
    """
    require_folder(lock.parent)
    held = FileLock(lock)
    try:
        held.acquire(timeout=0)
    except Timeout:
        raise InputError(f"--out {out}: another run is writing there; wait for it or choose another") from None
    try:
        yield
    finally:
        held.release()


def require_folder(path: Path) -> None:
    """Make a result folder, and show that it can be written to before any work is done.

    Raises:
        OutputError: it is a file, or cannot be made or written to.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=path):
            pass
    except (FileExistsError, NotADirectoryError) as error:
        raise OutputError(f"--out {path}: is a file, not a folder; choose another name") from error
    except OSError as error:
        raise OutputError(f"--out {path}: cannot be written to ({error.strerror}); choose another folder") from error


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
