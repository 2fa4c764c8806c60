"""A concept learned while it is annotated: ridge regression on what the encoding knows of regions.

The features are frozen and every image is encoded anyway, so that learning a mask is adding up two small matrices, and
refitting is solving one system of 325 equations. Everything is closed form: the same masks in any order give the same
answers, and a mask that is taken back leaves no trace.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import MaskArray
from tamis.errors import InputError
from tamis.mask.expected import expected_iou
from tamis.odds import sigmoid
from tamis.regions.protocol import AnswersByRegion

Float64 = NDArray[np.float64]

WAVES = 256
"""Random Fourier features (Rahimi and Recht, NIPS 2007) besides the plain ones: on plants among weeds IoU rose from .50
to .56 with them, on horses and butterflies nothing changed."""

RIDGE = 0.1
"""Strength of the prior that weights are zero, in images."""

GAIN = 8.0
"""From the regression's answer, 0 outside and 1 inside, to a logit."""

LEAST_SHARE = 0.02
"""Of an image: a smaller mask does not weigh more than one of this size."""

MEASURED = 5
"""The first images say how features are scaled."""

ENOUGH = 5
"""Proposals whose end is known, from which on a confidence is called sure."""

NEARLY = 0.8
"""IoU from which on a click or two on a proposal make it right."""

TRUSTED = 3.0
"""In images: how firmly a proposal's own estimate is believed before accepted masks tell how good it was."""


@dataclass(frozen=True, eq=False)
class RegionView:
    """What a concept sees of an encoded image.

    Attributes:
        features: (R, D) float32.
        areas: (R,) float64, shares of the image.
        middles: (R, 2) float64, x and y of the regions' middles from 0 to 1.
    """

    features: NDArray[np.float32]
    areas: Float64
    middles: Float64

    @classmethod
    def of(cls, encoded: AnswersByRegion) -> "RegionView":
        """From an image that answers by region."""
        region_map, count = encoded.region_map, encoded.answers.shape[1]
        height, width = region_map.shape
        flat = region_map.ravel()
        sizes = np.maximum(np.bincount(flat, minlength=count), 1)
        rows, columns = np.indices((height, width), dtype=np.float32)
        sums = [np.bincount(flat, each.ravel(), count) / side for each, side in ((columns, width), (rows, height))]
        return cls(encoded.descriptors, sizes / sizes.sum(), np.stack(sums, axis=1) / sizes[:, None])

    @cached_property
    def summary(self) -> Float64:
        """(D,) the mean of the features, by which images are compared."""
        return np.asarray(self.areas @ self.features, np.float64)


