"""Of millions of distractors in tar files on a server only those that some ranking has: by range requests.

A tar is read header by header once, 512 bytes each, which gives an index of names and places; it is kept beside the
images, so that a second run asks for the missing images alone.
"""

import io
import json
import tarfile
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import BinaryIO

from tamis.datasets.remote import RemoteFile
from tamis.errors import InputError
from tamis.results.files import write_bytes, write_json

PIECE = 1 << 20
"""Bytes that are asked for at a time while headers are read."""

Index = dict[str, tuple[int, int]]
"""Where the content of each file begins, and how many bytes it has."""


def extract_candidates(shards: Iterable[str], names: Iterable[str], out: Path) -> Generator[tuple[str, int, int]]:
    """Fetch files out of tar shards; what is in `out` already is not fetched again.

    Args:
        shards: addresses (https://…) or files.
        names: of the files that are wanted.
        out: the folder.

    Yields:
        Shard, how many files it had to give, and how many of them were fetched now.

    Raises:
        InputError: a shard cannot be had, or a name would lead out of the folder.
    """
    wanted = set(names)
    for name in wanted:
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise InputError(f"{name}: would be written outside {out}; check the list of candidates")
    for shard in shards:
        place = out / ".index" / f"{shard.rstrip('/').rsplit('/', 1)[-1]}.json"
        with _opened(shard) as file:
            index = _index(file, place, shard)
            there = [name for name in index if name in wanted]
            fetched = 0
            for name in there:
                start, size = index[name]
                target = out / name
                if target.exists() and target.stat().st_size == size:
                    continue
                file.seek(start)
                write_bytes(target, file.read(size))
                fetched += 1
        yield shard, len(there), fetched


def _index(file: BinaryIO, place: Path, shard: str) -> Index:
    if place.exists():
        try:
            known = json.loads(place.read_bytes())
            if known["shard"] == shard:
                return {name: (start, size) for name, (start, size) in known["files"].items()}
        except (ValueError, KeyError, TypeError):
            pass  # written anew below
    try:
        with tarfile.open(fileobj=file, mode="r:") as archive:
            index = {member.name: (member.offset_data, member.size) for member in archive if member.isfile()}
    except (tarfile.TarError, EOFError) as error:
        raise InputError(f"{shard}: is no tar file or cut off ({error})") from None
    write_json(place, {"shard": shard, "files": index}, indent=None)
    return index


def _opened(shard: str) -> BinaryIO:
    if shard.startswith(("http://", "https://")):
        return io.BufferedReader(RemoteFile(shard), PIECE)
    try:
        return Path(shard).open("rb")
    except OSError as error:
        raise InputError(f"{shard}: cannot be read ({error.strerror}); check the name") from None
