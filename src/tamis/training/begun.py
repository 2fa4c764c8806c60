"""Masks to be corrected, as people begin them: by a click, at another granularity, in another place, or badly drawn.

A photograph comes as a whole, and again as the part around one of its objects: a closer look, in which the mask so far
is what the whole image has made of the click.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from tamis.arrays import MaskArray
from tamis.clicks import Click, center_click, random_click
from tamis.errors import InputError
from tamis.regions.clicks import CERTAIN, preferences
from tamis.regions.corrections import CorrectionContext
from tamis.regions.protocol import AnswersByRegion
from tamis.segmentors import Segmentor
from tamis.segmentors.embedded.closer import Part, part_around, within
from tamis.training.photographs import Int16Map, Photograph

LEAST_PIXELS = 100
"""Of a mask at the working size that is clicked."""

CLOSER = 0.7
"""Share of the masks of a closer look that begin with one of its `starts`."""

STARTS = 4
"""Masks so far of the object of a closer look."""


class Start(NamedTuple):
    """A mask so far of a known object, from the whole image of which a closer look shows a part."""

    labels: int
    """Which of the example's maps."""
    label: int
    clicks: tuple[Click, ...]
    """The first, unless it lies outside the part."""
    mask: MaskArray
    """(h, w)."""


@dataclass(frozen=True, eq=False)
class CorrectionExample:
    """A photograph, or a part of one, that is ready to be clicked.

    Attributes:
        dataset: its name.
        region_map: (h, w) uint16.
        answers: (G, R, R) uint8.
        ratings: (G, R) uint8.
        features: (R, D) float16.
        small: (h, w, 3) uint8.
        maps: label maps (h, w) int16, as `Photograph` has them.
        starts: of a closer look.
    """

    dataset: str
    region_map: NDArray[np.uint16]
    answers: NDArray[np.uint8]
    ratings: NDArray[np.uint8]
    features: NDArray[np.float16]
    small: NDArray[np.uint8]
    maps: tuple[Int16Map, ...]
    starts: tuple[Start, ...] = ()

    @property
    def context(self) -> CorrectionContext:
        """What does not depend on clicks."""
        return CorrectionContext.of(self.small, self.region_map, self.answers, self.features.astype(np.float32))

    def can_be_clicked(self) -> bool:
        """Whether it has a mask that is large enough."""
        return any(clickable(labels).size for labels in self.maps)


def correction_example(photograph: Photograph, segmentor: Segmentor) -> CorrectionExample:
    """Encode a photograph with a segmentor that answers by region.

    Raises:
        InputError: the segmentor does not.
    """
    encoded = segmentor.encode(photograph.image)
    if not isinstance(encoded, AnswersByRegion):
        raise InputError(f"corrections are learned over regions, and the segmentor {segmentor.name!r} has none")
    height, width = encoded.region_map.shape
    small = cv2.resize(photograph.image, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8)
    maps = (cv2.resize(m, (width, height), interpolation=cv2.INTER_NEAREST_EXACT) for m in photograph.maps)
    labels = tuple(each.astype(np.int16) for each in maps)
    features = encoded.descriptors.astype(np.float16)
    return CorrectionExample(
        photograph.dataset, encoded.region_map, encoded.answers, encoded.ratings, features, small, labels
    )


def closer_example(
    photograph: Photograph, whole: CorrectionExample, segmentor: Segmentor, rng: np.random.Generator
) -> CorrectionExample | None:
    """The part around one of the objects of a photograph, or around an error of a large one, encoded again.

    None if there is no object.

    Args:
        photograph: as large as it is.
        whole: its example.
        segmentor: that encodes.
        rng: source of randomness.
    """
    shape, small = photograph.image.shape[:2], whole.region_map.shape
    scale = shape[1] / small[1], shape[0] / small[0]
    objects = [(number, label) for number, labels in enumerate(whole.maps) for label in clickable(labels).tolist()]
    if not objects:
        return None
    number, label = objects[int(rng.integers(len(objects)))]
    truth = whole.maps[number] == label
    clicks, masks = zip(*(_answered(whole, truth, rng) for _ in range(STARTS)), strict=True)
    # Places in the middles of pixels of the photograph, of which the mask so far is a coarse picture.
    meant = [Click((each.pixel[1] + 0.5) * scale[0], (each.pixel[0] + 0.5) * scale[1]) for each in clicks]
    part = part_around(_enlarged(masks[0] if rng.random() < 0.7 else truth, shape), meant[:1])
    if part is None:
        wrong = np.argwhere((masks[0] != truth) & (whole.maps[number] >= 0))
        row, column = wrong[int(rng.integers(len(wrong)))] if len(wrong) else clicks[0].pixel
        part = _half_around((int((row + 0.5) * scale[1]), int((column + 0.5) * scale[0])), shape)
    return _part_of(photograph, part, (number, label), list(zip(meant, masks, strict=True)), segmentor)


def _part_of(
    photograph: Photograph,
    part: Part,
    wanted: tuple[int, int],
    begun: Sequence[tuple[Click, MaskArray]],
    segmentor: Segmentor,
) -> CorrectionExample | None:
    maps = tuple(np.ascontiguousarray(each[part]) for each in photograph.maps)
    image = np.ascontiguousarray(photograph.image[part])
    cut = Photograph(photograph.dataset, photograph.name, photograph.kind, image, maps)
    example, (number, label) = correction_example(cut, segmentor), wanted
    if np.count_nonzero(example.maps[number] == label) < LEAST_PIXELS:
        return None
    height, width = example.region_map.shape
    rows, columns = part
    scale = width / (columns.stop - columns.start), height / (rows.stop - rows.start)
    starts = []
    for click, mask in begun:
        there = tuple(Click(each.x * scale[0], each.y * scale[1]) for each in within(part, [click]))
        large = np.ascontiguousarray(_enlarged(mask, photograph.image.shape[:2])[part])
        starts.append(Start(number, label, there, _enlarged(large, (height, width))))
    return replace(example, starts=tuple(starts))


