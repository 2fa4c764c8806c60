"""The model in the box: one small network, every click at once.

A photograph is cut into some 800 regions; a network over pixels and a small transformer over the regions give
P[r, s], the probability that region s belongs to the mask when the click falls in region r. Encoding is all the work:
afterwards a click is a row of that matrix, and a third network corrects the mask at every further one. Runs on
onnxruntime and numpy.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from threading import Thread
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ImageArray
from tamis.image import require_rgb
from tamis.regions.appearance import Appearance
from tamis.regions.clicks import COARSE_STEP, STEP, as_bytes
from tamis.regions.edge_tree import edge_nodes
from tamis.regions.encoded import as_ratings
from tamis.regions.features import (
    Pairs,
    RegionSummary,
    node_numbers,
    region_tokens,
    roots_beyond,
    summarise,
)
from tamis.regions.oversegmentation import small_regions
from tamis.segmentors.embedded.appearance import DeepMaps, appearance_hash, described, standards
from tamis.segmentors.embedded.corrected import CorrectedRegions
from tamis.segmentors.embedded.pixel_corrections import PixelContext
from tamis.segmentors.embedded.pixel_network import (
    DEEP_MAPS,
    PIXEL_MAPS,
    as_pixel_maps,
    edge_strength,
    pixel_network,
)
from tamis.segmentors.embedded.sizes import WORKING_SIZE, Seen, as_seen
from tamis.segmentors.embedded.weights import session, weights_hash

ROWS = 32
"""Rows of pairs made at a time: what is in between stays in the processor's cache, and takes half the time."""


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
        """SHA-256 over the files of all networks."""
        return weights_hash()

    @property
    def encoding_version(self) -> str:
        """What besides the weights decides an encoding; the number grows with every change of how it is made."""
        return f"5, {self.size}"

    def from_arrays(self, image: ImageArray, arrays: Mapping[str, NDArray[Any]]) -> CorrectedRegions:
        """The encoded image whose `arrays()` these are."""
        return replace(CorrectedRegions.from_arrays(self._seen(image).full, arrays), again=self.encode)

    def encode(self, image: ImageArray) -> CorrectedRegions:
        """Do all the work that does not depend on clicks.

        Args:
            image: (H, W, 3) uint8 RGB, at least one pixel.

        Raises:
            InputError: the array is no such image.
        """
        return self._encode(image, PIXEL_MAPS)[0]

    def edges(self, image: ImageArray) -> NDArray[np.float32]:
        """(H, W) float32 in [0, 1]: how surely people would draw an edge, of a part or of a whole, at each pixel.

        A ridge some pixels wide; `tamis.evaluation.boundaries` thins and scores it by the rules of BSDS500.

        Raises:
            InputError: the array (H, W, 3) uint8 RGB is no such image.
        """
        (logits,) = pixel_network(self._seen(image).small, ("edges",))
        return edge_strength(logits[0], image.shape)

    def appearance(self, image: ImageArray) -> Appearance:
        """Encode, and describe the regions by the encoder's maps, which cost nothing more.

        Raises:
            InputError: the array is no such image.
        """
        encoded, deep = self._encode(image, PIXEL_MAPS + DEEP_MAPS)
        return described(encoded, DeepMaps(*deep))

    def image_vector(self, image: ImageArray) -> NDArray[np.float32]:
        """(352,) float32 of unit length: what the whole image (H, W, 3) uint8 RGB shows; no region is made for it.

        Raises:
            InputError: the array is no such image.
        """
        mean: NDArray[np.float32] = self.deep_maps(image).deep32.mean(axis=(1, 2))
        return standards()["deep32"].unit(mean[None]).ravel()

    @property
    def appearance_sha256(self) -> str:
        """SHA-256 of the network over pixels and of what its maps are measured against; of no other network."""
        return appearance_hash(self.size)

    def deep_maps(self, image: ImageArray) -> DeepMaps:
        """The encoder's maps alone, of an image that is not clicked on, (H, W, 3) uint8 RGB.

        Raises:
            InputError: the array is no such image.
        """
        return DeepMaps(*pixel_network(self._seen(image).small, DEEP_MAPS))

    def _seen(self, image: ImageArray) -> Seen:
        return as_seen(require_rgb(image), self.size)

    def _encode(self, image: ImageArray, wanted: tuple[str, ...]) -> tuple[CorrectedRegions, list[NDArray[np.float32]]]:
        """The encoded image, and what the network over pixels gave beyond `PIXEL_MAPS`."""
        full, small = self._seen(image)
        session("pixels")  # what is wrong with the weights is said here, not in the thread
        maps: list[NDArray[np.float32]] = []
        # The network needs no interpreter: two cores share the work.
        beside = Thread(target=lambda: maps.extend(pixel_network(small, wanted)))
        beside.start()
        region_map = small_regions(small)
        beside.join()
        pixels = as_pixel_maps(maps)
        summary = summarise(small, region_map, pixels, edge_nodes(region_map, pixels.edges))
        answers, ratings = region_answers(summary)
        places = np.empty(len(summary.order), np.uint16)
        places[summary.order] = np.arange(len(places))
        features = summary.features[summary.order]
        kept = PixelContext.of(small, pixels)
        encoded = CorrectedRegions(full, places[region_map], answers, features, ratings, again=self.encode, kept=kept)
        return encoded, maps[len(PIXEL_MAPS) :]


def region_answers(summary: RegionSummary) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Run the network over regions.

    Returns:
        answers: (G, R, R) uint8, P[r, s] as `as_bytes` tells it, the finest granularity first, regions in the order of
            the summary's tree: what is alike stands together, and is a quarter smaller when compressed.
        ratings: (G, R) uint8, the predicted IoUs as `as_ratings` tells them.
    """
    pairs, count = Pairs.of(summary), len(summary.areas)
    blocks = [slice(start, min(start + ROWS, count)) for start in range(0, count, ROWS)]
    seen = [pairs.rows(rows) for rows in blocks]
    relations, answers = session("relations"), session("answers")
    bias = np.concatenate([relations.run(None, {"pairs": each, "areas": summary.areas})[0] for each in seen], axis=1)
    query, key, mass, ahead = session("regions").run(
        None,
        {
            "tokens": region_tokens(summary),
            "bias": bias,
            "areas": summary.areas,
            "nodes": node_numbers(summary),
            "order": summary.order,
            "ranges": summary.ranges,
            "parents": roots_beyond(summary.parents),
        },
    )
    steps = np.full((len(ahead), 1, 1), COARSE_STEP, np.uint8)
    steps[len(steps) // 2] = STEP
    told: list[NDArray[np.uint8]] = []
    rated: list[NDArray[np.float32]] = []
    for rows, each in zip(blocks, seen, strict=True):
        fed = {
            "query": np.ascontiguousarray(query[:, rows]),
            "key": key,
            "pairs": each,
            "inside": mass.take(summary.common[rows]),
            "own": mass[rows],
            "ahead": np.ascontiguousarray(ahead[:, rows]),
            "areas": summary.areas,
        }
        probabilities, ious = answers.run(None, fed)
        told.append(as_bytes(probabilities, steps)[:, :, summary.order])
        rated.append(ious)
    by_rows, ratings = np.concatenate(told, axis=1), as_ratings(np.concatenate(rated, axis=1))
    return by_rows[:, summary.order], ratings[:, summary.order]
