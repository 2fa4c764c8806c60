"""What travels between formats: images, and masks with labels."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import numpy as np

from tamis.errors import InputError
from tamis.mask import Masks, iou_matrix

Pixels = Literal["none", "copy", "link"]
"""What becomes of the images of an export: nothing, copies, or links to them."""

SPLITS = ("train", "val", "test")

LONGEST_VALUE = 1000
"""Characters of an attribute or a tag."""

MOST_VALUES = 200
"""Attributes of a mask, tags of an image."""


@dataclass(frozen=True)
class ImageRecord:
    """One image and its masks.

    Attributes:
        name: path below the folder of images, with forward slashes.
        masks: N masks.
        labels: N names.
        complete: whether somebody has said that there is no more to be drawn on it.
        attributes: of each mask, by name: text, numbers, true or false; empty if no mask has any.
        tags: of the image as a whole.
        split: "train", "val" or "test"; "" where there is no split.
    """

    name: str
    masks: Masks
    labels: tuple[str, ...]
    complete: bool = True
    attributes: tuple[Mapping[str, Any], ...] = ()
    tags: tuple[str, ...] = ()
    split: str = ""

    def attributes_of(self, mask: int) -> Mapping[str, Any]:
        """Of the mask with this number, from 0."""
        return self.attributes[mask] if self.attributes else {}

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
        numbers: of labels in files that they came from, by the family of formats ("coco", "yolo").
        pixels: what becomes of the images themselves: nothing, copies, or links to them.
        kinds: of attributes, by label and name: a list of choices, "yes/no", "number" or "text".
    """

    labels: tuple[str, ...]
    images: tuple[ImageRecord, ...]
    folder: Path | None = None
    numbers: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    pixels: Pixels = "none"
    kinds: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def numbered(self, family: str, first: int) -> dict[str, int]:
        """The number of each label in a family of formats: the one that it came with, or the next that is free.

        Args:
            family: of formats.
            first: the number that the first label gets if it has none.
        """
        theirs = self.numbers.get(family, {})
        numbers = {label: theirs[label] for label in self.labels if label in theirs}
        free = (number for number in count(first) if number not in set(numbers.values()))
        given = {label: next(free) for label in self.labels if label not in numbers}
        every = numbers | given
        return {label: every[label] for label in sorted(self.labels, key=every.__getitem__)}

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that the images are in, in the usual order; empty without any."""
        there = {image.split for image in self.images}
        return tuple(split for split in SPLITS if split in there)

    def part(self, split: str) -> "Dataset":
        """The images of a split, as a dataset without one."""
        images = tuple(replace(image, split="") for image in self.images if image.split == split)
        return replace(self, images=images)

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
