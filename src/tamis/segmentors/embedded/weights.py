"""The weights that ship with tamis, and what runs them."""

import hashlib
from functools import cache
from importlib.resources import files
from typing import Any

from tamis.errors import UnavailableError
from tamis.segmentors.onnx_session import session_options

PARTS = ("pixels", "relations", "regions", "answers", "messages", "corrections", "pixel_scene", "pixel_corrections")
"""The networks, each a file: over pixels; over regions, cut in three where rows can be taken; over regions again, to
correct a mask, cut in two between what an image needs once and what every click needs; over pixels, to correct it, cut
in two likewise."""


@cache
def session(part: str) -> Any:
    """An onnxruntime session over weights in the package; sessions may be used by several threads."""
    import onnxruntime  # type: ignore[import-untyped]

    return onnxruntime.InferenceSession(weights_of(part), session_options(), providers=["CPUExecutionProvider"])


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
