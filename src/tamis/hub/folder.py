"""Where the files of models lie, and whether they are what they should be.

Each model has a folder of its own, with `record.json` beside the files: repository, revision, and of every file its
SHA-256, size and time. A file whose size and time are those on record is not read again to be sure of it.
"""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import platformdirs

from tamis.errors import InputError, OutputError, UnavailableError
from tamis.hub.model import FILES, WEIGHTS, HubModel
from tamis.results.files import write_json
from tamis.results.run import file_hash

RECORD = "record.json"
_PICKLES = (".pth", ".pt", ".bin", ".ckpt", ".pkl", ".pickle")


@dataclass
class Record:
    """What is known of the files of a folder.

    Attributes:
        repository: they came from; empty of files that somebody put there.
        revision: the commit.
        files: by name: `sha256`, `bytes`, and once seen on this disk `mtime_ns`.
    """

    repository: str = ""
    revision: str = ""
    files: dict[str, dict[str, Any]] = field(default_factory=dict)


def models_folder() -> Path:
    """The folder of all models: `models` in the folder that TAMIS_CACHE names, or else in the user's cache."""
    place = os.environ.get("TAMIS_CACHE")
    return (Path(place) if place else platformdirs.user_cache_path("tamis")) / "models"


def folder_of(name: str) -> Path:
    """The folder of one model, whether it is there or not."""
    return models_folder() / name


def is_here(model: HubModel) -> bool:
    """Whether the files of a model are there."""
    return all((folder_of(model.name) / name).is_file() for name in FILES)


def read_record(folder: Path) -> Record:
    """The record of a folder; an empty one where there is none or it cannot be read."""
    try:
        return Record(**json.loads((folder / RECORD).read_bytes()))
    except (OSError, ValueError, TypeError):
        return Record()


def write_record(folder: Path, record: Record) -> None:
    """Write the record of a folder."""
    write_json(folder / RECORD, asdict(record))


def require_files(model: HubModel, folder: Path) -> None:
    """Make sure that the files of a model are there, and are no pickles.

    Raises:
        UnavailableError: they are not; the message says how to get them, with and without a network.
        InputError: there are weights in a format that can hold code, and none that cannot.
    """
    if all((folder / name).is_file() for name in FILES):
        return
    refuse_pickles(folder)
    raise UnavailableError(
        f"the weights of '{model.name}' are not here: run tamis models pull {model.name}; "
        f"without a network put {' and '.join(FILES)} of {model.repository}"
        f"{f' at revision {model.revision}' if model.revision else ''} into {folder}"
    )


def refuse_pickles(folder: Path) -> None:
    """Raise InputError where a folder has weights in a format that can hold code, but no safetensors."""
    if (folder / WEIGHTS).is_file() or not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in _PICKLES:
            raise InputError(
                f"{path}: this format can hold code that runs when it is opened, so it is not read; "
                f"put {WEIGHTS} there instead"
            )


def verified(folder: Path, expected: Mapping[str, str]) -> str:
    """Check all files of a folder against what is pinned and on record, and complete the record.

    Args:
        folder: of a model.
        expected: the SHA-256 of files by name, where it is pinned.

    Returns:
        The SHA-256 of the weights.

    Raises:
        InputError: a file is not what it should be. Nothing is deleted.
    """
    record = read_record(folder)
    before = json.dumps(record.files, sort_keys=True)
    for name in FILES:
        path = folder / name
        state = path.stat()
        known = record.files.get(name, {})
        unchanged = known.get("bytes") == state.st_size and known.get("mtime_ns") == state.st_mtime_ns
        digest = known["sha256"] if unchanged else file_hash(path)
        wanted = expected.get(name) or known.get("sha256") or digest
        if digest != wanted:
            raise mismatch(path, digest, wanted)
        record.files[name] = {"sha256": digest, "bytes": state.st_size, "mtime_ns": state.st_mtime_ns}
    if json.dumps(record.files, sort_keys=True) != before:
        # In a folder that cannot be written to no record is kept, and its files are read again next time.
        with suppress(OutputError):
            write_record(folder, record)
    return str(record.files[WEIGHTS]["sha256"])


def mismatch(path: Path, digest: str, wanted: str) -> InputError:
    """The sentence about a file that is not what it should be."""
    return InputError(
        f"{path}: its SHA-256 is {digest}, but should be {wanted}; nothing was deleted: move it away, then run the "
        f"same command again"
    )
