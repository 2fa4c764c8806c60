"""Smaller sets that the folder reader serves, each with the rules of its masks."""

from functools import partial
from pathlib import Path
from types import MappingProxyType

from tamis.datasets.concept import with_classes
from tamis.datasets.davis345 import open_davis345
from tamis.datasets.folder import Rules, open_folder
from tamis.datasets.listing import Listing
from tamis.datasets.splits import TRAINING, VALIDATION, every_tenth

_USUAL = (("images", "masks"),)

binary = partial(open_folder, rules=Rules(kind="half"))
"""`folder` for masks of one object with soft edges."""

duts = partial(
    open_folder,
    rules=Rules(
        kind="half",
        pairs=(*_USUAL, ("DUTS-TE-Image", "DUTS-TE-Mask"), ("DUTS-TR-Image", "DUTS-TR-Mask")),
    ),
)

horses = partial(open_folder, rules=Rules(kind="half", pairs=(*_USUAL, ("horse", "mask"))))

butterflies = partial(open_folder, rules=Rules(kind="half", pairs=_USUAL))

labels = partial(open_folder, rules=Rules(pairs=_USUAL))
"""Instances, a label each."""

CAMVID = (
    *("sky", "building", "pole", "road", "pavement", "tree"),
    *("sign", "fence", "car", "pedestrian", "bicyclist"),
)
"""Class k of CamVid as SegNet has it; 11 is void."""

CWFID = MappingProxyType({"1": "crop", "2": "weed"})


def plants(root: Path, split: str) -> Listing:
    """Classes, whose connected parts are plants."""
    return with_classes(open_folder(root, split, Rules(pairs=_USUAL, parts=True)), CWFID)


def camvid(root: Path, split: str) -> Listing:
    """Frames of CamVid by class, 0 to 10; void, 11, does not count.

    Laid out with `images` and `labels`, or as SegNet has it, `test` and `testannot`.
    """
    images, _ = camvid_folders(root, split)
    pairs = (("{split}", "{split}annot"),) if images.parent == root else (("images", "labels"),)
    listing = open_folder(root, split, Rules(background=None, ignore=11, pairs=pairs))
    return with_classes(listing, {str(number): name for number, name in enumerate(CAMVID)})


def camvid_folders(root: Path, split: str) -> tuple[Path, Path]:
    """Where images and label maps of a split of CamVid lie, whether they are there or not."""
    if (root / f"{split}annot").is_dir():
        return root / split, root / f"{split}annot"
    return root / "images" / split, root / "labels" / split


def coco_mval(root: Path, split: str) -> Listing:
    """COCO_MVal: `img` and `gt` with one object each, as the peers have it, or `images` and `masks` with labels."""
    if not (root / "gt").is_dir() and (root / "masks").is_dir():
        return labels(root, split)
    listing = open_davis345(root, "")
    if split not in (VALIDATION, TRAINING):
        return listing
    return Listing(tuple(every_tenth(listing.samples, held_out=split == VALIDATION)), listing.unmatched)
