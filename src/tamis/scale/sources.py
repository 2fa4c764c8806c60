"""Images of any collection, each named by where it lies, so that a list of them is small and workers do the reading.

Folders, webdataset tars (an offset and a length for each image) and Parquet with a column of images (a row group and a
row), here or in an object store.
"""

import os
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from tamis.arrays import ImageArray
from tamis.errors import InputError, TamisError, UnavailableError
from tamis.image import MAX_PIXELS, SUFFIXES, read_image
from tamis.scale.stores import is_object, is_url, local, opened, read, read_part, walk

NAMES, IMAGES = ("name", "__key__", "key", "id", "path"), ("image", "jpg", "bytes", "content")
"""Columns of Parquet that may hold names and images, the first that is there counts."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An image of a collection, unread.

    Attributes:
        name: unique in the source: path below a folder, member of a tar, name in a table.
        place: path or URL of the file that holds it.
        inside: of a tar the offset and bytes, of Parquet the row group and row; None for a file of its own.
        version: what changes when the image does: bytes and time, or the store's tag.
        date: ISO 8601, empty where unknown.
    """

    name: str
    place: str
    inside: tuple[int, int] | None = None
    version: str = ""
    date: str = ""

    def content(self) -> bytes:
        """The bytes of the image's file.

        Raises:
            InputError: they cannot be read.
        """
        if self.inside is None:
            return read(self.place)
        first, second = self.inside
        if self.place.endswith(".parquet"):
            return _rows(self.place, first)[second]
        return read_part(self.place, first, second)

    def image(self, content: bytes, max_pixels: int = MAX_PIXELS) -> ImageArray:
        """The pixels (H, W, 3) uint8 RGB of those bytes, decoded as `tamis.read_image` decodes a file.

        Raises:
            InputError: it is no image, damaged or too large; the sentence names where it lies.
        """
        path = local(self.place)
        if path is not None and self.inside is None:
            return read_image(path, max_pixels)
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder, "image" + PurePosixPath(self.name).suffix)
            copy.write_bytes(content)
            try:
                return read_image(copy, max_pixels)
            except InputError as error:
                said = str(error).removeprefix(f"{copy}: ")
                raise InputError(f"{self.place}{'' if self.inside is None else f' ({self.name})'}: {said}") from None


def entries_of(source: str, leave_out: Sequence[Path] = ()) -> Iterator[Entry]:
    """The images of a folder and the folders in it, of a .tar, of a .parquet, or of one file; a path or a URL.

    They come as they are found, folder by folder, sorted in each.

    Args:
        source: path or URL.
        leave_out: folders here that are passed over, such as that of results.

    Raises:
        InputError: there is no such source, or it holds no images.
    """
    path = local(source)
    inside = source.endswith((".tar", ".parquet")) and (is_object(source) if path is None else path.is_file())
    if inside:
        yield from _of_tar(source) if source.endswith(".tar") else _of_parquet(source)
        return
    found = False
    for entry in _of_store(source) if path is None else _of_path(path, leave_out):
        found = True
        yield entry
    if not found:
        raise InputError(f"{source}: holds no images (looked for {', '.join(sorted(SUFFIXES))})")


def is_collection(source: str) -> bool:
    """Whether a source is one that `tamis.image.find_images` does not know: a URL, a tar or Parquet."""
    return is_url(source) or source.endswith((".tar", ".parquet"))


def _of_store(source: str) -> Iterator[Entry]:
    if is_object(source):
        yield Entry(PurePosixPath(source).name, source)
        return
    for place, name, size, version in walk(source):
        if PurePosixPath(name).suffix.lower() in SUFFIXES and not _hidden(name):
            yield Entry(name, place, None, f"{size} {version}")


def _of_path(path: Path, leave_out: Sequence[Path]) -> Iterator[Entry]:
    if path.is_file():
        yield _entry_of(path.name, os.fspath(path), path.stat())
    elif path.is_dir():
        yield from _below(path, "", {os.path.abspath(place) for place in leave_out}, frozenset())
    else:
        raise InputError(f"{path}: there is no such folder, .tar or .parquet; check the name")


