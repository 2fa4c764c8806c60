"""Remembered objects in one small file: what was drawn once is found again tomorrow, without its references."""

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tamis.errors import InputError
from tamis.personal.protocol import Memory, Method
from tamis.results.files import write_bytes

LAYOUT = 1


def save_memories(path: Path, method: Method, memories: Mapping[str, Memory]) -> None:
    """Write the memories of several objects, by name.

    Raises:
        OutputError: the file cannot be written.
    """
    said = {
        "layout": LAYOUT,
        "method": method.name,
        "weights_sha256": method.weights_sha256,
        "objects": list(memories),
    }
    arrays: dict[str, Any] = {
        f"{number}_{name}": array
        for number, memory in enumerate(memories.values())
        for name, array in memory.arrays().items()
    }
    content = io.BytesIO()
    np.savez_compressed(content, said=np.frombuffer(json.dumps(said).encode(), np.uint8), **arrays)
    write_bytes(path, content.getvalue())


def load_memories(path: Path, method: Method) -> dict[str, Memory]:
    """Read them again.

    Raises:
        InputError: the file is missing or damaged, or of another method or other weights.
    """
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as stored:
            said = json.loads(stored["said"].tobytes())
            arrays = {name: stored[name] for name in stored.files}
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file; check the name") from None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: holds no remembered objects, or is damaged ({error}); make it again") from error
    if said.get("layout") != LAYOUT:
        raise InputError(f"{path}: was written by another version of tamis; make it again with --save")
    if said["method"] != method.name:
        raise InputError(f"{path}: was made with --method {said['method']}, not {method.name}; give that method")
    if said["weights_sha256"] != method.weights_sha256:
        raise InputError(
            f"{path}: was made with other weights of {method.name} ({said['weights_sha256'][:12]}…, here "
            f"{method.weights_sha256[:12]}…); give the --model that it was made with, or make it again from references"
        )
    return {
        name: method.recalled({key.partition("_")[2]: arrays[key] for key in arrays if key.startswith(f"{number}_")})
        for number, name in enumerate(said["objects"])
    }
