"""A log of finished images that survives any interruption."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from tamis.errors import InputError, OutputError
from tamis.results.run import alone_in


class Journal:
    """What has been finished, by name, in a file of JSON lines; made by `opened`."""

    def __init__(self, file: BinaryIO, entries: dict[str, Any]) -> None:
        self._file = file
        self.entries = entries

    def add(self, name: str, entry: Any) -> None:
        """Record an entry and wait until it is on disk.

        Raises:
            OutputError: the disk is full or gone; all earlier entries stay.
        """
        try:
            self._file.write(json.dumps([name, entry]).encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise OutputError(
                f"{self._file.name}: cannot be written ({error.strerror}); make room and run the same command again"
            ) from error
        self.entries[name] = entry


@contextmanager
def opened(path: Path, signature: dict[str, Any]) -> Iterator[Journal]:
    """Open a journal alone, with what an earlier run of the same signature has finished.

    Args:
        path: the file; its folder must exist.
        signature: everything that decides the entries.

    Raises:
        InputError: the journal belongs to a run of another signature, or a run is writing to it now.
    """
    with alone_in(path.parent, Path(f"{path}.lock")):
        lines, length = _complete_lines(path)
        if lines and not isinstance(lines[0], dict):
            raise InputError(f"{path}: is no journal of a run; choose another folder")
        if lines and lines[0] != signature:
            differing = sorted(
                key for key in signature.keys() | lines[0].keys() if signature.get(key) != lines[0].get(key)
            )
            raise InputError(
                f"--out {path.parent}: holds a run that differs in {', '.join(differing)}; choose another folder"
            )
        with path.open("r+b" if path.exists() else "w+b") as file:
            if not lines:
                file.write(json.dumps(signature).encode() + b"\n")
            else:
                file.seek(length)
            file.truncate()
            yield Journal(file, dict(lines[1:]))


def gathered(folder: Path, signature: dict[str, Any]) -> dict[str, Any]:
    """What several workers, of whom some may have been stopped, have finished, each in a journal of its own.

    Args:
        folder: of the journals; there may be none.
        signature: theirs; those of another are left out.
    """
    found: dict[str, Any] = {}
    for path in sorted(folder.glob("*.jsonl")):
        lines, _ = _complete_lines(path)
        if lines[:1] == [signature]:
            found.update(lines[1:])
    return found


def _complete_lines(path: Path) -> tuple[list[Any], int]:
    """The lines that were written whole and their bytes; a last one that was cut off by a crash is left out."""
    lines: list[Any] = []
    length = 0
    for line in path.read_bytes().split(b"\n")[:-1] if path.exists() else []:
        try:
            lines.append(json.loads(line))
        except ValueError:
            break
        length += len(line) + 1
    return lines, length
