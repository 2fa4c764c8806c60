"""Any folder of images beside a folder of masks with the same names."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Literal

import numpy as np

from tamis.arrays import LabelArray
from tamis.datasets.listing import Files, LayoutError, Listing, files_in, folders_in, pair, require_folder
from tamis.datasets.maskfile import any_channel_target, half_target, label_targets, read_labels
from tamis.datasets.protocol import Target
from tamis.datasets.splits import TRAINING, VALIDATION, every_tenth

IMAGE_FOLDERS = ("images", "image", "imgs", "img", "im", "JPEGImages", "photos", "data")
MASK_FOLDERS = (
    "masks",
    "mask",
    "gt",
    "labels",
    "Annotations",
    "annotations",
    "segmentations",
    "SegmentationObject",
    "groundtruth",
)
"""What the two folders may be called, whatever the case; the first pair that is there is taken."""


@dataclass(frozen=True)
class Rules:
    """How the masks of a folder are meant.

    Attributes:
        kind: `labels`, a target for each value; `half`, one target, from half of the file's largest value on; `any`,
            one target, wherever a channel is above 0.
        background: the label that is no target; None where each is one.
        ignore: the label whose pixels do not count.
        parts: whether each connected part (by 8 neighbours) of a label is a target, as LABEL/PART, the largest first.
        pairs: folders of images and of masks, {split} standing for the split; any of the usual names by default.
        ending: what the name of a mask has after that of its image.
    """

    kind: Literal["labels", "half", "any"] = "labels"
    background: int | None = 0
    ignore: int | None = None
    parts: bool = False
    pairs: tuple[tuple[str, str], ...] = tuple(product(IMAGE_FOLDERS, MASK_FOLDERS))
    ending: str = ""


def open_folder(root: Path, split: str, rules: Rules = Rules()) -> Listing:
    """Images and masks with the same path in their folders.

    Args:
        root: with the two folders, or with a folder for each split that has them.
        split: "" for everything, the name of a folder, `val10` or `train90`.
        rules: how the masks are meant.
    """
    images, masks, inner = _find(root, split, rules)
    found, annotated = files_in(images, deep=True), files_in(masks, deep=True)
    paths = found.paths
    if inner in (VALIDATION, TRAINING):
        paths = dict(every_tenth(paths.items(), held_out=inner == VALIDATION))
    elif inner:
        paths = {name: path for name, path in paths.items() if name.startswith(f"{inner}/")}
    # Masks of the other part of the folder are not without images: they are not asked for.
    others = found.paths.keys() - paths.keys()
    named = {_without(name, rules.ending): path for name, path in annotated.paths.items()}
    wanted = {
        name: path
        for name, path in named.items()
        if name not in others and (inner in ("", VALIDATION, TRAINING) or name.startswith(f"{inner}/"))
    }
    return pair(Files(paths, found.repeated), wanted, partial(mask_targets, rules), annotated.repeated)


def splits_in(root: Path, rules: Rules = Rules()) -> tuple[str, ...]:
    """The folders that a split may name: those inside the folder of images, or those that have one."""
    require_folder(root)
    here = _pair_in(root, "", rules)
    if here is None:
        return tuple(folder.name for folder in folders_in(root) if _pair_in(folder, "", rules))
    inside = {folder.name for folder in folders_in(here[1])}
    return tuple(folder.name for folder in folders_in(here[0]) if folder.name in inside)


def mask_targets(rules: Rules, path: Path) -> Iterator[Target]:
    """The targets of a mask file.

    Args:
        rules: how it is meant; a JPEG, whose values are not exact, is always of kind `half` unless `any` is asked for.
        path: the file.

    Raises:
        InputError: the file is missing or damaged.
    """
    if rules.kind == "any":
        return any_channel_target(path)
    if rules.kind == "half" or path.suffix.lower() in (".jpg", ".jpeg"):
        return half_target(path)
    labels = read_labels(path)
    if rules.parts:
        return part_targets(labels, rules)
    return label_targets(labels, rules.background, rules.ignore)


def part_targets(labels: LabelArray, rules: Rules) -> Iterator[Target]:
    """A target for each connected part of each label.

    Args:
        labels: (H, W) integers.
        rules: what is background and what is ignored.
    """
    from tamis.mask import components

    for target in label_targets(labels, rules.background, rules.ignore):
        parts = components(target.mask, connectivity=8)
        for number, part in enumerate(parts, start=1):
            yield Target(f"{target.id}/{number}", part, target.valid)
        if not len(parts):
            yield Target(target.id, np.zeros(labels.shape, np.bool_), target.valid)


def _find(root: Path, split: str, rules: Rules) -> tuple[Path, Path, str]:
    """The folders of images and of masks, and what of them the split asks for."""
    require_folder(root)
    here = _pair_in(root, split, rules)
    if here:
        inner = split not in ("", VALIDATION, TRAINING) and not any("{split}" in images for images, _ in rules.pairs)
        if inner:
            require_folder(here[0] / split)
        return *here, split if inner or split in (VALIDATION, TRAINING) else ""
    if split and (root / split).is_dir():
        inside = _pair_in(root / split, "", rules)
        if inside:
            return *inside, ""
    pairs = list(dict.fromkeys(rules.pairs))
    few = ", ".join(f"{images} and {masks}" for images, masks in pairs[:2])
    raise LayoutError(f"{root}: there is no folder of images beside one of masks, such as {few}")


def _pair_in(root: Path, split: str, rules: Rules) -> tuple[Path, Path] | None:
    names = {folder.name.lower(): folder for folder in folders_in(root)}
    for images, masks in rules.pairs:
        found = [_folder(root, place.format(split=split), names) for place in (images, masks)]
        if found[0] and found[1]:
            return found[0], found[1]
    return None


def _folder(root: Path, place: str, names: dict[str, Path]) -> Path | None:
    """A folder, whose name, where it is one of the root's own, may be written in any case."""
    path = root / place if "/" in place else names.get(place.lower(), root / place)
    return path if path.is_dir() else None


def _without(name: str, ending: str) -> str:
    return name.removesuffix(ending) if ending else name
