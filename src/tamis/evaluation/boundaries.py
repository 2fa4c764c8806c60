"""How well borders are found, by the rules of BSDS500: precision, recall and F over thresholds.

Arbeláez et al., "Contour detection and hierarchical image segmentation", PAMI 2011, and the programs of the benchmark
(`correspondPixels`, `boundaryPR_image`). A pixel of a border may lie .0075 of the image's diagonal away from the truth,
and answers for one pixel of each annotator; a found pixel is right if it does so for any of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TOLERANCE = 0.0075
"""Share of the diagonal."""

THRESHOLDS = np.arange(1, 34) / 34
"""The benchmark takes 99; a third of them changes the best F by less than .001."""

ON_THE_SPOT = 1e-3
"""Pixels added to every distance, since a sparse matrix does not keep pairs that cost nothing."""


@dataclass(frozen=True)
class BorderCounts:
    """What was found of one image, for T thresholds.

    Attributes:
        matched_truth: (T,) pixels of all annotators' borders that were found.
        truth: pixels of all annotators' borders.
        matched_found: (T,) found pixels that some annotator drew.
        found: (T,) found pixels.
    """

    matched_truth: NDArray[np.int64]
    truth: int
    matched_found: NDArray[np.int64]
    found: NDArray[np.int64]

    @property
    def f(self) -> NDArray[np.float64]:
        """(T,) the harmonic mean of precision and recall."""
        return _f(self.matched_truth, self.truth, self.matched_found, self.found)


def best_f(counts: Sequence[BorderCounts]) -> tuple[float, float]:
    """ODS and OIS: the best F with one threshold for all images, and with the best threshold of each."""
    truth = sum(each.truth for each in counts)
    sums = [np.sum([getattr(c, name) for c in counts], axis=0) for name in ("matched_truth", "matched_found", "found")]
    ods = _f(sums[0], truth, sums[1], sums[2]).max()
    best = [int(each.f.argmax()) for each in counts]
    own = [
        np.array([sum(int(getattr(c, name)[t]) for c, t in zip(counts, best, strict=True))])
        for name in ("matched_truth", "matched_found", "found")
    ]
    return float(ods), float(_f(own[0], truth, own[1], own[2])[0])


def border_counts(
    strength: NDArray[np.float32],
    truths: Sequence[NDArray[np.bool_]],
    thresholds: NDArray[np.float64] = THRESHOLDS,
    tolerance: float = TOLERANCE,
) -> BorderCounts:
    """Compare borders with those that people drew.

    Args:
        strength: (H, W) in [0, 1], how surely a border passes a pixel; thick ridges are thinned here.
        truths: (H, W) bool of each annotator, one pixel wide.
        thresholds: (T,) of strength.
        tolerance: share of the diagonal.
    """
    from skimage.morphology import thin

    ridge = thinned(strength)
    reach = tolerance * float(np.hypot(*strength.shape))
    drawn = [np.argwhere(truth) for truth in truths]
    totals = np.zeros((3, len(thresholds)), np.int64)
    for number, threshold in enumerate(thresholds):
        places = np.argwhere(thin(ridge >= threshold))  # type: ignore[no-untyped-call]
        right = np.zeros(len(places), bool)
        for truth in drawn:
            pairs = matched(places, truth, reach)
            right[pairs] = True
            totals[0, number] += len(pairs)
        totals[1:, number] = np.count_nonzero(right), len(places)
    return BorderCounts(totals[0], sum(map(len, drawn)), totals[1], totals[2])


def matched(places: NDArray[np.int64], others: NDArray[np.int64], reach: float) -> NDArray[np.intp]:
    """Of points (N, 2) the numbers of those that are paired with one of others (M, 2) within reach, at least cost.

    A pair costs its distance, a point without one 100 times the reach, as in the benchmark: as many as can be are
    paired.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching
    from scipy.spatial import KDTree

    if not len(places) or not len(others):
        return np.zeros(0, np.intp)
    near = KDTree(others).sparse_distance_matrix(KDTree(places), reach, output_type="coo_matrix")
    alone = np.arange(len(others))  # a column of its own for each that stays without a pair
    costs = coo_array(
        (
            np.concatenate([near.data + ON_THE_SPOT, np.full(len(others), 100 * reach)]),
            (np.concatenate([near.row, alone]), np.concatenate([near.col, len(places) + alone])),
        ),
        shape=(len(others), len(places) + len(others)),
    )
    partners = min_weight_full_bipartite_matching(costs.tocsr())[1]
    return np.asarray(partners[partners < len(places)], np.intp)


def thinned(strength: NDArray[np.float32]) -> NDArray[np.float32]:
    """(H, W): strength where it is largest across the border, 0 elsewhere (Canny's suppression of what is not)."""
    import cv2

    smooth = cv2.GaussianBlur(strength.astype(np.float32), (0, 0), 2)
    down, across = (np.asarray(each, np.float32) for each in np.gradient(smooth))
    xx, yy = np.gradient(across, axis=1), np.gradient(down, axis=0)
    xy = np.gradient(across, axis=0)
    angle = (0.5 * np.arctan2(2 * xy, xx - yy)).astype(np.float32)
    # Of the two directions of curvature the one across the ridge bends most, on its slopes upwards.
    bend = xx * np.cos(angle) ** 2 + yy * np.sin(angle) ** 2 + xy * np.sin(2 * angle)
    angle = np.where(np.abs(bend) < np.abs(xx + yy - bend), angle + np.float32(np.pi / 2), angle)
    rows, columns = np.indices(strength.shape, dtype=np.float32)
    kept = np.ones(strength.shape, bool)
    for step in (-1, 1):
        x, y = columns + step * np.cos(angle), rows + step * np.sin(angle)
        beside = cv2.remap(strength, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR)
        kept &= strength * np.float32(1.001) >= beside
    return np.where(kept, strength, 0).astype(np.float32)


def drawn_borders(labels: NDArray[np.integer]) -> NDArray[np.bool_]:
    """(H, W): the borders between the regions of a label map (H, W), one pixel wide, as the benchmark draws them."""
    from skimage.morphology import thin

    change = np.zeros(labels.shape, bool)
    change[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    change[:-1] |= labels[:-1] != labels[1:]
    change[:-1, :-1] |= labels[:-1, :-1] != labels[1:, 1:]
    return np.asarray(thin(change))  # type: ignore[no-untyped-call]


def _f(
    matched_truth: NDArray[np.int64], truth: int, matched_found: NDArray[np.int64], found: NDArray[np.int64]
) -> NDArray[np.float64]:
    recall, precision = matched_truth / max(truth, 1), matched_found / np.maximum(found, 1)
    return np.asarray(2 * precision * recall / np.maximum(precision + recall, 1e-12))
