"""What travels between formats: images, and masks with labels."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np

from tamis.errors import InputError
from tamis.mask import Masks, iou_matrix

Shapes = Mapping[str, tuple[int, int]]
"""Names of images, with forward slashes, and their (height, width) in pixels."""


@dataclass(frozen=True)
class ImageRecord:
    """One image and its masks.

    Attributes:
        name: path below the folder of images, with forward slashes.
        masks: N masks.
        labels: N names.
    """

    name: str
    masks: Masks
    labels: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.masks.shape


@dataclass(frozen=True)
class Dataset:
    """Images with masks.

    Attributes:
        labels: names, in the order in which formats number them.
        images: each with its masks.
        folder: where the images lie, for formats that hold their pixels too.
    """

    labels: tuple[str, ...]
    images: tuple[ImageRecord, ...]
    folder: Path | None = None

    @property
    def masks(self) -> int:
        """How many in all."""
        return sum(len(image.masks) for image in self.images)


@dataclass(frozen=True)
class Loss:
    """What a format does not keep: for each mask the IoU with what reading the files again gives."""

    ious: tuple[float, ...] = ()
    note: str = ""

    @property
    def mean(self) -> float:
        """1 where nothing is lost."""
        return float(np.mean(self.ious)) if self.ious else 1.0

    @property
    def worst(self) -> float:
        """Of a single mask; 1 where nothing is lost, 0 where one is not there at all."""
        return min(self.ious, default=1.0)

    def sentence(self) -> str:
        """For people."""
        if self.worst == 1.0:
            return "nothing is lost: every mask can be read back pixel for pixel"
        changed = sum(iou < 1 for iou in self.ious)
        return (
            f"{changed} of {len(self.ious)} masks cannot be kept exactly{self.note}: "
            f"mean IoU {self.mean:.4f}, worst {self.worst:.4f}"
        )


def loss_between(before: Dataset, after: Dataset, note: str = "") -> Loss:
    """How well masks are found again: for each the best IoU with a mask of the same image and label."""
    again = {image.name: image for image in after.images}
    ious: list[float] = []
    for image in before.images:
        found = again.get(image.name)
        for label in dict.fromkeys(image.labels):
            mine = image.masks[[name == label for name in image.labels]]
            theirs = Masks.none(image.shape)
            if found is not None and found.shape == image.shape:
                theirs = found.masks[[name == label for name in found.labels]]
            ious += (iou_matrix(mine, theirs).max(axis=1) if len(theirs) else np.zeros(len(mine))).tolist()
    return Loss(tuple(ious), note)


@dataclass
class Names:
    """Finds a project's images by the names that a file uses: the same path, or a file name that is unique.

    Attributes:
        images: of the project.
        unknown: names that none of them answered to.
    """

    images: Shapes
    unknown: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        by_end: dict[str, list[str]] = {}
        for name in self.images:
            path = PurePosixPath(name)
            for key in {path.name, path.stem, path.with_suffix("").as_posix()} - {name}:
                by_end.setdefault(key, []).append(name)
        self._by_end = {key: names[0] for key, names in by_end.items() if len(names) == 1}

    def find(self, name: str, shape: tuple[int, int] | None = None) -> str | None:
        """The image that a file means, None (and noted) if there is none.

        Args:
            name: a path, a URL or a file name, with or without suffix.
            shape: (height, width) that the file says it has.

        Raises:
            InputError: the image has another size.
        """
        path = PurePosixPath(name.replace("\\", "/").partition("?")[0])
        keys = (path.as_posix(), path.name, path.with_suffix("").as_posix(), path.stem)
        for key in keys:
            found = key if key in self.images else self._by_end.get(key)
            if found is not None:
                height, width = self.images[found]
                if shape is not None and shape != (height, width):
                    raise InputError(
                        f"{name}: is {shape[1]}x{shape[0]} in the file, but {found} has {width}x{height} pixels"
                    )
                return found
        self.unknown.append(name)
        return None


def collected(labels: Iterable[str], found: Iterable[tuple[str, Masks, Sequence[str]]]) -> Dataset:
    """A dataset of parts that may name an image several times, or labels that were not listed."""
    parts: dict[str, list[tuple[Masks, Sequence[str]]]] = {}
    names = dict.fromkeys(labels)
    for name, masks, their_labels in found:
        parts.setdefault(name, []).append((masks, their_labels))
        names.update(dict.fromkeys(their_labels))
    images = [
        ImageRecord(
            name,
            Masks.concatenate([masks for masks, _ in several]),
            tuple(label for _, their_labels in several for label in their_labels),
        )
        for name, several in parts.items()
    ]
    return Dataset(tuple(names), tuple(images))


def require_distinct_stems(dataset: Dataset, out: Path) -> dict[str, str]:
    """What the file of each image is called, without suffix.

    Raises:
        InputError: two images differ in nothing but their suffix.
    """
    stems: dict[str, str] = {}
    for image in dataset.images:
        stem = PurePosixPath(image.name).with_suffix("").as_posix()
        other = stems.setdefault(stem.casefold(), image.name)
        if other != image.name:
            raise InputError(f"{out}: {other} and {image.name} would share one file in this format; rename one of them")
    return {image.name: PurePosixPath(image.name).with_suffix("").as_posix() for image in dataset.images}
