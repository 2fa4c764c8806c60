"""RITM, SimpleClick and FocalClick as segmentors, whoever runs their networks.

They look at the image anew with every click, in a crop around the mask so far, so that encoding an image does nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ImageArray, MaskArray, ProbabilityArray
from tamis.clicks import Click, require_inside, with_clicked_pixels
from tamis.errors import InputError
from tamis.image import require_rgb
from tamis.odds import sigmoid
from tamis.segmentors.clickseg import boxes
from tamis.segmentors.clickseg.settings import Showing
from tamis.segmentors.disks import Place, disks
from tamis.segmentors.replay import Replay
from tamis.segmentors.resampling import resized_by_corners, sampled

Array = NDArray[np.float32]

LARGEST = 2000
"""A whole image with a longer side than this is shown at `REDUCED` pixels, as the peers' own annotators do."""
REDUCED = 800
OWN = 400
"""Pixels of the longer side of answers to many clicks."""


class Runner(Protocol):
    """A network that has been loaded."""

    def look(self, image: Array, maps: Array) -> tuple[Array, Array]:
        """Image (B, 3, h, w) of 0 to 1 and maps (B, 3, h, w) → logits (B, 1, h, w) and features (B, C, k, l)."""
        ...

    def refine(self, image: Array, disks: Array, features: Array, logits: Array) -> Array:
        """The second look: (1, 3, s, s), (1, 2, s, s), (1, C, k, l) and (1, 1, s, s) → logits (1, 1, s, s)."""
        ...


@dataclass(frozen=True, eq=False)
class State:
    """What a click leaves.

    Attributes:
        probability: (H, W), the answer, which the network sees with the next click.
        shown: (H, W), what the next crop is made of; None before the first click.
        crop: that the last look was at; None for the whole image.
        kept: (H, W) bool, the mask that is being corrected, where there was one to begin with.
    """

    probability: ProbabilityArray
    shown: ProbabilityArray | None = None
    crop: boxes.Box | None = None
    kept: MaskArray | None = None


@dataclass(frozen=True)
class ClickTool:
    """One of the peers.

    Attributes:
        name: of the family.
        runner: its network.
        showing: how it sees an image.
        weights_sha256: of the checkpoint.
        unused: names in the checkpoint that nothing reads.
    """

    name: str
    runner: Runner
    showing: Showing
    weights_sha256: str
    unused: tuple[str, ...] = ()

    def encode(self, image: ImageArray) -> "ClickedImage":
        """Keep the image; all work is done with the clicks.

        Args:
            image: (H, W, 3) uint8 RGB, at least one pixel.

        Raises:
            InputError: the array is no such image.
        """
        image = require_rgb(image)
        pixels = np.ascontiguousarray(image.transpose(2, 0, 1), np.float32) / np.float32(255)
        return ClickedImage(pixels, self.runner, self.showing)


