"""An image of the model in the box: the first click is a row of the matrix, further ones correct the mask so far.

Whoever works on one mask (`in_turn`) is shown the first answer, too, with its border drawn by the network over pixels.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from tamis.arrays import ImageArray, MaskArray, ProbabilityArray
from tamis.clicks import Click, set_clicked_pixels
from tamis.errors import InputError
from tamis.mask import boundaries
from tamis.regions.clicks import CERTAIN, SURE, as_bytes
from tamis.regions.corrections import CorrectionContext, correction_tokens
from tamis.regions.encoded import EncodedRegions, signs_of
from tamis.regions.spread import spread_inside_and_outside
from tamis.segmentors.embedded.closer import CloserLook, holds, look_at, part_around
from tamis.segmentors.embedded.likeness import settled
from tamis.segmentors.embedded.pixel_corrections import PixelContext, around, replace_where
from tamis.segmentors.embedded.pixel_network import pixel_maps
from tamis.segmentors.embedded.specks import remove_specks
from tamis.segmentors.embedded.weights import session

CUT = 0.1
"""A region with a smaller share of it inside or outside a mask is not cut by it: its border is drawn more finely."""

SPECK = 0.005
"""Of a mask's area: a correction changes nothing smaller that lies apart from the click."""

BORDER = 20
"""Pixels of the working size: so far from a border of the answer over regions the network over pixels may draw it. On
117 objects of validation photographs 6 pixels give IoU .890 after five clicks, 12 .901, 20 and 32 .902, and 20 the
fewest corrections that do harm."""

NEAR = 12
"""The same, from what a click has changed in a mask that is somebody else's."""

WIDE = 12
"""Pixels of the working size: an answer that holds no disc of this radius is not drawn. Of first clicks on training
photographs, anywhere in 364 masks, narrower answers lost .03 of IoU by being drawn, the others gained .002."""

LOOKS = 2
"""Closer looks that an image keeps: each takes some 40 MB."""