def _below(folder: Path, inside: str, leave_out: set[str], above: frozenset[str]) -> Iterator[Entry]:
    """Files and folders of a folder in one order, as paths sort; links that lead back up are not followed."""
    here = os.path.realpath(folder / inside)
    if here in above:
        return
    with os.scandir(folder / inside) as found:
        listed = sorted((entry.name, entry.is_dir()) for entry in found if not entry.name.startswith("."))
    for short, is_folder in listed:
        name, path = inside + short, os.path.join(folder, inside, short)
        if is_folder:
            if os.path.abspath(path) not in leave_out:
                yield from _below(folder, f"{name}/", leave_out, above | {here})
        elif os.path.splitext(short)[1].lower() in SUFFIXES:
            with suppress(FileNotFoundError):  # a link to nowhere, or removed meanwhile
                yield _entry_of(name, path, os.stat(path))


def _entry_of(name: str, place: str, stat: os.stat_result) -> Entry:
    date = datetime.fromtimestamp(stat.st_mtime, UTC).isoformat(timespec="seconds")
    return Entry(name, place, None, f"{stat.st_size} {stat.st_mtime_ns}", date)


def _of_tar(source: str) -> Iterator[Entry]:
    try:
        with opened(source) as file, tarfile.open(fileobj=file, mode="r:") as archive:
            for member in archive:
                if member.isfile() and PurePosixPath(member.name).suffix.lower() in SUFFIXES:
                    date = datetime.fromtimestamp(member.mtime, UTC).isoformat(timespec="seconds")
                    version = f"{member.size} {member.mtime}"
                    yield Entry(
                        member.name, source, (member.offset_data, member.size), version, date if member.mtime else ""
                    )
                archive.members = []  # type: ignore[attr-defined]  # else it remembers every header
    except (OSError, tarfile.TarError, EOFError) as error:
        if isinstance(error, TamisError):
            raise
        raise InputError(f"{source}: is cut off or no tar ({error}); download it again") from None


def _of_parquet(source: str) -> Iterator[Entry]:
    with opened(source) as opened_file:
        file, names, images = _table(source, opened_file)
        for group in range(file.num_row_groups):
            column = file.read_row_group(group, columns=[names]).column(0)
            size = file.metadata.row_group(group).total_byte_size
            for row, name in enumerate(column.to_pylist()):
                yield Entry(str(name), source, (group, row), f"{images} {size}")


@lru_cache(maxsize=1)
def _rows(source: str, group: int) -> list[bytes]:
    """The images of a row group; neighbours are asked for one after the other."""
    with opened(source) as opened_file:
        file, _, images = _table(source, opened_file)
        values = file.read_row_group(group, columns=[images]).column(0).to_pylist()
    return [value["bytes"] if isinstance(value, dict) else value for value in values]


def _table(source: str, opened_file: Any) -> tuple[Any, str, str]:
    """An open table, and its columns of names and of images."""
    try:
        import pyarrow
        import pyarrow.parquet as parquet
    except ModuleNotFoundError:
        raise UnavailableError("reading Parquet needs pyarrow: run pip install 'tamis[retrieval]'") from None
    try:
        file = parquet.ParquetFile(opened_file)
    except (OSError, pyarrow.ArrowException) as error:
        raise InputError(f"{source}: is cut off or no Parquet ({error}); download it again") from None
    there = file.schema_arrow.names
    names, images = (next((name for name in known if name in there), None) for known in (NAMES, IMAGES))
    if images is None or names is None:
        raise InputError(
            f"{source}: has the columns {', '.join(there)}; name one of images `image` and one of names `name`"
        )
    return file, names, images


def _hidden(name: str) -> bool:
    return any(part.startswith(".") for part in name.split("/"))