@dataclass(frozen=True, eq=False)
class ClickedImage:
    """An image ready for clicks, of which each answer starts from the last (`AnswersInTurn`).

    Attributes:
        pixels: (3, H, W) float32 of 0 to 1.
        runner: the network.
        showing: how it sees the image.
    """

    pixels: Array
    runner: Runner
    showing: Showing
    _made: Replay[State] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_made", Replay(State(np.zeros(self.shape, np.float32)), self.step))

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) of the original image in pixels."""
        return self.pixels.shape[1], self.pixels.shape[2]

    def probability(self, clicks: Sequence[Click]) -> ProbabilityArray:
        """(H, W) float32: P(pixel in mask | the clicks in their order), each click's own pixel kept.

        Raises:
            InputError: there is no click, or one lies outside the image.
        """
        require_inside(clicks, self.shape)
        return with_clicked_pixels(self._made.after(clicks).probability, clicks)

    def in_turn(self) -> Callable[[Sequence[Click]], ProbabilityArray]:
        """Begin a mask; the network's own answers, in which clicks do not take their pixels."""
        return lambda clicks: self._made.after(clicks).probability

    def probability_from_mask(self, mask: MaskArray, clicks: Sequence[Click]) -> ProbabilityArray:
        """(H, W) float32: the mask as corrected by the clicks, one after the other; the mask itself without any.

        Raises:
            InputError: the mask has another size than the image, or a click lies outside.
        """
        if mask.shape != self.shape:
            raise InputError(f"the mask is {mask.shape[::-1]} pixels, the image {self.shape[::-1]}: they must be equal")
        require_inside(clicks, self.shape)
        state = State(mask.astype(np.float32), kept=mask if self.showing.focus is not None else None)
        for count in range(1, len(clicks) + 1):
            state = self.step(state, clicks[:count])
        return with_clicked_pixels(state.probability, clicks)

    def probabilities(self, clicks: Sequence[Click]) -> ProbabilityArray:
        """(N, h, w) float32: each click alone, at most `OWN` pixels on the longer side.

        Raises:
            InputError: a click lies outside the image.
        """
        require_inside(clicks, self.shape)
        ratio = min(1.0, OWN / max(self.shape))
        size = max(1, round(self.shape[0] * ratio)), max(1, round(self.shape[1] * ratio))
        made = np.empty((len(clicks), *size), np.float32)
        for target, click in zip(made, clicks, strict=True):
            target[:] = resized_by_corners(self.probability([click]), size)
        return made

    def step(self, state: State, clicks: Sequence[Click]) -> State:
        """The network's answer to one more click.

        Args:
            state: that the clicks before have left.
            clicks: all of them, the new one last.
        """
        places = [(*click.pixel, click.positive) for click in clicks]
        crop, showing_crop = self._crop(state, places)
        seen = crop if showing_crop else None
        answer, logits, features = self._look(state.probability, places, seen)
        probability = _pasted(answer, crop, self.shape)
        after = State(probability, probability, crop)
        if self.showing.focus is not None:
            after = self._refined(state, after, places, logits, features)
        if state.kept is not None:
            mask = boxes.merged(after.probability > 0.5, state.kept, places[-1][:2])
            after = replace(after, probability=mask.astype(np.float32), shown=mask.astype(np.float32), kept=mask)
        return after

    def _crop(self, state: State, places: Sequence[tuple[int, int, bool]]) -> tuple[boxes.Box | None, bool]:
        """The crop of the next look, and whether the network is shown it or the whole image.

        With an empty mask the peers show the whole image and still paste the answer where the last crop was.
        """
        zoom = self.showing.zoom
        if len(places) <= zoom.after:
            return state.crop, False
        positives = [place[:2] for place in places if place[2]]
        mask = None if state.shown is None else state.shown > zoom.threshold
        if mask is None or not mask.any():
            if zoom.after >= 0:
                return state.crop, False
            wanted: boxes.Box = (0, self.shape[0] - 1, 0, self.shape[1] - 1)
        else:
            wanted = boxes.object_box(mask, positives, zoom.ratio, zoom.least)
        old = state.crop
        kept = (
            zoom.sticky
            and old is not None
            and boxes.contains(old, positives)
            and boxes.overlap(wanted, old) >= zoom.moved
        )
        return (old if kept else wanted), True

    def _look(
        self, before: ProbabilityArray, places: Sequence[tuple[int, int, bool]], crop: boxes.Box | None
    ) -> tuple[ProbabilityArray, Array, Array]:
        """Probabilities of the crop's size, and logits and features as the network gave them."""
        top, bottom, left, right = crop or (0, self.shape[0] - 1, 0, self.shape[1] - 1)
        given = np.concatenate([self.pixels, before[None]])[:, top : bottom + 1, left : right + 1]
        shape = given.shape[1], given.shape[2]
        size = self._size(shape, whole=crop is None)
        given = resized_by_corners(given, size)
        down, across = size[0] / shape[0], size[1] / shape[1]
        moved = [((row - top) * down, (column - left) * across, sign) for row, column, sign in places]
        image, maps = _input(given, moved, self.showing)
        if self.showing.mirrored:
            other = [(row, size[1] - column - 1, sign) for row, column, sign in moved]
            mirror = _input(given[:, :, ::-1], other, self.showing)
            image, maps = np.concatenate([image, mirror[0]]), np.concatenate([maps, mirror[1]])
        logits, features = self.runner.look(np.ascontiguousarray(image), np.ascontiguousarray(maps))
        if self.showing.mirrored:
            logits = np.float32(0.5) * (logits[:1] + logits[1:, :, :, ::-1])
        return resized_by_corners(sigmoid(logits[0, 0]), shape), logits, features

    def _size(self, shape: tuple[int, int], whole: bool) -> tuple[int, int]:
        """(height, width) at which a crop of a shape is shown."""
        if whole and not self.showing.always:
            if max(shape) <= LARGEST:
                return shape
            scale = REDUCED / max(shape)
        elif self.showing.squared:
            return self.showing.size, self.showing.size
        else:
            scale = self.showing.size / max(shape)
        return round(shape[0] * scale), round(shape[1] * scale)

    def _refined(
        self,
        before: State,
        after: State,
        places: Sequence[tuple[int, int, bool]],
        logits: Array,
        features: Array,
    ) -> State:
        """FocalClick's second look at what has changed."""
        assert self.showing.focus is not None
        height, width = self.shape
        seen = after.crop or (0, height - 1, 0, width - 1)
        within = (seen[0], seen[1] + 1, seen[2], seen[3] + 1)
        first = _log_odds(after.probability)
        # The logits, not the probabilities, are compared with .49 there.
        box = boxes.focus_box(first > 0.49, before.probability > 0.49, within, places[-1][:2], self.showing.focus)
        top, bottom, left, right = box
        if top >= bottom or left >= right:
            return after
        side = self.showing.size
        image = resized_by_corners(self.pixels[:, top:bottom, left:right], (side, side))
        down, across = side / (bottom - top), side / (right - left)
        moved: list[Place] = [((row - top) * down, (column - left) * across, sign) for row, column, sign in places]
        made = disks(moved, self.showing.second_radius, (side, side))
        high, wide = side / (within[1] - within[0]), side / (within[3] - within[2])
        span = (
            max((top - within[0]) * high, 0.0),
            min((bottom - within[0]) * high, float(side)),
            max((left - within[2]) * wide, 0.0),
            min((right - within[2]) * wide, float(side)),
        )
        refined = self.runner.refine(
            image[None], made[None], cut(features, span, features.shape[-1] / side), cut(logits, span, 1.0)
        )
        # After ten clicks what lies outside the second look keeps the mask so far.
        total = _log_odds(before.probability) if len(places) > 10 else first
        total = total.copy()
        total[top:bottom, left:right] = resized_by_corners(refined[0, 0], (bottom - top, right - left))
        probability = sigmoid(total)
        return State(probability, probability, after.crop)