def _half_around(pixel: tuple[int, int], shape: tuple[int, int]) -> Part:
    """A square around a pixel of an image (height, width), half as long as its longer side, as far as there is room."""
    side = max(shape) // 2
    starts = [min(max(0, place - side // 2), max(0, length - side)) for place, length in zip(pixel, shape, strict=True)]
    top, left = (slice(start, min(length, start + side)) for start, length in zip(starts, shape, strict=True))
    return top, left


def _enlarged(mask: MaskArray, shape: tuple[int, int]) -> MaskArray:
    """A mask at another size (height, width)."""
    return np.asarray(cv2.resize(mask.view(np.uint8), shape[::-1], interpolation=cv2.INTER_NEAREST_EXACT) > 0)


class CorrectionBatch(NamedTuple):
    """Masks of one photograph, begun."""

    context: CorrectionContext
    truths: list[MaskArray]
    """B of (h, w)."""
    known: MaskArray
    """(h, w)."""
    shares: NDArray[np.float32]
    """(B, R) of the regions in the true masks."""
    begun: list[MaskArray]
    """B of (h, w): the masks so far."""
    clicks: list[list[Click]]
    """That made them, if any did; in pixels of the working size."""
    chance: list[np.random.Generator | None]
    """B of what the further clicks are drawn by; None where they go into the middles of errors."""


def clickable(labels: Int16Map) -> NDArray[np.int16]:
    """The labels of masks large enough."""
    values, counts = np.unique(labels, return_counts=True)
    return np.asarray(values[(values > 0) & (counts >= LEAST_PIXELS)], np.int16)


def begin(
    example: CorrectionExample, count: int, rng: np.random.Generator, wrong: float = 0.4, anywhere: float = 0.0
) -> CorrectionBatch:
    """Choose masks of a photograph with something to click, and begin each.

    Args:
        example: the photograph.
        count: how many masks, with repetition.
        rng: source of randomness.
        wrong: share of those that begin with something else than the answer that a click gets.
        anywhere: share of those whose further clicks go anywhere in what is wrong.
    """
    usable = [number for number, labels in enumerate(example.maps) if clickable(labels).size]
    number = usable[int(rng.integers(len(usable)))]
    if example.starts:
        number = example.starts[0].labels
    labels, context = example.maps[number], example.context
    values = clickable(labels)
    truths, begun, clicks = [], [], []
    for _ in range(count):
        if example.starts and rng.random() < CLOSER:
            start = example.starts[int(rng.integers(len(example.starts)))]
            truths.append(labels == start.label)
            begun.append(start.mask)
            clicks.append(list(start.clicks))
            continue
        truths.append(labels == values[int(rng.integers(len(values)))])
        mask, made = _begin(example, truths[-1], rng, wrong)
        begun.append(mask)
        clicks.append(made)
    shares = np.stack([context.shares(truth) for truth in truths])
    chance = [own if own.random() < anywhere else None for own in rng.spawn(count)]
    return CorrectionBatch(context, truths, labels >= 0, shares, begun, clicks, chance)


def _begin(
    example: CorrectionExample, truth: MaskArray, rng: np.random.Generator, wrong: float
) -> tuple[MaskArray, list[Click]]:
    """A mask so far, (h, w), and the clicks that made it."""
    if rng.random() >= wrong:
        click, mask = _answered(example, truth, rng)
        return mask, [click]
    clicks = [_first_click(truth, rng)]
    way = rng.random()
    region = int(example.region_map[clicks[0].pixel])
    granularity = int(rng.integers(len(example.answers)))
    if way > 0.5:
        clicks = clicks if rng.random() < 0.5 else []
        if way > 0.75:
            return _damaged(truth, rng), clicks
        region = int(example.region_map.ravel()[int(rng.integers(example.region_map.size))])
    return np.asarray(example.answers[granularity, region] > CERTAIN / 2)[example.region_map], clicks


def _answered(example: CorrectionExample, truth: MaskArray, rng: np.random.Generator) -> tuple[Click, MaskArray]:
    """A first click and its answer (h, w)."""
    click = _first_click(truth, rng)
    region = int(example.region_map[click.pixel])
    granularity = int(preferences(example.ratings)[:, region].argmax())
    return click, np.asarray(example.answers[granularity, region] > CERTAIN / 2)[example.region_map]


def _first_click(truth: MaskArray, rng: np.random.Generator) -> Click:
    return center_click(truth) if rng.random() < 0.5 else random_click(truth, rng)


def _damaged(mask: MaskArray, rng: np.random.Generator) -> MaskArray:
    """A mask (h, w) shifted, then eroded or dilated."""
    height, width = mask.shape
    shift = np.array([[1, 0, rng.uniform(-0.08, 0.08) * width], [0, 1, rng.uniform(-0.08, 0.08) * height]])
    moved = cv2.warpAffine(mask.view(np.uint8), shift, (width, height), flags=cv2.INTER_NEAREST)
    side = int(rng.integers(1, 8))
    change = cv2.erode if rng.random() < 0.5 else cv2.dilate
    return np.asarray(change(moved, np.ones((side, side), np.uint8)) > 0)
