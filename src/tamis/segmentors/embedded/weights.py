"""The weights that ship with tamis, and what runs them."""

import hashlib
import os
from functools import cache
from importlib.resources import files
from typing import Any

from tamis.errors import UnavailableError

PARTS = ("pixels", "relations", "regions", "answers", "messages", "corrections", "pixel_corrections")
"""The networks, each a file: over pixels; over regions, cut in three where rows can be taken; over regions again, to
correct a mask, cut in two between what an image needs once and what every click needs; over pixels, to correct it."""


@cache
def session(part: str) -> Any:
    """An onnxruntime session over weights in the package; sessions may be used by several threads.

    onnxruntime does not read OMP_NUM_THREADS, by which people and clusters say how many threads a process may have.
    """
    import onnxruntime  # type: ignore[import-untyped]

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    allowed = os.environ.get("OMP_NUM_THREADS", "")
    if allowed.isdecimal():
        options.intra_op_num_threads = int(allowed)
    return onnxruntime.InferenceSession(weights_of(part), options, providers=["CPUExecutionProvider"])


@cache
def weights_hash() -> str:
    """SHA-256 over the files of all networks."""
    return hashlib.sha256(b"".join(weights_of(part) for part in PARTS)).hexdigest()


def weights_of(part: str) -> bytes:
    """The file of one of `PARTS`.

    Raises:
        UnavailableError: it is missing.
    """
    weights = files("tamis.weights").joinpath(f"embedded_{part}.onnx")
    if not weights.is_file():
        raise UnavailableError(f"this installation of tamis lacks its weights {weights.name}: install it again")
    return weights.read_bytes()
