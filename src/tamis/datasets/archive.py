"""A dataset that is one archive on a server: fetched piece by piece, taken up where it stopped, checked, unpacked."""

import hashlib
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

from tamis.datasets.remote import RemoteFile
from tamis.errors import InputError, OutputError
from tamis.results.files import write_bytes

PIECE = 1 << 22
"""Bytes that are asked for at once, and at most fetched again after an interruption."""


def fetch_archive(url: str, place: Path, retries: int = 5, timeout: float = 60, wait: float = 1) -> Generator[float]:
    """Fetch a file to `place`; what an earlier attempt left in `place` with `.part` behind it is kept.

    Args:
        url: http or https; the server sends ranges.
        place: the file to be.
        retries: consecutive failures that are tolerated.
        timeout: seconds without an answer that count as a failure.
        wait: seconds before the first new attempt.

    Yields:
        The share that is there.

    Raises:
        InputError: there is no such file, or the server fails too often.
        OutputError: it cannot be written.
    """
    part = place.with_name(f"{place.name}.part")
    with RemoteFile(url, retries, timeout, wait) as remote:
        size = remote.seek(0, 2)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            there = part.stat().st_size if part.exists() else 0
            with part.open("ab") as file:
                if there > size:  # of another file
                    file.truncate(0)
                    there = 0
                remote.seek(there)
                yield there / max(size, 1)
                while piece := remote.read(PIECE):
                    file.write(piece)
                    there += len(piece)
                    yield there / size
            part.replace(place)
        except OSError as error:
            if isinstance(error, InputError):
                raise
            raise OutputError(f"{place}: cannot be written ({error.strerror}); make room and run it again") from error


def sha256_of(place: Path) -> str:
    """Of a file's bytes, 64 hexadecimal digits."""
    with place.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def unpack(place: Path, root: Path, wanted: Callable[[str], str | None]) -> Iterator[float]:
    """Write files of a ZIP archive below a folder, each checked against the archive's CRC; those there are left alone.

    Args:
        place: the archive.
        root: the folder.
        wanted: from a name in the archive to the path below the folder, None for a file that is not wanted.

    Yields:
        The share that is done.

    Raises:
        InputError: the archive is damaged, or has nothing that is wanted.
        OutputError: a file cannot be written.
    """
    try:
        with zipfile.ZipFile(place) as archive:
            chosen = [(info, path) for info in archive.infolist() if (path := wanted(info.filename)) is not None]
            if not chosen:
                raise InputError(f"{place}: holds none of the files that are wanted; it is another archive")
            for number, (info, path) in enumerate(chosen, 1):
                there = root / path
                if not there.is_file() or there.stat().st_size != info.file_size:
                    write_bytes(there, archive.read(info))
                yield number / len(chosen)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise InputError(f"{place}: arrived damaged ({error}); delete it and run the same command again") from None
