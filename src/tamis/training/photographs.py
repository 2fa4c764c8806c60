"""Photographs with masks: reading the data sets, their splits and their kinds of supervision.

One integer map per annotator says everything: −1 = unknown, 0 = no mask here, 1.. = masks. What 0 means depends on the
kind of supervision (`Kind`).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ImageArray
from tamis.datasets import Sample, find_dataset, open_dataset, splits_of
from tamis.datasets.described import META, read_meaning
from tamis.datasets.listing import IMAGES_WITHOUT_MASKS
from tamis.datasets.supervision import Kind, Supervision
from tamis.errors import InputError

Int16Map = NDArray[np.int16]

SPLITS = ("training", "validation", "held-out")


@dataclass(frozen=True, slots=True)
class Photograph:
    """One photograph with all that annotators said about it."""

    dataset: str
    name: str
    kind: Kind
    image: ImageArray
    """(H, W, 3) uint8 RGB."""
    maps: tuple[Int16Map, ...]
    """One (H, W) int16 map per annotator: −1 unknown, 0 no mask, 1.. masks."""


@dataclass(frozen=True, slots=True)
class Labels:
    """How the label maps of a data set become masks, besides what its kind of supervision says."""

    components: bool = False
    """Masks are the connected components of the labels."""
    ignore: int | None = None
    """The label that means unknown."""
    partition_from_zero: bool = False
    """Label 0 is a class like the others."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What is known of a data set before it is opened."""

    dataset: str
    """Its name in `tamis.datasets`, which lists the photographs of each split."""
    supervision: Supervision
    labels: Labels


def read_photographs(
    name: str, root: Path, split: str, size: int, choose: Callable[[Sequence[Sample]], Sequence[Sample]] = list
) -> Iterator[Photograph]:
    """The photographs of one split, reduced to `size` pixels on the long side.

    Which splits of the data set these are stands in its `Supervision` in `tamis.datasets.catalogue`: `held-out` is the
    one that is evaluated, and neither it nor `validation` is ever trained on.

    Args:
        name: a key of `LABELS`, or any name of a folder with a META.json.
        root: folder of the data set.
        split: one of `SPLITS`.
        size: pixels of the longer side; smaller photographs stay as they are; 0 keeps all.
        choose: which of them.

    Raises:
        InputError: the name or split is unknown, no photograph is found, or one has no masks.
    """
    layout, samples = layout_of(name, root), samples_of(name, root, split)
    for sample in choose(samples):
        pixels = cv2.imread(str(sample.image_path), cv2.IMREAD_COLOR)
        if pixels is None:
            raise InputError(f"{sample.image_path} cannot be read as an image")
        image = cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)
        kind = layout.supervision.kind
        maps = tuple(_read_map(file, kind, layout.labels) for file in sample.mask_paths)
        yield shrink(Photograph(name, sample.image_path.stem, kind, image.astype(np.uint8), maps), size)


def samples_of(name: str, root: Path, split: str) -> list[Sample]:
    """The images of one split and their label maps, of which nothing is read yet; as `read_photographs` has them.

    Raises:
        InputError: the name or split is unknown, no photograph is found, or one has no masks.
    """
    if split not in SPLITS:
        raise InputError(f"split {split!r} is none of {', '.join(SPLITS)}")
    layout = layout_of(name, root)
    try:
        parts = _parts(layout, root, split)
        datasets = [open_dataset(layout.dataset, root, part) for part in parts]
    except InputError as error:
        raise InputError(f"no photographs of {name} for {split}: {error}") from error
    missing = [each for dataset in datasets for each in dataset.unmatched.get(IMAGES_WITHOUT_MASKS, ())]
    if missing:
        raise InputError(f"{root}: {len(missing)} images of {name} have no masks, such as {missing[0]}; remove them")
    return [sample for dataset in datasets for sample in dataset.samples]