def shares_of(encoded: AnswersByRegion, mask: MaskArray) -> Float64:
    """(R,) the share of each region in a mask (H, W)."""
    import cv2

    height, width = encoded.region_map.shape
    small = cv2.resize(mask.view(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
    flat, count = encoded.region_map.ravel(), encoded.answers.shape[1]
    return np.asarray(np.bincount(flat, small.ravel(), count) / np.maximum(np.bincount(flat, minlength=count), 1))


@dataclass(frozen=True, eq=False)
class _Lesson:
    view: RegionView
    shares: Float64


class Concept:
    """One thing that is annotated in many images; deterministic.

    Args:
        seed: of the random features.
    """

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._lessons: dict[str, _Lesson] = {}
        self._scale: tuple[Float64, Float64] | None = None
        self._waves: tuple[Float64, Float64] | None = None
        self._gram: Float64 | None = None
        self._target: Float64 | None = None
        self._weights: Float64 | None = None
        self._told: dict[str, tuple[float, float]] = {}

    @property
    def learned(self) -> tuple[str, ...]:
        """Keys of the images learned from."""
        return tuple(self._lessons)

    @property
    def ready(self) -> bool:
        """Whether there is anything to propose: some mask has been seen."""
        return any(lesson.shares.max(initial=0) > 0.5 for lesson in self._lessons.values())

    def learn(self, key: str, view: RegionView, shares: Float64, turned_out: float | None = None) -> None:
        """Learn a mask, or another one of the same image.

        Args:
            key: of the image.
            view: of the image.
            shares: (R,) of its regions in the mask; all 0 for an image that holds nothing of the concept.
            turned_out: the IoU of what was proposed with the mask; None compares region by region.
        """
        self.forget(key)
        if self.ready:
            asked, mask = self.probability(view), shares > 0.5
            told = _iou(asked > 0.5, mask, view.areas) if turned_out is None else turned_out
            self._told[key] = self._estimate(asked, view), told
        self._lessons[key] = _Lesson(view, shares)
        if len(self._lessons) <= MEASURED:
            self._measure()
        else:
            self._add(self._lessons[key], 1.0)

    def forget(self, key: str) -> None:
        """Undo what was learned from an image, if anything was."""
        self._told.pop(key, None)
        lesson = self._lessons.pop(key, None)
        if lesson is not None:
            self._add(lesson, -1.0)

    def probability(self, view: RegionView) -> Float64:
        """(R,) P(region belongs to the concept).

        Raises:
            InputError: no mask has been learned.
        """
        if not self.ready:
            raise InputError("annotate one image first: there is no mask yet that the next could be proposed from")
        return self._answer(view, self._solved())

    def confidence(self, probability: Float64, view: RegionView) -> float:
        """The IoU to expect of the mask at .5: its own estimate, corrected by how earlier ones turned out."""
        estimate = self._estimate(probability, view)
        told = np.array(list(self._told.values()) or np.empty((0, 2)))
        slack = (told[:, 1] - told[:, 0]).sum() / (len(told) + TRUSTED)
        return float(np.clip(estimate + slack, 0, 1))

    def sure_from(self, target_iou: float, least: float = 0.6) -> float | None:
        """The confidence from which on proposals may be reviewed side by side; None where there is none yet.

        The lowest at which, of the earlier proposals that were as sure or surer, at least the share `least` reached the
        target. Where looking and rejecting cost 2.3 s, and a change of image and a key 1.8 s, review pays from .56 on.

        Args:
            target_iou: with the mask that somebody left.
            least: share of proposals.
        """
        if len(self._told) < ENOUGH:
            return None
        told = np.array(sorted(self._told.values(), reverse=True))
        slack = (told[:, 1] - told[:, 0]).sum() / (len(told) + TRUSTED)
        shares = np.cumsum(told[:, 1] >= target_iou) / np.arange(1, len(told) + 1)
        sure = np.flatnonzero(shares >= least)
        return float(np.clip(told[sure[-1], 0] + slack, 0, 1)) if len(sure) else None

    def distance(self, view: RegionView) -> float:
        """How unlike all images learned from an image is: the distance to the nearest, in standardised features."""
        if not self._lessons or self._scale is None:
            return float("inf")
        apart = [(view.summary - lesson.view.summary) / self._scale[1] for lesson in self._lessons.values()]
        return float(min(np.sqrt(np.square(each).mean()) for each in apart))

    def contradictions(self, least: float = 0.5) -> list[tuple[str, float]]:
        """Images whose masks the others contradict, the worst first: key and IoU with what the others propose.

        Args:
            least: IoU from which on a mask is not doubted.
        """
        told = [(key, self.agreement(key)) for key in self._lessons] if len(self._lessons) > 2 else []
        return sorted((each for each in told if each[1] < least), key=lambda each: each[1])

    def agreement(self, key: str) -> float:
        """The IoU of an image's mask with what all others propose there.

        Args:
            key: of an image learned from.
        """
        lesson = self._lessons[key]
        known = self._weights
        self._add(lesson, -1.0)
        asked = self._answer(lesson.view, self._solved())
        self._add(lesson, 1.0)
        self._weights = known
        return _iou(asked > 0.5, lesson.shares > 0.5, lesson.view.areas)

    # -- the regression

    def _estimate(self, probability: Float64, view: RegionView) -> float:
        told = expected_iou(
            probability[None].astype(np.float32), view.areas.astype(np.float32), np.full(1, 0.5, np.float32)
        )
        return float(told[0])

    def _measure(self) -> None:
        """Scale features anew, and learn everything again."""
        every = np.concatenate([lesson.view.features for lesson in self._lessons.values()]).astype(np.float64)
        self._scale = every.mean(axis=0), every.std(axis=0) + 1e-3
        if self._waves is None:
            rng, size = np.random.default_rng(self._seed), every.shape[1]
            self._waves = rng.normal(size=(size, WAVES)) / np.sqrt(size), rng.uniform(0, 2 * np.pi, WAVES)
        self._gram = self._target = None
        for lesson in self._lessons.values():
            self._add(lesson, 1.0)

    def _columns(self, view: RegionView) -> Float64:
        assert self._scale is not None
        assert self._waves is not None
        plain = (view.features - self._scale[0]) / self._scale[1]
        waves = np.sqrt(2) * np.cos(plain @ self._waves[0] + self._waves[1])
        place = view.middles - 0.5
        return np.concatenate([np.ones((len(plain), 1)), plain, waves, place, np.square(place)], axis=1)

    def _add(self, lesson: _Lesson, sign: float) -> None:
        columns, shares, areas = self._columns(lesson.view), lesson.shares, lesson.view.areas
        inside = float(areas @ shares)
        # Half way between areas, which lose what is small, and balance, which lets it grow too large.
        odds = np.where(shares > 0.5, max(1 - inside, LEAST_SHARE), max(inside, LEAST_SHARE))
        weights = np.sqrt(odds) * areas
        weighted = columns * (sign * weights / weights.sum())[:, None]
        if self._gram is None or self._target is None:
            self._gram, self._target = np.zeros((columns.shape[1],) * 2), np.zeros(columns.shape[1])
        self._gram += weighted.T @ columns
        self._target += weighted.T @ shares
        self._weights = None

    def _solved(self) -> Float64:
        if self._weights is None:
            assert self._gram is not None
            assert self._target is not None
            solved = np.linalg.solve(self._gram + RIDGE * np.eye(len(self._gram)), self._target)
            self._weights = np.asarray(solved, np.float64)
        return self._weights

    def _answer(self, view: RegionView, weights: Float64) -> Float64:
        return probability(self._columns(view) @ weights)


def probability(answer: Float64) -> Float64:
    """P(it belongs to the concept) for the regression's answers."""
    return np.asarray(sigmoid(GAIN * (answer - 0.5)), np.float64)


def _iou(mask: NDArray[np.bool_], other: NDArray[np.bool_], areas: Float64) -> float:
    either = float(areas @ (mask | other))
    return float(areas @ (mask & other)) / either if either else 1.0


def most_unlike(views: Sequence[RegionView], concept: Concept) -> int:
    """Which of some images is the least like all that were learned from."""
    return int(np.argmax([concept.distance(view) for view in views]))
