"""Method `regions`: the regions of the model in the box are the clusters that matching needs, and cost nothing.

After INSID3 (CVPR 2026), with regions for its clusters of patches and the matrix of answers for its agglomeration:
regions of the target are compared with those inside the reference's mask and, as negatives, with those outside; the
answers of one region (a row of the matrix, at any granularity) that fit this evidence best are the mask. Works offline,
on a processor. Measured and left out, since masks became worse: joining several rows, and stride 32 in the matching.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ImageArray, MaskArray
from tamis.errors import InputError
from tamis.personal.appearance import FILE, Appearance, appearance_of
from tamis.personal.protocol import Located, Reference
from tamis.regions.clicks import CERTAIN
from tamis.regions.encoded import EncodedRegions
from tamis.regions.spread import spread
from tamis.segmentors.embedded.model import Embedded

Float32 = NDArray[np.float32]

NEAREST = 3
"""Matches that a similarity is the mean of: one may be chance."""

SHARPNESS = 30.0
"""How fast evidence turns into membership: sigmoid(SHARPNESS · (similarity inside − similarity outside))."""

PRESENCE = (20.0, -7.7)
"""Slope and offset of the logistic that makes a probability of how well the object's regions are found again."""


@dataclass(frozen=True)
class Regions:
    """The method that matches regions.

    Attributes:
        name: of --method.
        model: who encodes.
    """

    name: str = "regions"
    model: Embedded = field(default_factory=Embedded)

    @property
    def weights_sha256(self) -> str:
        """SHA-256 of the networks' and of the standards of appearance."""
        standard = files("tamis.weights").joinpath(FILE).read_bytes()
        return hashlib.sha256(self.model.weights_sha256.encode() + standard).hexdigest()

    def look(self, image: ImageArray) -> Appearance:
        """Encode a target (H, W, 3) uint8 RGB and describe its regions."""
        return appearance_of(image, self.model)

    def remember(self, references: Sequence[Reference]) -> "RegionMemory":
        """Describe the regions inside and outside the masks of one object.

        Raises:
            InputError: there is no reference.
        """
        return self.remembered([(appearance_of(each.image, self.model), each.mask) for each in references])

    def remembered(self, seen: Sequence[tuple[Appearance, MaskArray]]) -> "RegionMemory":
        """The same of references that are encoded already, each with its mask (H, W) bool.

        Raises:
            InputError: there is none.
        """
        if not seen:
            raise InputError("an object needs at least one reference: an image and its mask")
        parts, things, weights, inside = [], [], [], []
        for appearance, mask in seen:
            shares = shares_of(mask, appearance.encoded.region_map)
            within = shares > 0.5
            if not within.any():
                within = shares == shares.max()  # smaller than any region
            parts.append(appearance.parts)
            things.append(appearance.things)
            inside.append(within)
            weights.append(np.where(within, appearance.areas, 0) / appearance.areas[within].sum())
        return RegionMemory(
            np.concatenate(parts), np.concatenate(things), np.concatenate(weights) / len(seen), np.concatenate(inside)
        )

    def recalled(self, arrays: Mapping[str, NDArray[Any]]) -> "RegionMemory":
        """The memory whose `arrays()` these are."""
        return RegionMemory(
            arrays["parts"].astype(np.float32),
            arrays["things"].astype(np.float32),
            arrays["weights"].astype(np.float32),
            arrays["inside"].astype(bool),
        )


@dataclass(frozen=True, eq=False)
class RegionMemory:
    """The regions of all references of an object, N together.

    Attributes:
        parts: (N, 120) float32.
        things: (N, 352) float32.
        weights: (N,) float32, the share of the object that each region is; they sum to 1.
        inside: (N,) bool, whether it is of the object.
    """

    parts: Float32
    things: Float32
    weights: Float32
    inside: NDArray[np.bool_]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All of it, descriptors in float16: a few hundred kilobytes."""
        return {
            "parts": self.parts.astype(np.float16),
            "things": self.things.astype(np.float16),
            "weights": self.weights,
            "inside": self.inside,
        }

    def locate(self, seen: Appearance) -> Located:
        """Find the object in an image that is encoded."""
        values, fit = best_row(seen.encoded, seen.areas, self.membership(seen))
        return Located(spread(values, seen.encoded.fine_map), self.presence(seen, values > 0.5), fit)

    def membership(self, target: Appearance) -> Float32:
        """(R,) float32: P(region is of the object), by the nearest regions inside and outside the reference's mask."""
        alike = target.parts @ self.parts.T
        evidence = _mean_of_nearest(alike[:, self.inside])
        if not self.inside.all():
            evidence = evidence - _mean_of_nearest(alike[:, ~self.inside])
        return np.asarray(1 / (1 + np.exp(-SHARPNESS * evidence)), np.float32)

    def presence(self, target: Appearance, found: NDArray[np.bool_]) -> float:
        """In [0, 1]: how well the object's regions are found again among those (R,) of the mask that was found.

        The backward match: of each region of the reference its most similar one in the mask, weighted by area.
        """
        return float(1 / (1 + np.exp(-(PRESENCE[0] * self.likeness(target, found) + PRESENCE[1]))))

    def likeness(self, target: Appearance, found: NDArray[np.bool_]) -> float:
        """The weighted mean of cosines that presence is told by, −1 where nothing was found."""
        if not found.any():
            return -1.0
        return float((target.things[found] @ self._object.T).max(axis=0) @ self.weights[self.inside])

    @cached_property
    def _object(self) -> Float32:
        return self.things[self.inside]


def shares_of(mask: MaskArray, region_map: NDArray[np.uint16]) -> Float32:
    """(R,) float32: which share of each region lies in a mask (H, W) bool, at the resolution of the map (h, w)."""
    import cv2

    height, width = region_map.shape
    small = cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    counts = np.bincount(region_map.ravel())
    return np.asarray(np.bincount(region_map.ravel(), small.ravel()) / np.maximum(counts, 1), np.float32)


def best_row(encoded: EncodedRegions, areas: Float32, membership: Float32) -> tuple[Float32, float]:
    """The answer that fits a soft membership best, and how well it fits.

    The fit of a mask M is its soft IoU with the membership p: Σ_M a p / (Σ_M a + Σ a p − Σ_M a p), a the areas.

    Args:
        encoded: R regions, whose answers at all granularities are the candidates.
        areas: (R,) shares of the image.
        membership: (R,) in [0, 1].

    Returns:
        (R,) float32 in [0, 1], and the fit of its mask.
    """
    rows = encoded.answers.reshape(-1, len(areas))
    masks = (rows > CERTAIN // 2).astype(np.float32)
    wanted = areas * membership
    shared, size = masks @ wanted, masks @ areas
    fits = shared / np.maximum(size + wanted.sum() - shared, 1e-12)
    best = int(fits.argmax())
    return np.asarray(rows[best] / np.float32(CERTAIN), np.float32), float(fits[best])


def _mean_of_nearest(alike: Float32) -> Float32:
    """(R,) the mean of the largest `NEAREST` of each row (R, N)."""
    count = min(NEAREST, alike.shape[1])
    return np.asarray(np.partition(alike, -count, axis=1)[:, -count:].mean(axis=1), np.float32)
