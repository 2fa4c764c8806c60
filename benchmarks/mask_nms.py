"""Greedy suppression of near-duplicate masks, from dense masks to survivors, against pycocotools."""

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as pycocotools

from benchmarks.report import Finding, measure
from benchmarks.segments import overlapping_masks
from benchmarks.timing import alternate
from tamis.mask import Masks, nms

N, IOU, REPEATS = 1024, 0.7, 5


def run(seed: int = 0) -> Finding:
    """Time suppression from dense masks on."""
    dense, source = overlapping_masks(N, seed)
    scores = np.random.default_rng(seed).random(N)

    def ours() -> NDArray[np.int64]:
        return nms(Masks.from_dense(dense), scores, IOU)

    def theirs() -> NDArray[np.int64]:
        return suppressed([pycocotools.encode(np.asfortranarray(mask.view(np.uint8))) for mask in dense], scores)

    kept = ours()
    if not np.array_equal(kept, theirs()):
        raise AssertionError("the survivors differ from those by pycocotools' IoU")
    timing = alternate(ours, theirs, REPEATS)
    return Finding(
        "mask_nms",
        f"Greedy mask NMS of {N:,} masks",
        f"{N:,} masks of {dense.shape[2]}×{dense.shape[1]}, {source}, IoU threshold {IOU}: {len(kept)} survive.",
        "Both start from dense masks, row by row in memory; the survivors are the same.",
        seed,
        ["src/tamis/mask"],
        ["numpy", "pycocotools"],
        [measure("pack and suppress", "pycocotools: encode, iou, greedy loop", timing, 20, 100)],
    )


def suppressed(rles: list[dict[str, object]], scores: NDArray[np.float64]) -> NDArray[np.int64]:
    """The survivors by all pairs' IoU from pycocotools."""
    iou = pycocotools.iou(rles, rles, [0] * len(rles))
    alive, kept = np.ones(len(rles), np.bool_), []
    for i in np.argsort(-scores, kind="stable"):
        if alive[i]:
            kept.append(i)
            alive &= iou[i] <= IOU
    return np.array(kept, np.int64)
