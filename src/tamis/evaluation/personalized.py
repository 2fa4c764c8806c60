"""Scores of personalised segmentation, by the rules of three peers, which differ: their numbers go in no one table.

| protocol | targets | image | mIoU |
|---|---|---|---|
| `perseg` (Personalize-SAM `eval_miou.py`) | all but 00 | as it is | per object Σ intersection / Σ union, then mean |
| `pdm` (PDM `pdm_permis.py`) | frame 1 | square *by the truth*, 512² | Σ intersection / Σ union of all |
| `insid3` (INSID3 `datasets/permis.py`) | frames 1, 2 | as it is | Σ intersection / Σ union of all |
| `tamis` | all | as it is | mean of the images' IoUs |
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tamis.arrays import ImageArray, MaskArray
from tamis.errors import InputError

PROTOCOLS = ("tamis", "perseg", "pdm", "insid3")

OF_DATASET = {
    "perseg": ("perseg", "tamis"),
    "permis": ("insid3", "pdm", "tamis"),
    "davis": ("tamis",),
    "instances": ("tamis",),
}
"""The protocols that a dataset can be measured by, the usual one first."""

LEAST_SHARE, SQUARE = 0.005, 512
"""PDM: smaller masks are left out, as a share of the square; its side in pixels."""


@dataclass(frozen=True)
class Counts:
    """Pixels of one target, and of its boundary.

    Attributes:
        intersection: of the mask that was found with the true one.
        union: of the two.
        truth: of the true one.
        boundary_intersection: of the two boundaries.
        boundary_union: of the two boundaries.
    """

    intersection: int
    union: int
    truth: int
    boundary_intersection: int
    boundary_union: int

    @property
    def iou(self) -> float:
        """1 where both are empty."""
        return self.intersection / self.union if self.union else 1.0


def counts_of(found: MaskArray, truth: MaskArray) -> Counts:
    """Compare two masks (H, W) bool."""
    edges, true_edges = boundary_of(found), boundary_of(truth)
    numbers = (found & truth, found | truth, truth, edges & true_edges, edges | true_edges)
    return Counts(*(int(np.count_nonzero(each)) for each in numbers))


def boundary_of(mask: MaskArray) -> MaskArray:
    """(H, W) bool: the pixels of a mask within 2 % of the diagonal of its border, the image's frame a border too.

    As Cheng et al., Boundary IoU, CVPR 2021: mask − erosion by d rounds of 3 × 3, d = max(1, round(.02 · diagonal)).
    """
    import cv2

    distance = max(1, round(0.02 * float(np.hypot(*mask.shape))))
    padded = np.pad(mask.astype(np.uint8), 1)
    eroded = cv2.erode(padded, np.ones((3, 3), np.uint8), iterations=distance)
    return np.asarray(mask & (eroded[1:-1, 1:-1] == 0))


def summary_of(objects: Sequence[str], counts: Sequence[Counts]) -> dict[str, Any]:
    """Every mean that a peer reports, by its own name.

    Args:
        objects: of each target.
        counts: of each target.

    Raises:
        InputError: there is no target.
    """
    if not counts:
        raise InputError("no target is left to measure: masks are missing, or smaller than the protocol takes")
    table = np.array([[*vars(each).values()] for each in counts], np.float64)
    names = np.array(objects)
    sums = np.stack([table[names == name].sum(axis=0) for name in dict.fromkeys(objects)])
    with np.errstate(invalid="ignore", divide="ignore"):
        by_object = np.where(sums[:, 1] > 0, sums[:, 0] / sums[:, 1], 1.0)
        accuracy = sums[:, 0] / sums[:, 2]
        boundary = np.where(sums[:, 4] > 0, sums[:, 3] / sums[:, 4], 1.0)
    total = table.sum(axis=0)
    return {
        "images": len(counts),
        "objects": len(sums),
        "image_miou": float(np.mean([each.iou for each in counts])),
        "total_iou": float(total[0] / total[1]) if total[1] else 1.0,
        "object_miou": float(by_object.mean()),
        "object_macc": float(np.nanmean(accuracy)) if np.isfinite(accuracy).any() else None,
        "object_biou": float(boundary.mean()),
        "by_object": {name: float(iou) for name, iou in zip(dict.fromkeys(objects), by_object, strict=True)},
    }


HEADLINE = {"tamis": "image_miou", "perseg": "object_miou", "pdm": "total_iou", "insid3": "total_iou"}
"""Which of the means a protocol calls mIoU."""


def squared(image: ImageArray, mask: MaskArray) -> tuple[ImageArray, MaskArray]:
    """PDM's crop: a square of the short side, in the middle but moved sideways to hold the object, brought to 512².

    It is told where the object is by the truth, of targets too: figures of this protocol are flattered by it.

    Args:
        image: (H, W, 3) uint8 RGB.
        mask: (H, W) bool.
    """
    import cv2

    height, width = mask.shape
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    columns = np.flatnonzero(mask.any(axis=0))
    if len(columns):
        first, last = int(columns[0]), int(columns[-1])
        if first < left:
            left = first
        elif last >= left + side:
            left = last + 1 - side
        left = min(max(left, 0), width - side)
    part = slice(top, top + side), slice(left, left + side)
    size = (SQUARE, SQUARE)
    small = cv2.resize(image[part], size, interpolation=cv2.INTER_LINEAR)
    drawn = cv2.resize(mask[part].astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    return np.asarray(small, np.uint8), np.asarray(drawn > 0)
