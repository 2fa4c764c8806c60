"""Masks that are unions of regions, compared without looking at a pixel."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tamis.mask import Masks, masks_from_unions
from tamis.mask.labels import label_areas

_CHUNK = 64


@dataclass(frozen=True, eq=False)
class Unions:
    """N masks over the R regions of one label map.

    Attributes:
        labels: (H, W) integers, 0 to R - 1.
        members: (N, R) bool, which regions each mask has.
    """

    labels: NDArray[np.integer]
    members: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.members)

    def __getitem__(self, chosen: NDArray[np.integer]) -> "Unions":
        part = Unions(self.labels, self.members[chosen])
        part.__dict__.update(region_areas=self.region_areas, areas=self.areas[chosen])  # not counted again
        return part

    @cached_property
    def region_areas(self) -> NDArray[np.float32]:
        """(R,) float32: pixels of each region."""
        return label_areas(self.labels, self.members.shape[1]).astype(np.float32)

    @cached_property
    def areas(self) -> NDArray[np.int64]:
        """(N,) int64: pixels of each mask."""
        areas = self.region_areas.astype(np.float64)
        # Some at a time: fresh memory for all of them as numbers would take longer than adding them up.
        sums = [self.members[first : first + _CHUNK] @ areas for first in range(0, len(self), _CHUNK)]
        return np.asarray(np.rint(np.concatenate([np.zeros(0), *sums])), np.int64)

    @property
    def boxes(self) -> NDArray[np.int64]:
        """(N, 4) int64: left, top, right, bottom in pixels, right and bottom exclusive; zeros for an empty mask."""
        own = masks_from_unions(self.labels, np.eye(self.members.shape[1], dtype=bool)).boxes
        present = self.members & (self.region_areas > 0)
        far = np.iinfo(np.int64).max
        boxes = np.zeros((len(self), 4), np.int64)
        for side in range(4):
            values = np.where(present, own[:, side], far if side < 2 else 0)
            boxes[:, side] = values.min(axis=1, initial=far) if side < 2 else values.max(axis=1, initial=0)
        boxes[~present.any(axis=1)] = 0
        return boxes

    def masks(self) -> Masks:
        """The same as run lengths."""
        return masks_from_unions(self.labels, self.members)

    def ious(self, others: "Unions | None" = None) -> NDArray[np.float32]:
        """(N, M) float32: the IoU of every mask and each of others over the same map; of every two by default."""
        others = others or self
        shared = (self.members * self.region_areas) @ others.members.T.astype(np.float32)
        areas, theirs = self.areas.astype(np.float32), others.areas.astype(np.float32)
        return np.asarray(shared / np.maximum(areas[:, None] + theirs - shared, 1), np.float32)

    def nms(
        self, scores: NDArray[np.floating], max_iou: float = 0.7, max_containment: float | None = None
    ) -> NDArray[np.int64]:
        """Greedy suppression with the meaning of `tamis.mask.nms`: the masks to keep, best first.

        Args:
            scores: (N,), the higher the better; the earlier of equals first.
            max_iou: a mask whose IoU with a kept one is larger is removed.
            max_containment: a mask of which a larger share lies inside a kept one is removed too.
        """
        order = np.argsort(-np.asarray(scores, np.float64), kind="stable")
        members, areas = self.members.astype(np.float32), self.areas.astype(np.float64)
        weighted = members * self.region_areas

        def gone(those: NDArray[np.int64], rivals: NDArray[np.int64]) -> NDArray[np.bool_]:
            shared = weighted[those] @ members[rivals].T
            # Divided as `tamis.mask.nms` does, so that what lies on the threshold falls on the same side of it.
            beyond = shared / np.maximum(areas[those][:, None] + areas[rivals] - shared, 1) > max_iou
            if max_containment is not None:
                beyond |= shared / np.maximum(areas[those][:, None], 1) > max_containment
            return np.asarray(beyond)

        kept = np.zeros(0, np.int64)
        for first in range(0, len(order), _CHUNK):
            chunk = order[first : first + _CHUNK]
            chunk = chunk[~gone(chunk, kept).any(axis=1)]
            among = gone(chunk, chunk)
            alive = np.zeros(len(chunk), bool)
            for row in range(len(chunk)):
                alive[row] = not (among[row] & alive).any()
            kept = np.concatenate([kept, chunk[alive]])
        return kept
