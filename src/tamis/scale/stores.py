"""Places that are named by a path or an fsspec URL (s3://, gs://, file://, memory://): read, written and listed.

An object of a store appears whole or not at all, as a file here does by `results.files`.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit

from tamis.errors import InputError, OutputError, TamisError, UnavailableError
from tamis.results.files import write_bytes

EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gs", "gcs": "gs"}
"""The extra of tamis that a kind of URL needs besides `scale`."""


class StoreError(TamisError, OSError):
    """A store that does not answer; what was asked of it is worth another try."""


def is_url(place: str) -> bool:
    """Whether a place is a URL rather than a path; one letter is a drive of Windows."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", place) is not None


def local(place: str) -> Path | None:
    """The path of a place on this machine, file:// included; None for an object store."""
    if not is_url(place):
        return Path(place)
    parts = urlsplit(place)
    return Path(unquote(parts.netloc + parts.path)) if parts.scheme == "file" else None


def joined(folder: str, name: str) -> str:
    """A place in a folder."""
    path = local(folder)
    return f"{folder.rstrip('/')}/{name}" if path is None else str(path / name)


@contextmanager
def opened(place: str) -> Iterator[BinaryIO]:
    """A file or object for reading, at any offset.

    Raises:
        InputError: it is not there, or its store does not let one in.
        StoreError: its store does not answer.
        UnavailableError: what reads such URLs is not installed.
    """
    path = local(place)
    with _explained(place, InputError):
        if path is not None:
            found: BinaryIO = path.open("rb")
        else:
            store, key = _store(place)
            found = store.open(key, "rb", block_size=1 << 20)
    with found:
        yield found


def read(place: str) -> bytes:
    """All bytes of a file or object; raises as `opened`."""
    path = local(place)
    if path is not None:
        with _explained(place, InputError):
            return path.read_bytes()
    store, key = _store(place)
    with _explained(place, InputError):
        return bytes(store.cat_file(key))


def read_part(place: str, first: int, length: int) -> bytes:
    """Some bytes of a file or object, by one request; raises as `opened`."""
    path = local(place)
    with _explained(place, InputError):
        if path is None:
            store, key = _store(place)
            return bytes(store.cat_file(key, start=first, end=first + length))
        with path.open("rb") as file:
            file.seek(first)
            return file.read(length)


def write(place: str, content: bytes) -> None:
    """Write a file or object, whole or not at all.

    Raises:
        OutputError: it cannot be written.
        UnavailableError: what writes such URLs is not installed.
    """
    path = local(place)
    if path is not None:
        write_bytes(path, content)
        return
    store, key = _store(place)
    with _explained(place, OutputError):
        store.pipe_file(key, content)


def remove(place: str) -> None:
    """Remove a file or object; one that is not there is none the worse."""
    path = local(place)
    if path is not None:
        path.unlink(missing_ok=True)
        return
    store, key = _store(place)
    with _explained(place, OutputError):
        if store.exists(key):
            store.rm_file(key)


def sizes_in(folder: str) -> dict[str, int]:
    """The files or objects right in a folder, with their bytes, as they are now; none where there is no folder."""
    path = local(folder)
    if path is not None:
        with os.scandir(path) if path.is_dir() else _nothing() as entries:
            return {entry.name: entry.stat().st_size for entry in entries if entry.is_file()}
    store, key = _store(folder)
    with _explained(folder, InputError):
        store.invalidate_cache()
        try:
            found = store.ls(key, detail=True)
        except FileNotFoundError:
            return {}
    return {Path(one["name"]).name: int(one["size"] or 0) for one in found if one["type"] == "file"}


def walk(folder: str) -> Iterator[tuple[str, str, int, str]]:
    """Every object below a URL, folder by folder, sorted in each: its place, name below the URL, bytes and version.

    Raises:
        InputError: there is no such folder, or its store cannot be reached or does not let one in.
    """
    store, root = _store(folder)
    with _explained(folder, InputError):
        if not store.exists(root):
            raise InputError(f"{folder}: there is no such folder or object; check the name")
        for place, folders, files in store.walk(root, detail=True):
            folders_in_order = sorted(folders)
            for name in folders_in_order:
                folders[name] = folders.pop(name)
            for name, one in sorted(files.items()):
                below = f"{place.rstrip('/')}/{name}".removeprefix(root.rstrip("/")).lstrip("/")
                version = next((str(one[key]) for key in ("ETag", "etag", "mtime", "created") if one.get(key)), "")
                yield store.unstrip_protocol(one["name"]), below, int(one["size"] or 0), version


def is_object(place: str) -> bool:
    """Whether a URL names an object, not a folder of them."""
    store, key = _store(place)
    with _explained(place, InputError):
        return bool(store.isfile(key))


def require_store(place: str) -> None:
    """Raise UnavailableError where what reads and writes such URLs is not installed."""
    if local(place) is None:
        _store(place)


def _store(place: str) -> tuple[Any, str]:
    kind = urlsplit(place).scheme
    try:
        from fsspec.core import url_to_fs
    except ModuleNotFoundError:
        raise UnavailableError(f"{place}: URLs need fsspec: run pip install 'tamis[scale]'") from None
    try:
        store, key = url_to_fs(place)
    except ImportError:
        extra = f"'tamis[{EXTRAS[kind]}]'" if kind in EXTRAS else f"what fsspec reads {kind}:// with"
        raise UnavailableError(f"{place}: {kind}:// is not installed: run pip install {extra}") from None
    except ValueError as error:
        raise InputError(f"{place}: is no place that can be read ({error}); write s3://, gs:// or file://") from None
    return store, key


@contextmanager
def _nothing() -> Iterator[list[Any]]:
    yield []


@contextmanager
def _explained(place: str, kind: type[TamisError]) -> Iterator[None]:
    """Whatever a store's own library raises becomes one sentence; each has exceptions of its own."""
    try:
        yield
    except (TamisError, KeyboardInterrupt, GeneratorExit):
        raise
    except FileNotFoundError:
        raise kind(f"{place}: there is no such file, folder or bucket; check the name") from None
    except PermissionError:
        raise kind(f"{place}: no permission; check the credentials of the store") from None
    except Exception as error:
        said = " ".join(str(error).split())[:200] or "no more is known"
        raise StoreError(f"{place}: the store does not answer as it should ({type(error).__name__}: {said})") from error
