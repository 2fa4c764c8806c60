"""Method `regions`: the regions of a model that answers by them are the clusters that matching needs.

After INSID3 (CVPR 2026), with regions for its clusters of patches and the matrix of answers for its agglomeration:
regions of the target are compared with those inside the reference's mask and, as negatives, with those outside; the
answers of all regions (rows of the matrix, at any granularity) are averaged, those that fit this evidence best counting
most. Works offline, on a processor. Measured and left out, since masks became worse: unions of several rows, and stride
32 in the matching.
"""

import hashlib
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ImageArray, MaskArray
from tamis.errors import InputError
from tamis.odds import logit, sigmoid
from tamis.personal.appearance import appearance_of
from tamis.personal.protocol import Location, Reference
from tamis.regions.appearance import Appearance, unit
from tamis.regions.clicks import CERTAIN
from tamis.regions.protocol import AnswersByRegion
from tamis.regions.spread import spread
from tamis.segmentors import DescribesRegions, Segmentor, load_segmentor, weights_of

Float32 = NDArray[np.float32]

NEAREST = 3
"""Matches that a similarity is the mean of: one may be chance."""

SHARPNESS = 30.0
"""How fast evidence turns into membership: sigmoid(SHARPNESS · (similarity inside − similarity outside))."""

PREFERENCE, LEAST_WEIGHT = 16, 1e-3
"""How fast a row counts less the worse it fits, as a power; and the weight below which it does not count at all."""

UNCERTAIN = 0.02
"""How near to 0 and 1 probabilities come before they are joined."""

OWN_EVIDENCE = 0.2
"""How much a region's own membership moves what the rows say of it, in log odds."""

PRESENCE = (17.5, -7.0)
"""Slope and offset of the logistic that makes a probability of how well the object's regions are found again.

Set by `python -m benchmarks.presence` on every other object of `dreambooth`, pairs with and without the object weighing
the same; it also tells what they do to the other objects.
"""


@dataclass(frozen=True, eq=False)
class PresenceHead:
    """How presence is told of descriptors; trained by `tamis train presence`, or as it ships.

    Attributes:
        slope: of the logistic.
        offset: of the logistic.
        scales: (T,) float32 that descriptors are multiplied with before they have unit length again; None for ones.
    """

    slope: float = PRESENCE[0]
    offset: float = PRESENCE[1]
    scales: Float32 | None = None

    def scaled(self, things: Float32) -> Float32:
        """(N, T) of unit length.

        Raises:
            InputError: the head was trained for descriptors of another length.
        """
        if self.scales is None:
            return things
        if things.shape[1] != len(self.scales):
            raise InputError(
                f"--presence: was trained for descriptors of {len(self.scales)} numbers, those of this model have "
                f"{things.shape[1]}; train it with the model that it is used with, or leave it out"
            )
        return unit(things * self.scales)

    def probability(self, likeness: float) -> float:
        """In [0, 1]."""
        return float(1 / (1 + np.exp(-(self.slope * likeness + self.offset))))


def load_head(path: Path) -> PresenceHead:
    """A head as `tamis train presence` writes it.

    Raises:
        InputError: the file is missing or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            return PresenceHead(float(stored["slope"]), float(stored["offset"]), stored["scales"].astype(np.float32))
    except FileNotFoundError:
        raise InputError(f"--presence {path}: there is no such file; make it with tamis train presence") from None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"--presence {path}: holds no head of presence ({error}); make it anew") from None


@dataclass(frozen=True)
class Regions:
    """The method that matches regions.

    Attributes:
        name: of --method.
        model: answers by region; one that also `DescribesRegions` finds more than by descriptors made for clicks.
        head: that tells presence; the one that ships was set on the descriptors of the model in the box.
    """

    name: str = "regions"
    model: Segmentor = field(default_factory=load_segmentor)
    head: PresenceHead = field(default_factory=PresenceHead)

    @property
    def weights_sha256(self) -> str:
        """SHA-256 of the networks', of what descriptors depend on and of the head."""
        content = (weights_of(self.model) or self.model.name) + f" {self.head.slope} {self.head.offset}"
        if isinstance(self.model, DescribesRegions):
            content += self.model.appearance_sha256
        scales = b"" if self.head.scales is None else self.head.scales.tobytes()
        return hashlib.sha256(content.encode() + scales).hexdigest()

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
            covered = shares_of(mask, appearance.encoded.region_map)
            within = covered > 0.5
            if not within.any():
                within = covered == covered.max()  # smaller than any region
            parts.append(appearance.parts)
            things.append(appearance.things[within])
            inside.append(within)
            weights.append(appearance.areas[within] / appearance.areas[within].sum())
        shares = np.concatenate(weights).astype(np.float32) / np.float32(len(seen))
        return RegionMemory(np.concatenate(parts), np.concatenate(inside), np.concatenate(things), shares, self.head)

    def recalled(self, arrays: Mapping[str, NDArray[Any]]) -> "RegionMemory":
        """The memory whose `arrays()` these are."""
        return RegionMemory(
            arrays["parts"].astype(np.float32),
            arrays["inside"].astype(bool),
            arrays["things"].astype(np.float32),
            arrays["weights"].astype(np.float32),
            self.head,
        )


