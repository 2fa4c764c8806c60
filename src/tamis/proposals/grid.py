"""Proposals from clicks: each click's masks, scored, and thinned by non-maximum suppression."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import MaskArray, ProbabilityArray
from tamis.clicks import Click, grid_clicks
from tamis.mask import Masks
from tamis.mask.expected import Values, expected_iou
from tamis.proposals.asking import BATCH, in_batches
from tamis.proposals.collection import Proposals
from tamis.proposals.selection import EVERYTHING, Selection, chosen
from tamis.regions.clicks import CERTAIN, SURE
from tamis.regions.protocol import AnswersByRegion
from tamis.regions.unions import Unions
from tamis.segmentors import EncodedImage, ScoresMasks

GRID = 32
"""Clicks per side where a segmentor has no regions: SAM's."""


def grid_proposals(encoded: EncodedImage, grid: int | None = None, selection: Selection = EVERYTHING) -> Proposals:
    """What `propose` makes of `clicks_for(encoded, grid)`."""
    return propose(encoded, clicks_for(encoded, grid), selection)


def clicks_for(encoded: EncodedImage, grid: int | None) -> list[Click]:
    """Positive clicks all over an image: grid × grid of them.

    Without a number, one in every region where the segmentor answers by region, which gives all the answers that there
    are; and 32 × 32 for any other.
    """
    if grid is None and isinstance(encoded, AnswersByRegion):
        return region_clicks(encoded)
    return grid_clicks(grid or GRID, encoded.shape)


def propose(encoded: EncodedImage, clicks: Sequence[Click], selection: Selection = EVERYTHING) -> Proposals:
    """Ask for every click alone, drop small masks, keep the best of those that overlap, and put them in order.

    Answers by region are compared region by region, those of other segmentors at their own resolution, where only
    survivors are brought to the original size.

    Args:
        encoded: the image.
        clicks: where to click.
        selection: which masks to keep.
    """
    if not clicks:
        return Proposals(Masks.none(encoded.shape), np.zeros(0, np.float32), [])
    if isinstance(encoded, AnswersByRegion):
        return _of_regions(encoded, clicks, selection)
    return propose_from(encoded, answers_to(encoded, clicks), selection)


def answers_to(encoded: EncodedImage, clicks: Sequence[Click]) -> Iterator[tuple[Sequence[Click], ProbabilityArray]]:
    """Clicks and their answers (N, h, w) float32, each alone, a batch at a time."""
    for first, probabilities in enumerate(in_batches(encoded, clicks)):
        yield clicks[first * BATCH : (first + 1) * BATCH], probabilities


def propose_from(
    encoded: EncodedImage,
    answers: Iterable[tuple[Sequence[Click], ProbabilityArray]],
    selection: Selection = EVERYTHING,
) -> Proposals:
    """The same of answers (N, h, w) that are given, as `answers_to` and `adaptive_answers` give them."""
    score = selection.score
    gathered: list[Masks] = []
    ranks: list[Values] = []
    clicks: list[Click] = []
    thresholds: list[float] = []
    for batch, probabilities in answers:
        flat = probabilities.reshape(len(batch), -1)
        predicted = encoded.scores(batch) if score is None and isinstance(encoded, ScoresMasks) else None
        for level in selection.levels:
            gathered.append(Masks.from_dense(probabilities > level))
            cut = np.full(len(batch), level, np.float32)
            equal = np.ones(flat.shape[1], np.float32)
            ranks.append((score or expected_iou)(flat, equal, cut) if predicted is None else predicted)
            clicks += batch
            thresholds += [level] * len(batch)
    if not gathered:
        return Proposals(Masks.none(encoded.shape), np.zeros(0, np.float32), [])
    masks, scores = Masks.concatenate(gathered), np.concatenate(ranks)
    height, width = encoded.shape
    smallest = selection.min_area * masks.shape[0] * masks.shape[1] / (height * width)
    large = np.flatnonzero((masks.areas >= max(smallest, 1)) & (scores >= selection.min_score))
    order = large[chosen(selection, masks[large], scores[large], np.ones(len(large), np.int64))]
    kept: list[int] = []

    def at_full_size() -> Iterator[MaskArray]:
        for index in order.tolist():
            if len(kept) == selection.max_proposals:
                return
            mask = encoded.probability([clicks[index]]) > thresholds[index]
            if np.count_nonzero(mask) >= max(selection.min_area, 1):
                kept.append(index)
                yield mask

    full = Masks.from_dense(at_full_size(), encoded.shape)
    return Proposals(full, scores[kept], [clicks[i] for i in kept])


