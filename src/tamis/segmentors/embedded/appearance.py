"""What regions look like to the encoder of the model in the box.

Two maps are pooled over regions, standardised by the mean and deviation over many photographs, freed of what only tells
where a region lies (the directions in which features of noise vary with place, found as INSID3 does: Xu et al., CVPR
2026), and scaled to unit length. Stride 16 tells parts apart, stride 32 things. `tamis.training.appearance` measures
the standards.
"""

import hashlib
import io
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from tamis.regions.appearance import Appearance, unit
from tamis.regions.measures import pool
from tamis.regions.protocol import AnswersByRegion
from tamis.segmentors.embedded.pixel_network import DEEP_MAPS
from tamis.segmentors.embedded.weights import weights_of

Float32 = NDArray[np.float32]


@dataclass(frozen=True)
class DeepMaps:
    """What the encoder itself sees, which tells things apart rather than where they end.

    Attributes:
        deep16: (120, h/16, w/16) float32 at the working size (h, w).
        deep32: (352, h/32, w/32) float32.
    """

    deep16: NDArray[np.float32]
    deep32: NDArray[np.float32]


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
        return unit(scaled)


def described(encoded: AnswersByRegion, deep: DeepMaps) -> Appearance:
    """The appearance of an image that is encoded already, with its maps: parts are (R, 120), things (R, 352)."""
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
    with np.load(io.BytesIO(standards_file()), allow_pickle=False) as stored:
        return {
            name: Standard(*(stored[f"{name}_{what}"].astype(np.float32) for what in ("mean", "deviation", "place")))
            for name in DEEP_MAPS
        }


@cache
def appearance_hash(size: int) -> str:
    """SHA-256 of the network over pixels, the standards, and the pixels on the long side of what the network sees."""
    return hashlib.sha256(weights_of("pixels") + standards_file() + str(size).encode()).hexdigest()


def standards_file() -> bytes:
    """The file that they are read from."""
    return files("tamis.weights").joinpath("embedded_appearance.npz").read_bytes()