def layout_of(name: str, root: Path) -> Layout:
    """What is known of a data set by its name, or what its META.json says (`tamis.datasets.described`).

    Raises:
        InputError: nothing is known of the name, or META.json says something else.
    """
    if name in LABELS:
        entry = find_dataset(name.replace("_", "-"))
        assert entry.supervision is not None, "a test holds that each can be trained on"
        return Layout(entry.name, entry.supervision, LABELS[name])
    if not (root / META).is_file():
        known = ", ".join(LABELS)
        raise InputError(f"no layout is known for data set {name!r}: choose from {known}, or write {root / META}")
    meaning = read_meaning(root)
    return Layout("folder-described", Supervision(meaning.kind), Labels(ignore=meaning.unknown))


def _parts(layout: Layout, root: Path, split: str) -> tuple[str, ...]:
    """The names that the splits have in `tamis.datasets`."""
    supervision = layout.supervision
    if split == "training":
        if not supervision.training:
            raise InputError(f"{layout.dataset} is a test set: it is never trained on")
        return supervision.training
    part = supervision.validation if split == "validation" else supervision.held_out
    return (part if part is not None else splits_of(find_dataset(layout.dataset), root)[0],)


def shrink(photograph: Photograph, size: int) -> Photograph:
    """The photograph with at most `size` pixels on the long side (0: unchanged); maps by nearest neighbour."""
    height, width = photograph.image.shape[:2]
    if not size or max(height, width) <= size:
        return photograph
    ratio = size / max(height, width)
    shape = max(1, round(width * ratio)), max(1, round(height * ratio))
    image = cv2.resize(photograph.image, shape, interpolation=cv2.INTER_AREA)
    maps = tuple(cv2.resize(m, shape, interpolation=cv2.INTER_NEAREST_EXACT).astype(np.int16) for m in photograph.maps)
    return Photograph(photograph.dataset, photograph.name, photograph.kind, image.astype(np.uint8), maps)


def _read_map(file: Path, kind: Kind, rules: Labels) -> Int16Map:
    labels = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
    if labels is None:
        raise InputError(f"{file} cannot be read as a label map")
    if labels.ndim == 3:
        labels = labels[:, :, 0]
    labels = labels.astype(np.int16)
    unknown = labels == rules.ignore if rules.ignore is not None else np.zeros(labels.shape, bool)
    if rules.partition_from_zero:
        labels = labels + np.int16(1)
    if kind is Kind.SINGLE:
        labels = (labels > 0).astype(np.int16)
    if rules.components:
        labels = connected(np.where(unknown, 0, labels).astype(np.int16))
    return np.where(unknown, np.int16(-1), labels).astype(np.int16)


def connected(labels: Int16Map) -> Int16Map:
    """The 8-connected components of each label above 0, numbered from 1; (H, W) int16.

    >>> connected(np.array([[3, 0, 3, 5]], np.int16)).tolist()
    [[1, 0, 2, 3]]
    """
    result = np.zeros(labels.shape, np.int16)
    count = 0
    for label in np.unique(labels[labels > 0]):
        found, parts = cv2.connectedComponents((labels == label).astype(np.uint8), connectivity=8)
        result = np.where(parts > 0, parts + count, result).astype(np.int16)
        count += found - 1
    return result


LABELS: dict[str, Labels] = {
    "bsds500": Labels(),
    "camvid": Labels(components=True, ignore=11, partition_from_zero=True),
    "duts": Labels(),
    "coco_mval": Labels(),
    "coco128_seg": Labels(),
    "feral_cats": Labels(),
    "leeds_butterflies": Labels(),
    "weizmann_horses": Labels(),
    "dsb2018": Labels(),
    "cwfid": Labels(components=True),
    "crackforest": Labels(),
    "davis": Labels(),
}
"""The data sets that can be trained on or measured, by name: those of the catalogue, with _ for -.

Label maps are read here, not as the targets of `tamis.datasets`: an annotator's masks stay one map, a soft edge belongs
to the object (evaluation takes the half), and classes are parted.
"""
