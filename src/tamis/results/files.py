"""Writing files so that nothing already saved is ever lost."""

import errno
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

from tamis.errors import NameTooLongError, OutputError


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a binary file that takes the place of `path` only once it is completely on disk.

    The bytes go to a temporary file in the same folder, are flushed to the disk and renamed. If anything goes wrong,
    an interrupt included, the temporary file is removed and what stood at `path` is untouched.

    Raises:
        OutputError: the folder cannot be written to or the disk is full.
    """
    # Not tempfile: its files are private, and results are for everyone whom the user's umask admits.
    # Its own name is not part of the temporary one, which would be too long for the disk if that name nearly is.
    temporary = path.parent / f".{uuid4().hex}.part"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise _explained(path, error) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """A folder to be filled that takes the place of `path`, which must be empty or not there, once it is complete.

    If anything goes wrong, an interrupt included, what was written is removed and nothing stands at `path`.

    Raises:
        OutputError: the folder cannot be made, or put in its place.
    """
    begun = path.parent / f".{uuid4().hex}.part"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        begun.mkdir()
        yield begun
        with suppress(FileNotFoundError):
            path.rmdir()
        os.replace(begun, path)
    except OSError as error:
        raise _explained(path, error) from error
    finally:
        shutil.rmtree(begun, ignore_errors=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file atomically; see `replacing`."""
    with replacing(path) as file:
        file.write(content)


def write_json(path: Path, value: Any, indent: int | None = 2) -> None:
    """Write JSON atomically, see `replacing`; without indent in one line, which is quicker where there is much."""
    text = json.dumps(value, indent=indent, ensure_ascii=False) + "\n"
    # A file name that is no text has lone surrogates, whose backslash form is also how JSON writes them.
    write_bytes(path, text.encode(errors="backslashreplace"))


def _explained(path: Path, error: OSError) -> OutputError:
    if isinstance(error, OutputError):
        return error
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return OutputError(f"{path}: the disk is full; free some space and run the same command again")
    if error.errno == errno.ENAMETOOLONG:
        return NameTooLongError(f"{path}: the name is too long for this disk; shorten it")
    if isinstance(error, NotADirectoryError | FileExistsError):
        return OutputError(f"{path}: {path.parent} is a file, not a folder; choose another output folder")
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:
        return OutputError(f"{path}: no permission to write here; choose another output folder")
    return OutputError(f"{path}: cannot be written ({error.strerror or error}); choose another output folder")