@dataclass(frozen=True, eq=False)
class RegionMemory:
    """The regions of all references of an object: N together, of which K are of the object.

    Attributes:
        parts: (N, P) float32.
        inside: (N,) bool, whether a region is of the object.
        things: (K, T) float32.
        weights: (K,) float32, the share of the object that each of its regions is; they sum to 1.
        head: that tells presence.
    """

    parts: Float32
    inside: NDArray[np.bool_]
    things: Float32
    weights: Float32
    head: PresenceHead = field(default_factory=PresenceHead)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All of it, descriptors in float16: a few hundred kilobytes."""
        return {
            "parts": self.parts.astype(np.float16),
            "things": self.things.astype(np.float16),
            "weights": self.weights,
            "inside": self.inside,
        }

    def locate(self, seen: Appearance) -> Location:
        """Find the object in an image that is encoded."""
        values, fit = fitted(seen.encoded, seen.areas, self.membership(seen))
        return Location(spread(values, seen.encoded.fine_map), self.presence(seen, values > 0.5), fit)

    def present(self, seen: Appearance) -> float:
        """The presence of `locate`; no border is drawn at full size."""
        values, _ = fitted(seen.encoded, seen.areas, self.membership(seen))
        return self.presence(seen, values > 0.5)

    def membership(self, target: Appearance) -> Float32:
        """(R,) float32: P(region is of the object), by the nearest regions inside and outside the reference's mask."""
        alike = target.parts @ self.parts.T
        evidence = _mean_of_nearest(alike[:, self.inside])
        if not self.inside.all():
            evidence = evidence - _mean_of_nearest(alike[:, ~self.inside])
        return sigmoid(SHARPNESS * evidence)

    def presence(self, target: Appearance, found: NDArray[np.bool_]) -> float:
        """In [0, 1]: how well the object's regions are found again among those (R,) of the mask that was found.

        The backward match: of each region of the reference its most similar one in the mask, weighted by area.
        """
        return self.head.probability(self.likeness(target, found))

    def likeness(self, target: Appearance, found: NDArray[np.bool_]) -> float:
        """The weighted mean of cosines that presence is told by, −1 where nothing was found."""
        if not found.any():
            return -1.0
        mine, theirs = self.head.scaled(self.things), self.head.scaled(target.things[found])
        return float((theirs @ mine.T).max(axis=0) @ self.weights)


def shares_of(mask: MaskArray, region_map: NDArray[np.uint16]) -> Float32:
    """(R,) float32: which share of each region lies in a mask (H, W) bool, at the resolution of the map (h, w)."""
    import cv2

    height, width = region_map.shape
    small = cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    counts = np.bincount(region_map.ravel())
    return np.asarray(np.bincount(region_map.ravel(), small.ravel()) / np.maximum(counts, 1), np.float32)


def fitted(encoded: AnswersByRegion, areas: Float32, membership: Float32) -> tuple[Float32, float]:
    """The answers of all clicks, each counting by how well it fits a soft membership; and how well the best one fits.

    The fit of a mask M is its soft IoU with the membership p: Σ_M a p / (Σ_M a + Σ a p − Σ_M a p), a the areas. The
    mean of many rows errs less than the best of them: on the objects of `dreambooth` IoU .92 instead of .86.

    Args:
        encoded: R regions, whose answers at all granularities are the candidates.
        areas: (R,) shares of the image.
        membership: (R,) in [0, 1].

    Returns:
        (R,) float32 in [0, 1], and the fit of the best row's mask.
    """
    rows = encoded.answers.reshape(-1, len(areas))
    masks = (rows > CERTAIN // 2).astype(np.float32)
    wanted = areas * membership
    shared, size = masks @ wanted, masks @ areas
    fits = shared / np.maximum(size + wanted.sum() - shared, 1e-12)
    best = float(fits.max())
    if best <= 0:
        return np.zeros_like(membership), 0.0
    counts = ((fits / best) ** PREFERENCE).astype(np.float32)
    some = counts > LEAST_WEIGHT
    mean = counts[some] @ rows[some].astype(np.float32) / (CERTAIN * counts[some].sum())
    return sigmoid(logit(mean, UNCERTAIN) + OWN_EVIDENCE * logit(membership, UNCERTAIN)), best


def _mean_of_nearest(alike: Float32) -> Float32:
    """(R,) the mean of the largest `NEAREST` of each row (R, N)."""
    count = min(NEAREST, alike.shape[1])
    return np.asarray(np.partition(alike, -count, axis=1)[:, -count:].mean(axis=1), np.float32)
