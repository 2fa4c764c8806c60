"""Photographs with masks: reading the data sets, their splits and their kinds of supervision.

One integer map per annotator says everything: −1 = unknown, 0 = no mask here, 1.. = masks. What 0 means depends on the
kind of supervision (`Kind`).
"""

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ImageArray
from tamis.datasets.splits import every_tenth
from tamis.errors import InputError

Int16Map = NDArray[np.int16]


SPLITS = ("training", "validation", "held-out")


class Kind(Enum):
    """What the pixels outside a clicked mask say."""

    PARTITION = "partition"
    """Every pixel belongs to a mask; several annotators may disagree."""
    INSTANCES = "instances"
    """Objects; a pixel without a mask is outside all of them but may lie on something else."""
    SINGLE = "single"
    """One salient object; what is outside it is, weakly, a mask too."""


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
class Layout:
    """How a data set lies on disk."""

    kind: Kind
    pairs: Callable[[Path, str], list[tuple[Path, list[Path]]]]
    """(root, split) to the image files, each with its map files."""
    components: bool = False
    """Masks are the connected components of the labels."""
    ignore: int | None = None
    """The label that means unknown."""
    partition_from_zero: bool = False
    """Label 0 is a class like the others."""


def read_photographs(name: str, root: Path, split: str, size: int) -> Iterator[Photograph]:
    """The photographs of one split, reduced to `size` pixels on the long side.

    `held-out` are the official test split, or every tenth file of the sorted list where there is none; `validation` is
    the same, but for BSDS500 a tenth of what is not test. Both are never trained on. The photographs of the Berkeley
    benchmark are in no split.

    Args:
        name: a key of `LAYOUTS`, or any name of a folder with a META.json.
        root: folder of the data set.
        split: one of `SPLITS`.
        size: pixels of the longer side; smaller photographs stay as they are; 0 keeps all.

    Raises:
        InputError: the name or split is unknown, or no photograph is found.
    """
    if split not in SPLITS:
        raise InputError(f"split {split!r} is none of {', '.join(SPLITS)}")
    layout = layout_of(name, root)
    pairs = layout.pairs(root, split)
    if not pairs:
        raise InputError(f"no photographs of {name} found in {root}")
    for image_file, map_files in pairs:
        pixels = cv2.imread(str(image_file), cv2.IMREAD_COLOR)
        if pixels is None:
            raise InputError(f"{image_file} cannot be read as an image")
        image = cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)
        maps = tuple(_read_map(file, layout) for file in map_files)
        yield shrink(Photograph(name, image_file.stem, layout.kind, image.astype(np.uint8), maps), size)


def layout_of(name: str, root: Path) -> Layout:
    """How a data set lies on disk: as its own META.json says, or as is known of its name.

    META.json has `kind`, a value of `Kind`, and `unknown`, the label that means unknown or null; images and label maps
    of the same stem lie in `images` and `masks`.

    Raises:
        InputError: nothing is known of the name, or META.json says something else.
    """
    if name in LAYOUTS:
        return LAYOUTS[name]
    file = root / "META.json"
    if not file.is_file():
        known = ", ".join(LAYOUTS)
        raise InputError(f"no layout is known for data set {name!r}: choose from {known}, or write {file}")
    try:
        said = json.loads(file.read_text())
        kind, unknown = Kind(said["kind"]), said.get("unknown")
    except (ValueError, KeyError, TypeError) as error:
        kinds = ", ".join(each.value for each in Kind)
        raise InputError(f"{file} must be JSON with `kind`, one of {kinds}, and `unknown`, a label or null") from error
    return Layout(kind, _same_stem, ignore=unknown)


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


def _read_map(file: Path, layout: Layout) -> Int16Map:
    labels = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
    if labels is None:
        raise InputError(f"{file} cannot be read as a label map")
    if labels.ndim == 3:
        labels = labels[:, :, 0]
    labels = labels.astype(np.int16)
    unknown = labels == layout.ignore if layout.ignore is not None else np.zeros(labels.shape, bool)
    if layout.partition_from_zero:
        labels = labels + np.int16(1)
    if layout.kind is Kind.SINGLE:
        labels = (labels > 0).astype(np.int16)
    if layout.components:
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


def held_out(files: list[Path], split: str) -> list[Path]:
    """Every tenth of the sorted files, or for `training` the others.

    >>> [f.name for f in held_out([Path("b"), Path("a")], "held-out")]
    ['a']
    """
    return every_tenth(sorted(files), held_out=split != "training")


def _same_stem(root: Path, split: str) -> list[tuple[Path, list[Path]]]:
    images = [file for file in (root / "images").glob("*") if file.suffix in {".jpg", ".png", ".webp"}]
    return [(file, [root / "masks" / f"{file.stem}.png"]) for file in held_out(images, split)]


def _bsds500(root: Path, split: str) -> list[tuple[Path, list[Path]]]:
    parts = ("test",) if split == "held-out" else ("train", "val")
    berkeley = root.parent / "berkeley" / "pairs.csv"
    kept_apart: set[str] = set()
    if berkeley.exists():
        with berkeley.open(newline="") as stream:
            kept_apart = {Path(row["image"]).stem for row in csv.DictReader(stream)}
    images = [image for part in parts for image in (root / "images" / part).glob("*.jpg")]
    images = [image for image in images if image.stem not in kept_apart]
    # The official test is for the end: a tenth of the rest says how a run goes.
    chosen = sorted(images) if split == "held-out" else held_out(images, split)
    return [(file, sorted((root / "segments" / file.parent.name).glob(f"{file.stem}_*.png"))) for file in chosen]


def _camvid(root: Path, split: str) -> list[tuple[Path, list[Path]]]:
    parts = ("train", "val") if split == "training" else ("test",)
    return [
        (image, [root / "labels" / part / f"{image.stem}.png"])
        for part in parts
        for image in sorted((root / "images" / part).glob("*.jpg"))
    ]


def _davis(root: Path, split: str) -> list[tuple[Path, list[Path]]]:
    if split == "training":
        raise InputError("davis is a test set: it is never trained on")
    return [
        (image, [root / "Annotations" / "480p" / image.parent.name / f"{image.stem}.png"])
        for image in sorted((root / "JPEGImages" / "480p").glob("*/*.jpg"))
    ]


LAYOUTS: dict[str, Layout] = {
    "bsds500": Layout(Kind.PARTITION, _bsds500),
    "camvid": Layout(Kind.PARTITION, _camvid, components=True, ignore=11, partition_from_zero=True),
    "duts": Layout(Kind.SINGLE, _same_stem),
    "coco_mval": Layout(Kind.INSTANCES, _same_stem),
    "coco128_seg": Layout(Kind.INSTANCES, _same_stem),
    "feral_cats": Layout(Kind.INSTANCES, _same_stem),
    "leeds_butterflies": Layout(Kind.SINGLE, _same_stem),
    "weizmann_horses": Layout(Kind.SINGLE, _same_stem),
    "dsb2018": Layout(Kind.INSTANCES, _same_stem),
    "cwfid": Layout(Kind.INSTANCES, _same_stem, components=True),
    "crackforest": Layout(Kind.SINGLE, _same_stem),
    "davis": Layout(Kind.SINGLE, _davis),
}
"""The data sets that can be trained on or measured, by name."""