def region_clicks(encoded: AnswersByRegion) -> list[Click]:
    """A positive click in every region that has a pixel, near its centre of gravity.

    It is in the middle of one of the region's pixels at the segmentor's own resolution; a region that its finer borders
    leave none of these gets its first pixel of the original image.
    """
    (height, width), (h, w) = encoded.shape, encoded.region_map.shape
    rows, columns = ((2 * np.arange(few) + 1) * many // (2 * few) for few, many in ((h, height), (w, width)))
    flat, here = encoded.region_map.ravel(), encoded.fine_map[rows][:, columns].ravel()
    areas = np.bincount(flat)
    places = [axis.ravel() for axis in np.indices((h, w), np.float32)]
    offset = sum((place - (np.bincount(flat, place) / areas).astype(np.float32)[flat]) ** 2 for place in places)
    offset = np.where(here == flat, offset, np.float32(np.inf))
    least = np.full(len(areas), np.inf, np.float32)
    np.minimum.at(least, flat, offset)
    nearest = np.flatnonzero((offset == least[flat]) & np.isfinite(offset))
    found, first = np.unique(flat[nearest], return_index=True)
    chosen = {
        region: (int(rows[pixel // w]), int(columns[pixel % w]))
        for region, pixel in zip(found.tolist(), nearest[first].tolist(), strict=True)
    }
    for region in set(range(len(areas))) - chosen.keys():
        inside = encoded.fine_map == region
        if inside.any():
            row, column = np.unravel_index(np.argmax(inside), inside.shape)
            chosen[region] = int(row), int(column)
    return [Click.at_pixel(*chosen[region]) for region in sorted(chosen)]


def _of_regions(encoded: AnswersByRegion, clicks: Sequence[Click], selection: Selection) -> Proposals:
    levels = selection.levels
    regions = np.array([encoded.fine_map[click.pixel] for click in clicks], dtype=np.intp)
    _, first = np.unique(regions, return_index=True)
    first.sort()
    rows = encoded.answers[:, regions[first]].astype(np.float32) / np.float32(CERTAIN)
    rows[:, np.arange(len(first)), regions[first]] = np.maximum(rows[:, np.arange(len(first)), regions[first]], SURE)
    probabilities = np.tile(rows.reshape(-1, rows.shape[2]), (len(levels), 1))
    thresholds = np.repeat(np.asarray(levels, np.float32), len(probabilities) // len(levels))
    of_click = np.tile(first, len(probabilities) // len(first))
    unions = Unions(encoded.fine_map, probabilities > thresholds[:, None])
    if selection.score is None:
        rated = encoded.ratings[:, regions[first]].astype(np.float32) / np.float32(CERTAIN)
        scores = np.tile(rated.ravel(), len(levels))
    else:
        scores = selection.score(probabilities, unions.region_areas, thresholds)
    large = np.flatnonzero((unions.areas >= max(selection.min_area, 1)) & (scores >= selection.min_score))
    distinct, times = _distinct(unions.members[large], scores[large])
    large = large[distinct]
    kept = large[chosen(selection, unions[large], scores[large], times)[: selection.max_proposals]]
    return Proposals(unions[kept].masks(), scores[kept], [clicks[i] for i in of_click[kept].tolist()])


def _distinct(members: NDArray[np.bool_], scores: Values) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Of those rows that are the same the index of the best, the first of equals, ascending; and how many there are."""
    if not len(members):
        return np.zeros(0, np.intp), np.zeros(0, np.int64)
    order = np.argsort(-scores, kind="stable")
    packed = np.packbits(members[order], axis=1)
    rows = packed.view([("", np.void, packed.shape[1])]).ravel()
    _, first, times = np.unique(rows, return_index=True, return_counts=True)
    best = order[first]
    ascending = np.argsort(best)
    return best[ascending], times[ascending].astype(np.int64)