@dataclass(frozen=True, eq=False)
class CorrectedRegions(EncodedRegions):
    """`EncodedRegions`, and `TakesMask`, `AnswersInTurn`, `DrawsBorders`, `DescribesPixels` and `LooksCloser` besides.

    Attributes:
        again: encodes a part of the image; without it there are no closer looks.
        looks: those there are, the latest last.
        kept: what pixels are corrected by, where encoding has left it; see `pixels`.
    """

    again: "Callable[[ImageArray], CorrectedRegions] | None" = None
    looks: list[CloserLook] = field(default_factory=list)
    kept: PixelContext | None = None

    @cached_property
    def context(self) -> CorrectionContext:
        """What corrections need that does not depend on clicks; made when first asked for."""
        return CorrectionContext.of(self.image, self.region_map, self.answers, self.descriptors)

    @cached_property
    def messages(self) -> NDArray[np.float32]:
        """(heads, R, R): how much regions hear of each other when a mask is corrected; made when first asked for."""
        context = self.context
        fed = {"answers": context.answers, "areas": context.areas, "neighbours": context.neighbours}
        weights: NDArray[np.float32] = session("messages").run(None, fed)[0]
        return weights

    @cached_property
    def pixels(self) -> PixelContext:
        """What corrections pixel by pixel need that does not depend on clicks; made again for a stored encoding."""
        if self.kept is not None:
            return self.kept
        height, width = self.region_map.shape
        small = cv2.resize(self.image, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8)
        return PixelContext.of(small, pixel_maps(small))

    @cached_property
    def scene(self) -> dict[str, NDArray[np.float32]]:
        """What the network over pixels that corrects has made of the image; made when first asked for."""
        seen, known = session("pixel_scene").run(None, self.pixels.scene_inputs())
        return {"seen": seen, "known": known}

    @property
    def pixel_features(self) -> NDArray[np.float32]:
        """(88, h/4, w/4) float32 at the working size (h, w); see `DescribesPixels`."""
        return self.pixels.features

    def probability(self, clicks: Sequence[Click]) -> ProbabilityArray:
        """(H, W) float32: P(pixel in mask | all clicks, each correcting the mask of those before).

        Up to the first positive click they are joined by the rule of `EncodedRegions`, and if there are no more that is
        the answer: at once, and as coarse as regions are, until it is `drawn`.

        Raises:
            InputError: there is no click, or one lies outside the image.
        """
        begun = next((number for number, click in enumerate(clicks, 1) if click.positive), len(clicks))
        answer, looks = super().probability(clicks[:begun]), list[CloserLook]()
        if begun == 1 < len(clicks):
            answer = self.drawn(answer, clicks[:1])
        for number in range(begun + 1, len(clicks) + 1):
            answer = self._in_turn(answer > 0.5, clicks[:number], looks)
        return answer

    def drawn(self, answer: ProbabilityArray, clicks: Sequence[Click]) -> ProbabilityArray:
        """(H, W) float32: an answer (H, W) whose border the network over pixels has drawn; see `DrawsBorders`.

        Where it is narrow all over it stays as it is.
        """
        answer, mask = answer.copy(), answer > 0.5
        if not self._wide(mask):
            return answer
        # The network is told a mask: where it is told of doubts it settles them, and what is meant is settled here.
        seen, other, _ = self._by_pixels(mask.view(np.uint8), mask, clicks)
        for inside in (True, False):
            replace_where(answer, seen, other, mask, inside)
        remove_specks(answer, None, clicks)
        set_clicked_pixels(answer, clicks)
        return answer

    def _wide(self, mask: MaskArray) -> bool:
        """Whether a mask (H, W) holds a disc of `WIDE` pixels of the working size."""
        size = self.region_map.shape[::-1]
        small = np.pad(cv2.resize(mask.view(np.uint8), size, interpolation=cv2.INTER_NEAREST_EXACT), 1)
        return bool(cv2.distanceTransform(small, cv2.DIST_L2, 3).max() >= WIDE)

    def choices(self, clicks: Sequence[Click]) -> tuple[ProbabilityArray, NDArray[np.float32]]:
        """As for `EncodedRegions`, but the clicks after the first correct its mask at every granularity.

        Raises:
            InputError: there is no click, or one lies outside the image.
        """
        masks, ratings = super().choices(clicks[:1])
        for mask in masks:
            for number in range(2, len(clicks) + 1):
                mask[:] = self._corrected(mask > 0.5, clicks[:number])
        return masks, ratings

    def in_turn(self) -> Callable[[Sequence[Click]], ProbabilityArray]:
        """Begin a mask; see `AnswersInTurn`."""
        last: list[ProbabilityArray] = []
        looks: list[CloserLook] = []

        def answer(clicks: Sequence[Click]) -> ProbabilityArray:
            if last and any(click.positive for click in clicks[:-1]):
                told = self._in_turn(last[0] > 0.5, clicks, looks)
            else:
                told = self.probability(clicks)
                if len(clicks) == 1:
                    told = self.drawn(told, clicks)
            last[:] = [told]
            return told

        return answer

    def _in_turn(self, mask: MaskArray, clicks: Sequence[Click], looks: list[CloserLook]) -> ProbabilityArray:
        """A correction after a closer look. Only looks of the same mask count: what else was asked must not matter."""
        self._look(mask, clicks, looks)
        return self._seen(mask, clicks, looks)

    def look_closer(self, mask: MaskArray, clicks: Sequence[Click]) -> None:
        """Encode the neighbourhood of a mask (H, W) at its own scale; see `LooksCloser`."""
        self._look(mask, clicks, self.looks)

    def _look(self, mask: MaskArray, clicks: Sequence[Click], looks: list[CloserLook]) -> None:
        part = part_around(mask, clicks[:-1])
        if part is None or self.again is None or not holds(part, clicks[-1:]):
            return
        if look_at(part, looks, clicks[-1]) is None:
            looks.append(CloserLook(part, self.again(np.ascontiguousarray(self.image[part]))))
            del looks[:-LOOKS]

    def _seen(self, mask: MaskArray, clicks: Sequence[Click], looks: Sequence[CloserLook]) -> ProbabilityArray:
        """A correction, from the closer looks that there are."""
        part = part_around(mask, clicks[:-1]) if looks else None
        look = None if part is None else look_at(part, looks, clicks[-1])
        answer = self._corrected(mask, clicks) if look is None else look.corrected(mask, clicks)
        begun = self._begun(mask, clicks)
        if begun or look is None:  # a closer look has removed those that are not the first answer's
            remove_specks(answer, None if begun else mask, clicks)
        set_clicked_pixels(answer, clicks)
        return answer

    def _begun(self, mask: MaskArray, clicks: Sequence[Click]) -> bool:
        """Whether a mask is the answer to the first of two clicks: a row of the matrix, specks and all."""
        if len(clicks) != 2 or not clicks[0].positive:
            return False
        region, step = int(self.clicked(clicks[:1])[0]), max(1, max(self.shape) // max(self.region_map.shape))
        inside = self.best[region] > CERTAIN // 2
        inside[region] = True
        return bool(np.array_equal(inside[self.fine_map[::step, ::step]], mask[::step, ::step]))

    def probability_from_mask(self, mask: MaskArray, clicks: Sequence[Click]) -> ProbabilityArray:
        """(H, W) float32: the mask (H, W), which earlier clicks may have made, as the last click corrects it.

        If `look_closer` was asked for the mask and the click lies there, the correction comes from there.

        A positive click only adds regions, a negative one only takes them away; if it is the first, so that the mask is
        somebody else's, only such as hang together with the clicked one. Where nothing changes pixels stay as they are,
        even where the mask cuts a region. If the network does not believe that the whole clicked region is meant, a
        part of it around the click is. Specks that would be left behind go with the rest, whatever the sign, and after
        the second click those of the first answer.

        Raises:
            InputError: there is no click, or one lies outside the image.
        """
        if not clicks:
            raise InputError("give at least one click: without one there is nothing to correct")
        return self._seen(mask, clicks, self.looks)

    def _corrected(self, mask: MaskArray, clicks: Sequence[Click]) -> ProbabilityArray:
        answer = self.over_regions(mask, clicks)
        self._look_at_pixels(answer, mask, clicks)
        set_clicked_pixels(answer, clicks)
        return answer

    def over_regions(self, mask: MaskArray, clicks: Sequence[Click]) -> ProbabilityArray:
        """(H, W) float32: the mask (H, W) as regions correct it, before the network over pixels has its word."""
        clicked, signs = self.clicked(clicks), signs_of(clicks)
        context, small = self.context, self.context.reduced(mask)
        shares = context.shares(small)
        fed = {
            "tokens": correction_tokens(context, small, shares, clicked, clicks, self.shape)[None],
            "features": context.features,
            "areas": context.areas,
            "weights": self.messages,
        }
        # In 51sts, as all answers: what a processor's way of summing changes is far below.
        told = as_bytes(session("corrections").run(None, fed)[0][0])
        values: NDArray[np.float32] = np.asarray(told / np.float32(CERTAIN), np.float32)
        before, after = shares > 0.5, values > 0.5
        changed = (before != after) & (after == signs[-1])
        least = np.inf if len(clicks) == 1 else SPECK * float(shares @ context.areas)
        changed = _together(changed, context, int(clicked[-1]), least)
        held = np.where(changed, after, before)
        values = np.where(held == after, values, np.where(held, SURE, 1 - SURE)).astype(np.float32)
        # Where the mask cuts a region that does not change, its pixels are what they were; and nowhere do whole regions
        # turn pixels of the mask against the click.
        cut = (np.minimum(shares, 1 - shares) > CUT) & ~changed
        outside = np.where(held & (cut | (not signs[-1])), np.float32(1 - SURE), values)
        inside = np.where(~held & (cut | signs[-1]), np.float32(SURE), values)
        answer = spread_inside_and_outside(outside, inside, self.fine_map, mask)
        scale = max(self.shape) / max(self.region_map.shape)
        for click, region, depth in zip(clicks, clicked, context.depths_at(clicks, self.shape) * scale, strict=True):
            if held[region] != click.positive:
                kept = None if click.positive == clicks[-1].positive else mask
                carve(answer, self.fine_map, click, min(float(depth), _half_way(click, clicks)), kept)
        return answer

    def _look_at_pixels(self, answer: ProbabilityArray, mask: MaskArray, clicks: Sequence[Click]) -> None:
        """Let the network over pixels have the last word on the border of an answer (H, W) to a mask (H, W), in place.

        It takes no part in what is meant: it says nothing far from the border or where clicks are, nor of a mask that
        is somebody else's apart from what the click has changed, and it adds and takes away as the click does.
        """
        seen, other, changed = self._by_pixels(answer, mask, clicks)
        if len(clicks) == 1:
            other &= around(changed, NEAR)
        replace_where(answer, seen, other, mask, not clicks[-1].positive)

    def _by_pixels(
        self, answer: ProbabilityArray | NDArray[np.uint8], mask: MaskArray, clicks: Sequence[Click]
    ) -> tuple[ProbabilityArray, MaskArray, MaskArray]:
        """What the network over pixels says, where that changes an answer, and where the answer has changed: (h, w).

        Args:
            answer: (H, W), over regions, from 0 to 1.
            mask: (H, W), which it answers to.
            clicks: all of them.
        """
        fed = self.pixels.inputs(answer, mask, clicks, self.shape)
        drawn: NDArray[np.float32] = session("pixel_corrections").run(None, fed | self.scene)[0][0, 0]
        seen = settled(drawn, self.pixels.known, self.pixels.around)
        told, before = fed["masks"][0] > 0
        other = (told != (seen > 0.5)) & around(boundaries(told.view(np.uint8)), BORDER)
        for signed, disc in zip((True, False), fed["clicks"][0, :2], strict=True):
            other &= (disc == 0) | (told != signed)
        return seen, other, told != before


def carve(
    answer: ProbabilityArray, fine_map: NDArray[np.uint16], click: Click, radius: float, kept: MaskArray | None = None
) -> None:
    """Give a disc around a click its sign, in place, as far as the region of the click goes.

    It is for a click that means a part of its region only: what lies between the click and the region's border.

    Args:
        answer: (H, W).
        fine_map: (H, W).
        click: its middle.
        radius: in pixels.
        kept: (H, W), a mask before, if the click is an earlier one of the other sign than the last: what is left of its
            disc there stays, and no more.
    """
    row, column = click.pixel
    top, left, reach = max(0, int(row - radius)), max(0, int(column - radius)), int(radius)
    part = slice(top, row + reach + 1), slice(left, column + reach + 1)
    inside = fine_map[part] == fine_map[row, column]
    rows, columns = np.ogrid[: inside.shape[0], : inside.shape[1]]
    near = (rows + top - row) ** 2 + (columns + left - column) ** 2 <= radius**2
    if kept is not None:
        near = near & (kept[part] == click.positive)
    answer[part][inside & near] = SURE if click.positive else 1 - SURE


def _half_way(click: Click, clicks: Sequence[Click]) -> float:
    """Half the distance from a click to the nearest one of the other sign; infinite where there is none."""
    others = [np.hypot(each.x - click.x, each.y - click.y) for each in clicks if each.positive != click.positive]
    return float(min(others, default=np.inf)) / 2


def _together(regions: NDArray[np.bool_], context: CorrectionContext, start: int, least: float) -> NDArray[np.bool_]:
    """(R,) of some regions (R,) those that hang together with one of them, or with others to `least` of the image."""
    first, second = context.adjacent
    both = regions[first] & regions[second]
    graph = coo_array((np.ones(np.count_nonzero(both), bool), (first[both], second[both])), shape=(len(regions),) * 2)
    _, parts = connected_components(graph, directed=False)
    areas = np.bincount(parts, context.areas)
    return np.asarray(regions & ((parts == parts[start]) | (areas[parts] >= least)))