def cut(values: Array, span: tuple[float, float, float, float], scale: float) -> Array:
    """(1, C, h, w) of the same size, cut to a box and stretched over it: RoIAlign with one sample in each bin.

    Args:
        values: (1, C, h, w).
        span: top, bottom, left and right of the box.
        scale: of values' pixels to the box's.
    """
    height, width = values.shape[-2:]
    top, bottom, left, right = (end * scale for end in span)
    rows = top - 0.5 + (np.arange(height) + 0.5) * ((bottom - top) / height)
    columns = left - 0.5 + (np.arange(width) + 0.5) * ((right - left) / width)
    return sampled(values, rows.astype(np.float32), columns.astype(np.float32))


def _input(given: Array, places: Sequence[Place], showing: Showing) -> tuple[Array, Array]:
    """(1, 3, h, w) image and (1, 3, h, w) maps of (4, h, w) pixels and mask so far."""
    before = given[3:]
    if showing.binary:
        before = (before > 0.5).astype(np.float32)
    maps = np.concatenate([before, disks(places, showing.radius, (given.shape[1], given.shape[2]))])
    return given[None, :3], maps[None]


def _pasted(answer: ProbabilityArray, crop: boxes.Box | None, shape: tuple[int, int]) -> ProbabilityArray:
    """The answer in its place; nothing outside a crop."""
    if crop is None:
        return answer
    top, bottom, left, right = crop
    inside = resized_by_corners(answer, (bottom - top + 1, right - left + 1))
    whole = np.zeros(shape, np.float32)
    whole[top : bottom + 1, left : right + 1] = inside
    return whole


def _log_odds(probability: ProbabilityArray) -> Array:
    """Without keeping away from 0 and 1: what is outside a crop has minus infinity."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(probability / (1 - probability)), np.float32)
