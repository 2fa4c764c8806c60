"""Datasets brought into the layout that readers expect."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tamis.datasets.cocolvis import HIERARCHY, read_roots
from tamis.datasets.links import link
from tamis.datasets.listing import files_in
from tamis.errors import InputError

COCO_FOLDERS = ("train2017", "val2017")


@dataclass(frozen=True)
class Preparation:
    """What became of a split.

    Attributes:
        split: train or val.
        images: how many the annotations need.
        linked: how many links were made this time.
        missing_images: ids whose image is in none of the folders.
        missing_masks: ids without a file of masks.
    """

    split: str
    images: int
    linked: int
    missing_images: tuple[str, ...]
    missing_masks: tuple[str, ...]


def prepare_cocolvis(
    raw: str | Path, root: str | Path, progress: Callable[[str], None] = lambda split: None
) -> list[Preparation]:
    """Give `train/images` and `val/images` a link to each photograph that the annotations need.

    LVIS mixes COCO's train2017 and val2017, so that each photograph is looked for in both. The annotations (`masks` and
    `hannotation.pickle`) are in `root` already, or in `raw/train` and `raw/val`, to which links are made. Safe to
    repeat: what is there is left alone, broken links are made anew.

    Args:
        raw: with `train2017` and `val2017`.
        root: of the dataset to be.
        progress: is told each split as it begins.

    Raises:
        InputError: there are no photographs or no annotations.
        OutputError: a link cannot be made.
    """
    raw, root = Path(raw), Path(root)
    folders = [raw / name for name in COCO_FOLDERS if (raw / name).is_dir()]
    if not folders:
        raise InputError(
            f"{raw}: holds neither train2017 nor val2017; unpack COCO's train2017.zip and val2017.zip there"
        )
    photographs: dict[str, Path] = {}
    for folder in folders:
        photographs |= files_in(folder, {".jpg"}).paths
    prepared = []
    for split in ("train", "val"):
        if not (root / split / HIERARCHY).exists() and (raw / split / HIERARCHY).is_file():
            for name in (HIERARCHY, "masks"):
                link(raw / split / name, root / split / name)
        if (root / split / HIERARCHY).is_file():
            progress(split)
            prepared.append(_linked(root / split, photographs))
    if not prepared:
        raise InputError(
            f"{root}: holds neither train/{HIERARCHY} nor val/{HIERARCHY}; unpack cocolvis_annotation.tar.gz there"
        )
    return prepared


def _linked(base: Path, photographs: dict[str, Path]) -> Preparation:
    names = list(read_roots(base / HIERARCHY))
    masks = files_in(base / "masks", {".pickle"}).paths if (base / "masks").is_dir() else {}
    there = files_in(base / "images", {".jpg"}).paths if (base / "images").is_dir() else {}
    # `images` may itself be a link into COCO, in which nothing is to be written.
    foreign = (base / "images").is_symlink()
    linked, missing = 0, []
    for name in names:
        if name in there:
            continue
        if name not in photographs or foreign:
            missing.append(name)
        else:
            linked += link(photographs[name], base / "images" / f"{name}.jpg")
    return Preparation(
        base.name, len(names), linked, tuple(missing), tuple(name for name in names if name not in masks)
    )
