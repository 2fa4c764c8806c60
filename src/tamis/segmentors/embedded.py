"""The model in the box: one small network, every click at once.

A photograph is cut into some 800 regions; a network over pixels and a small transformer over the regions give
P[r, s], the probability that region s belongs to the mask when the click falls in region r. Encoding is all the work:
afterwards a click is a row of that matrix. Runs on onnxruntime and numpy.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ImageArray
from tamis.errors import InputError, UnavailableError
from tamis.segmentors.by_region import EncodedRegions
from tamis.segmentors.embedded_regions import PixelMaps, RegionInputs, region_inputs, summarise
from tamis.segmentors.embedded_sizes import WORKING_SIZE, small_regions, working_shape
from tamis.segmentors.region_clicks import as_bytes

PIXELS = "embedded_pixels.onnx"
REGIONS = "embedded_regions.onnx"


@dataclass(frozen=True)
class Embedded:
    """The segmentor `embedded`.

    Attributes:
        name: in the registry.
        size: pixels on the long side of the image that the networks see.
    """

    name: str = "embedded"
    size: int = WORKING_SIZE

    @property
    def weights_sha256(self) -> str:
        """SHA-256 over the files of both networks."""
        return _weights_hash()

    @property
    def encoding_version(self) -> str:
        """What besides the weights decides an encoding; the number grows with every change of how it is made."""
        return f"1, {self.size}"

    def from_arrays(self, image: ImageArray, arrays: Mapping[str, NDArray[Any]]) -> EncodedRegions:
        """The encoded image whose `arrays()` these are."""
        return EncodedRegions.from_arrays(image, arrays)

    def encode(self, image: ImageArray) -> EncodedRegions:
        """Do all the work that does not depend on clicks.

        Args:
            image: (H, W, 3) uint8 RGB, at least one pixel.

        Raises:
            InputError: the array is no such image.
        """
        import cv2

        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
            raise InputError(f"an image must be (H, W, 3) uint8 RGB, not {image.shape} {image.dtype}")
        height, width = working_shape((image.shape[0], image.shape[1]), self.size)
        small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8)
        region_map = small_regions(small)
        summary = summarise(small, region_map, pixel_maps(small))
        answers = as_bytes(region_answers(region_inputs(summary)))
        return EncodedRegions(image, region_map, answers, summary.features)


def pixel_maps(image: ImageArray) -> PixelMaps:
    """Run the network over pixels.

    Args:
        image: (h, w, 3) uint8 RGB, sides multiples of 32.
    """
    pixels = np.ascontiguousarray(image.transpose(2, 0, 1)[None], dtype=np.float32) / np.float32(255)
    boundary, embedding, bias, features = _session(PIXELS).run(None, {"image": pixels})
    return PixelMaps(boundary[0, 0], embedding[0], bias[0, 0], features[0])


def region_answers(inputs: RegionInputs) -> NDArray[np.float32]:
    """Run the network over regions: (G, R, R) float32 probabilities."""
    session = _session(REGIONS)
    fed = {each.name: getattr(inputs, each.name) for each in session.get_inputs()}
    answers: NDArray[np.float32] = session.run(None, fed)[0]
    return answers


@cache
def _session(name: str) -> Any:
    """An onnxruntime session over weights in the package; sessions may be used by several threads."""
    import onnxruntime  # type: ignore[import-untyped]

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(_weights(name), options, providers=["CPUExecutionProvider"])


@cache
def _weights_hash() -> str:
    return hashlib.sha256(_weights(PIXELS) + _weights(REGIONS)).hexdigest()


def _weights(name: str) -> bytes:
    weights = files("tamis.weights").joinpath(name)
    if not weights.is_file():
        raise UnavailableError(f"this installation of tamis lacks its weights {name}: install it again")
    return weights.read_bytes()
