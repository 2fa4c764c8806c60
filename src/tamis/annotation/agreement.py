"""A second, blind annotation of a share of the images, and how well it agrees with the first."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from tamis.annotation.database import open_database
from tamis.annotation.fold import STATES
from tamis.annotation.project import HOME, AnnotatedImage, Project, open_project
from tamis.mask import iou_matrix

FILE = "second.sqlite"
"""Of the second annotation, beside the first."""

PAIR = 0.5
"""IoU from which two masks are of the same object."""

ENDED = tuple(state for state in STATES if state in ("done", "reviewed"))


def in_share(name: str, share: float, seed: int = 0) -> bool:
    """Whether an image is annotated twice: the same images for everybody, whenever they come into the folder.

    >>> sum(in_share(f"{i}.jpg", 0.25) for i in range(1000)) in range(200, 300)
    True
    """
    digest = hashlib.sha256(f"{seed} {name}".encode(errors="replace")).digest()
    return int.from_bytes(digest[:8]) < share * 2**64


def open_second(first: Project, share: float, user: str) -> Project:
    """The second annotation of a project: a database of its own, with the labels of the first and none of its masks.

    Raises:
        InputError: no image is in the share.
    """
    labels = [label.name for label in first.labels()]
    file = first.folder / HOME / FILE
    return open_project(
        first.folder, str(file), labels, user, max_pixels=first.max_pixels, chosen=lambda name: in_share(name, share)
    )


@dataclass
class Count:
    """Masks of a label in both annotations, and the IoU of those that are pairs."""

    first: int = 0
    second: int = 0
    ious: list[float] = field(default_factory=list)

    def described(self, label: str) -> dict[str, Any]:
        """For JSON."""
        both = self.first + self.second
        return {
            "label": label,
            "first": self.first,
            "second": self.second,
            "pairs": len(self.ious),
            "iou": float(np.mean(self.ious)) if self.ious else None,
            "f1": 2 * len(self.ious) / both if both else None,
        }


def agreement(first: Project) -> dict[str, Any] | None:
    """How well the second annotation agrees with the first, over images that both have finished; None without any.

    Masks of the same image and label are matched so that the sum of their IoU is largest (Kuhn, 1955); a pair counts
    from an IoU of `PAIR`. `iou` is the mean over pairs, `f1` twice the pairs over the masks of both.
    """
    file = first.folder / HOME / FILE
    if not file.is_file() or first.database.file == file:
        return None
    mine = {image.name: image for image in first.images() if image.state in ENDED}
    database = open_database(str(file), create=False)
    try:
        theirs = [image for image in Project(first.folder, database).images() if image.state in ENDED]
    finally:
        database.close()
    counts: dict[str, Count] = {}
    total = Count()
    images = 0
    for image in theirs:
        if image.name in mine and mine[image.name].shape == image.shape:
            images += 1
            _compare(mine[image.name], image, counts, total)
    if not images:
        return None
    per_label = [count.described(label) for label, count in sorted(counts.items())]
    figures = {key: value for key, value in total.described("").items() if key != "label"}
    return {"images": images, **figures, "per_label": per_label}


def _compare(a: AnnotatedImage, b: AnnotatedImage, counts: dict[str, Count], total: Count) -> None:
    for label in sorted({*a.labels, *b.labels}):
        mine, theirs = _of(a.labels, label), _of(b.labels, label)
        ious = iou_matrix(a.masks[mine], b.masks[theirs])
        rows, columns = linear_sum_assignment(-ious)
        pairs = [float(value) for value in ious[rows, columns] if value >= PAIR]
        for count in (counts.setdefault(label, Count()), total):
            count.first += sum(mine)
            count.second += sum(theirs)
            count.ious += pairs


def _of(labels: Sequence[str], label: str) -> list[bool]:
    return [each == label for each in labels]
