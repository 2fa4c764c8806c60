"""Which object is asked for, and by which clicks: the sampler of RITM, which SegNext trains with.

Source: `MultiPointSampler` of SamsungLabs/ritm_interactive_segmentation and uncbiag/SegNext,
`isegm/data/points_sampler.py`, with the settings of SegNext's recipe: roots alone are targets, clicks have no order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from tamis.arrays import MaskArray
from tamis.segmentors.disks import Place
from tamis.training.click_tools.scene import Scene

Weighted: TypeAlias = Sequence[tuple[MaskArray, float]]
"""Regions with the probability that a click falls into each."""


@dataclass(frozen=True, slots=True)
class Clicking:
    """How objects and clicks are drawn.

    Attributes:
        single: whether an object is asked for by one click alone.
        negative: of a single click, the probability that it lies outside.
        most: clicks of each sign.
        decay: of the probability of one click more.
        merged: probability that two objects are asked for together.
        eroded: probability that positive clicks keep away from the object's border.
        erosion: pixels that they keep away then.
        least_eroded: if as few pixels remain, they do not.
        ring: width of the ring around the object, as a share of the root of its area.
        elsewhere: probabilities that a negative click falls on background, on other objects, and into the ring.
    """

    single: bool = False
    negative: float = 0.0
    most: int = 24
    decay: float = 0.8
    merged: float = 0.15
    eroded: float = 0.9
    erosion: int = 3
    least_eroded: int = 10
    ring: float = 0.1
    elsewhere: tuple[float, float, float] = (0.1, 0.4, 0.5)


@dataclass(frozen=True, eq=False)
class ClickTask:
    """What is asked for.

    Attributes:
        target: (H, W) bool; all False where a scene has no object.
        clicks: row, column and sign.
    """

    target: MaskArray
    clicks: list[Place]


def draw_clicks(scene: Scene, how: Clicking, rng: np.random.Generator) -> ClickTask:
    """Draw an object, or two, and clicks on and beside it.

    Args:
        scene: whose small objects were taken out.
        how: they are drawn.
        rng: source of randomness.
    """
    roots = scene.roots
    if not roots:
        background = scene.background()
        return ClickTask(np.zeros(background.shape, bool), _negatives([(background, 1.0)], how, rng))
    count = 2 if len(roots) > 1 and rng.random() < how.merged else 1
    chosen = [roots[i] for i in rng.choice(len(roots), count, replace=False)]
    masks = [scene.mask(number) for number in chosen]
    target = np.logical_or.reduce(masks)
    regions = [_kept_from_border(mask, how, rng) for mask in masks]
    outside = ~target
    others = outside if len(scene.objects) <= count else ~scene.background() & outside
    places = list(zip((outside, others, ring(target, how.ring)), how.elsewhere, strict=True))
    if how.single:
        if rng.random() < how.negative:
            return ClickTask(target, _drawn(places, 1, False, rng) or _drawn([(outside, 1.0)], 1, False, rng))
        return ClickTask(target, _drawn([(target, 1.0)], 1, True, rng))
    return ClickTask(target, [*_positives(regions, how, rng), *_negatives(places, how, rng)])


def ring(mask: MaskArray, share: float) -> MaskArray:
    """(H, W) bool: what a mask gains when a 3 × 3 square widens it ⌈share · √area⌉ times."""
    import cv2

    reach = int(np.ceil(share * np.sqrt(np.count_nonzero(mask))))
    square = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    wider: MaskArray = cv2.dilate(mask.astype(np.uint8), square).astype(bool)
    return wider & ~mask


def _kept_from_border(mask: MaskArray, how: Clicking, rng: np.random.Generator) -> MaskArray:
    import cv2

    if rng.random() > how.eroded:
        return mask
    square = np.ones((2 * how.erosion + 1, 2 * how.erosion + 1), np.uint8)
    inner: MaskArray = cv2.erode(mask.astype(np.uint8), square).astype(bool)
    return inner if np.count_nonzero(inner) > how.least_eroded else mask


def _positives(regions: Sequence[MaskArray], how: Clicking, rng: np.random.Generator) -> list[Place]:
    """At least one click in each region; of several regions further ones anywhere in them."""
    each = [_drawn([(region, 1.0)], 1 + _count(how.most, how.decay, rng), True, rng) for region in regions]
    if len(each) == 1:
        return each[0]
    firsts = [clicks[0] for clicks in each if clicks]
    share = 1 / len(regions)
    further = _drawn([(region, share) for region in regions], _count(how.most + 1, how.decay, rng), True, rng)
    room = how.most - len(firsts)
    kept = further if len(further) <= room else [further[i] for i in rng.choice(len(further), room, replace=False)]
    return firsts + kept


def _negatives(places: Weighted, how: Clicking, rng: np.random.Generator) -> list[Place]:
    return _drawn(places, _count(how.most + 1, how.decay, rng), False, rng)


def _count(most: int, decay: float, rng: np.random.Generator) -> int:
    """A number below `most`, each a factor `decay` rarer than the one before."""
    chances = decay ** np.arange(most)
    return int(rng.choice(most, p=chances / chances.sum()))


def _drawn(places: Weighted, count: int, positive: bool, rng: np.random.Generator) -> list[Place]:
    """Clicks, each uniform in a region that is drawn first; an empty region gives none."""
    pixels = [np.flatnonzero(region) for region, _ in places]
    chances = np.array([chance for _, chance in places])
    clicks: list[Place] = []
    for _ in range(count):
        found = pixels[int(rng.choice(len(pixels), p=chances / chances.sum()))]
        if found.size:
            row, column = divmod(int(found[rng.integers(found.size)]), places[0][0].shape[1])
            clicks.append((row, column, positive))
    return clicks
