"""Corrections as they come about, for the network that looks at them pixel by pixel.

People are simulated who click into the middle of the largest error, while the model in the box answers, whole images
first and closer looks after; what is kept of each click is all that the network will be told, and the truth. The masks
that are corrected have been through the network already, as they will have been. The first click is an example, too,
where its answer is what is meant, more or less: only its border is to be drawn.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ImageArray, MaskArray, ProbabilityArray
from tamis.clicks import Click, center_click, corrective_click, random_click
from tamis.errors import InputError
from tamis.mask.iou import iou_of
from tamis.segmentors.embedded.closer import CloserLook, Part, holds, look_at, part_around, within
from tamis.segmentors.embedded.corrected import CorrectedRegions
from tamis.segmentors.embedded.model import Embedded
from tamis.segmentors.embedded.pixel_corrections import PixelContext
from tamis.segmentors.embedded.pixel_network import pixel_maps
from tamis.training.begun import clickable
from tamis.training.photographs import Photograph

ROUNDS = 7
"""Clicks of each mask."""

MEANT = 0.6
"""IoU of the answer to a first click from which on it is an example."""

FINISHED = 0.5
"""Share of the masks so far whose small errors are mended, as they will be by the network that learns from them."""


@dataclass(frozen=True, eq=False)
class PixelExample:
    """One click on an image, or on a closer look at it, at the working size (h, w).

    Attributes:
        dataset: its name.
        context: of the image, features in float16; shared by the clicks on it.
        told: (h, w) uint8, 255 times the answer over regions.
        before: (h, w) uint8, 255 times the mask that was corrected.
        truth: (h, w) uint8, 255 times the share of the pixel that is in the true mask.
        known: (h, w) bool.
        clicks: all of them, in pixels of the working size.
    """

    dataset: str
    context: PixelContext
    told: NDArray[np.uint8]
    before: NDArray[np.uint8]
    truth: NDArray[np.uint8]
    known: MaskArray
    clicks: tuple[Click, ...]


@dataclass(frozen=True)
class Clicking:
    """What a worker does: click on photographs, each with a chance of its own, so that any number of them agree.

    Attributes:
        segmentor: that answers.
        masks: of a photograph, at most.
        seed: of chance.
    """

    segmentor: Embedded
    masks: int
    seed: int

    def __call__(self, item: tuple[int, Photograph]) -> list[PixelExample]:
        """The corrections of a photograph, by its number."""
        number, photograph = item
        chance = np.random.default_rng((self.seed, number))
        return list(pixel_examples(photograph, self.segmentor, self.masks, chance))


def pixel_examples(
    photograph: Photograph, segmentor: Embedded, masks: int, rng: np.random.Generator
) -> Iterator[PixelExample]:
    """Click on some masks of a photograph.

    Args:
        photograph: as large as it is.
        segmentor: that answers.
        masks: how many, at most.
        rng: source of randomness.
    """
    objects = [(labels, each) for labels in photograph.maps for each in clickable(labels).tolist()]
    if not objects:
        return
    encoded = segmentor.encode(photograph.image)
    for number in rng.permutation(len(objects))[:masks]:
        labels, label = objects[number]
        yield from _clicked(photograph, encoded, segmentor, labels == label, labels >= 0, rng)


def _clicked(
    photograph: Photograph,
    encoded: CorrectedRegions,
    segmentor: Embedded,
    truth: MaskArray,
    known: MaskArray,
    rng: np.random.Generator,
) -> Iterator[PixelExample]:
    image, shape = photograph.image, truth.shape
    whole: Part = (slice(0, shape[0]), slice(0, shape[1]))
    contexts: dict[int, PixelContext] = {}
    clicks = [center_click(truth) if rng.random() < 0.5 else random_click(truth, rng)]
    first, looks = encoded.probability(clicks), list[CloserLook]()
    contexts[id(encoded)] = _context(image, encoded)
    if iou_of(first > 0.5, truth, known) >= MEANT:
        settled = (first > 0.5).astype(np.float32)
        yield _example(photograph.dataset, contexts[id(encoded)], settled, first > 0.5, truth, known, clicks)
    mask = encoded.drawn(first, clicks) > 0.5
    for _ in range(1, ROUNDS):
        if rng.random() < FINISHED:
            mask = _finished(mask, truth, rng)
        try:
            clicks.append(corrective_click(truth, mask, clicks, known))
        except InputError:  # nothing is wrong any more
            return
        part, frame = part_around(mask, clicks[:-1]), encoded
        if part is not None and holds(part, clicks[-1:]):
            look = look_at(part, looks, clicks[-1])
            if look is None:
                look = CloserLook(part, segmentor.encode(np.ascontiguousarray(image[part])))
                looks.append(look)
            assert isinstance(look.encoded, CorrectedRegions)
            part, frame = look.part, look.encoded
        else:
            part = whole
        inside, there = np.ascontiguousarray(mask[part]), within(part, clicks)
        told, answer = frame.over_regions(inside, there), frame.probability_from_mask(inside, there)
        if id(frame) not in contexts:
            contexts[id(frame)] = _context(np.ascontiguousarray(image[part]), frame)
        right, counts = (np.ascontiguousarray(each[part]) for each in (truth, known))
        yield _example(photograph.dataset, contexts[id(frame)], told, inside, right, counts, there)
        corrected = mask.copy()
        corrected[part] = answer > 0.5
        mask = corrected


def _example(
    dataset: str,
    context: PixelContext,
    told: ProbabilityArray,
    before: MaskArray,
    truth: MaskArray,
    known: MaskArray,
    clicks: Sequence[Click],
) -> PixelExample:
    """One click, at the working size."""
    planes = [_small(each.astype(np.float32), context.shape) for each in (told, before, truth, known)]
    scale = context.shape[1] / told.shape[1], context.shape[0] / told.shape[0]
    moved = tuple(Click(each.x * scale[0], each.y * scale[1], each.positive) for each in clicks)
    return PixelExample(dataset, context, planes[0], planes[1], planes[2], planes[3] > 127, moved)


def _context(image: ImageArray, frame: CorrectedRegions) -> PixelContext:
    height, width = frame.region_map.shape
    small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8)
    full = PixelContext.of(small, pixel_maps(small))
    return PixelContext(small, full.boundary.astype(np.float16), full.features.astype(np.float16))


def _small(values: ProbabilityArray, shape: Sequence[int]) -> NDArray[np.uint8]:
    """255 times some values at another size (height, width): means of many, or what lies between few."""
    grown = shape[0] > values.shape[0]
    way = cv2.INTER_LINEAR if grown else cv2.INTER_AREA
    return np.asarray(np.rint(cv2.resize(values, (shape[1], shape[0]), interpolation=way) * 255), np.uint8)


def _finished(mask: MaskArray, truth: MaskArray, rng: np.random.Generator) -> MaskArray:
    """A mask (H, W) without the errors that are thinner than a few pixels of the working size."""
    side = max(2, round(int(rng.integers(2, 9)) * max(mask.shape) / 768))
    square, error = np.ones((side, side), np.uint8), (mask != truth).view(np.uint8)
    large = cv2.dilate(cv2.morphologyEx(error, cv2.MORPH_OPEN, square), square) > 0
    return np.asarray(truth ^ (large & (error > 0)))
