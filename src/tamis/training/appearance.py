"""The standards by which the model in the box compares what regions look like: measured on photographs and on noise."""

import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ImageArray
from tamis.errors import InputError
from tamis.results.files import write_bytes
from tamis.segmentors.embedded.appearance import Standard
from tamis.segmentors.embedded.model import Embedded
from tamis.segmentors.embedded.pixel_network import DEEP_MAPS, pixel_network

Float32 = NDArray[np.float32]

DIRECTIONS = {"deep16": 20, "deep32": 40}
"""How many directions of each map are taken for place alone."""

NOISE, NOISE_SHAPE = 24, (288, 384)
"""Pictures of noise that place is learned from."""


def measure_standards(images: Iterable[ImageArray], seed: int = 0) -> dict[str, Standard]:
    """The standards of many photographs, each (H, W, 3) uint8 RGB.

    Raises:
        InputError: there is none.
    """
    model = Embedded()
    seen = [model.deep_maps(image) for image in images]
    if not seen:
        raise InputError("standards need at least one photograph")
    noise = [pixel_network(each, DEEP_MAPS) for each in _noise(np.random.default_rng(seed))]
    found = {}
    for number, name in enumerate(DEEP_MAPS):
        cells = np.concatenate([_cells(getattr(maps, name)) for maps in seen])
        mean, deviation = cells.mean(axis=0), cells.std(axis=0) + np.float32(1e-6)
        standardised = [(_cells(maps[number]) - mean) / deviation for maps in noise]
        varying = np.concatenate([each - each.mean(axis=0) for each in standardised])
        place = np.linalg.svd(varying, full_matrices=False)[2][: DIRECTIONS[name]]
        found[name] = Standard(mean, deviation, place.astype(np.float32))
    return found


def save_standards(path: Path, found: dict[str, Standard]) -> None:
    """Write standards as they ship."""
    content = io.BytesIO()
    arrays = {f"{name}_{what}": value for name, each in found.items() for what, value in vars(each).items()}
    kept: dict[str, Any] = {name: _halved(name, value) for name, value in arrays.items()}
    np.savez_compressed(content, **kept)
    write_bytes(path, content.getvalue())


def _halved(name: str, value: Float32) -> NDArray[np.floating]:
    return value.astype(np.float16) if name.endswith("place") else value


def _cells(values: Float32) -> Float32:
    return np.ascontiguousarray(values.reshape(len(values), -1).T)


def _noise(rng: np.random.Generator) -> Sequence[ImageArray]:
    """Noise of three grains."""
    import cv2

    height, width = NOISE_SHAPE
    return [
        np.asarray(
            cv2.resize(
                rng.integers(0, 256, (height // 4**grain, width // 4**grain, 3), dtype=np.uint8),
                (width, height),
                interpolation=cv2.INTER_LINEAR,
            ),
            np.uint8,
        )
        for grain in (0, 1, 2)
        for _ in range(NOISE // 3)
    ]
