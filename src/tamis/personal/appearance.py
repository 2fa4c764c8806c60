"""What the regions of an image look like to the encoder of the model in the box, so that images can be compared.

Two maps are pooled over regions, standardised by the mean and deviation over many photographs, freed of what only tells
where a region lies (the directions in which features of noise vary with place, found as INSID3 does: Xu et al., CVPR
2026), and scaled to unit length. Stride 16 tells parts apart, stride 32 things.
"""

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ImageArray
from tamis.errors import InputError
from tamis.regions.encoded import EncodedRegions
from tamis.regions.measures import pool
from tamis.results.files import write_bytes
from tamis.segmentors.embedded.model import DeepMaps, Embedded
from tamis.segmentors.embedded.pixel_network import DEEP_MAPS, pixel_network

Float32 = NDArray[np.float32]

FILE = "embedded_appearance.npz"

DIRECTIONS = {"deep16": 20, "deep32": 40}
"""How many directions of each map are taken for place alone."""

NOISE, NOISE_SHAPE = 24, (288, 384)
"""Pictures of noise that place is learned from."""


@dataclass(frozen=True, eq=False)
class Standard:
    """How the numbers of a map usually are.

    Attributes:
        mean: (C,) float32.
        deviation: (C,) float32, above 0.
        place: (S, C) float32, orthonormal directions that tell where rather than what.
    """

    mean: Float32
    deviation: Float32
    place: Float32

    def unit(self, values: Float32) -> Float32:
        """(N, C) float32: vectors as the encoder gives them, standardised, freed of place and of unit length."""
        scaled = (values - self.mean) / self.deviation
        scaled -= (scaled @ self.place.T) @ self.place
        return np.asarray(scaled / np.maximum(np.linalg.norm(scaled, axis=1, keepdims=True), 1e-6), np.float32)


@dataclass(frozen=True, eq=False)
class Appearance:
    """An encoded image and what its R regions look like.

    Attributes:
        encoded: its regions and answers.
        parts: (R, 120) float32, of unit length, from stride 16.
        things: (R, 352) float32, of unit length, from stride 32.
        areas: (R,) float32, shares of the image that sum to 1.
    """

    encoded: EncodedRegions
    parts: Float32
    things: Float32
    areas: Float32


def appearance_of(image: ImageArray, model: Embedded | None = None) -> Appearance:
    """Encode an image (H, W, 3) uint8 RGB and describe its regions.

    Raises:
        InputError: the array is no such image.
    """
    encoded, deep = (model or Embedded()).encode_deeply(image)
    return described(encoded, deep)


def described(encoded: EncodedRegions, deep: DeepMaps) -> Appearance:
    """The same of an image that is encoded already, with its maps."""
    known = standards()
    parts, areas = pooled(deep.deep16, encoded.region_map)
    things, _ = pooled(deep.deep32, encoded.region_map)
    return Appearance(encoded, known["deep16"].unit(parts), known["deep32"].unit(things), areas)


def pooled(values: Float32, region_map: NDArray[np.uint16]) -> tuple[Float32, Float32]:
    """(R, C) float32: means over regions (h, w) of a map (C, ·, ·), interpolated to stride 4; (R,) their areas."""
    import cv2

    height, width = region_map.shape
    fine = np.stack([cv2.resize(each, (width // 4, height // 4), interpolation=cv2.INTER_LINEAR) for each in values])
    return pool(region_map, fine.astype(np.float32, copy=False))


@cache
def standards() -> dict[str, Standard]:
    """The standards that ship, by the name of the map."""
    content = files("tamis.weights").joinpath(FILE).read_bytes()
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        return {
            name: Standard(*(stored[f"{name}_{what}"].astype(np.float32) for what in ("mean", "deviation", "place")))
            for name in DEEP_MAPS
        }


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
