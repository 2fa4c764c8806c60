"""GrabCut and Berkeley: one object for each image, with a strip of pixels that do not count.

Layout and rule: SegNext, segnext/isegm/data/datasets/{grabcut,berkeley}.py.
"""

import csv
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from tamis.datasets.listing import (
    IMAGES_WITHOUT_MASKS,
    MASKS_WITHOUT_IMAGES,
    LayoutError,
    Listing,
    files_in,
    pair,
    unmatched,
)
from tamis.datasets.maskfile import ONLY, read_labels
from tamis.datasets.protocol import Sample, Target

IGNORED = 128
"""The grey of pixels that do not count; darker is background, lighter the object."""

PAIRS = "pairs.csv"
"""Where the masks of Berkeley lie apart from their images: columns `mask` and `image`, the path of the image from the
folder above."""


def open_grabcut(root: Path, split: str) -> Listing:
    """Pairs of `data_GT` and `boundary_GT`."""
    return _pairs(root / "data_GT", root / "boundary_GT")


def open_berkeley(root: Path, split: str) -> Listing:
    """Pairs of `images` and `masks`; or `masks` and a list of the images they belong to."""
    if (root / PAIRS).is_file() and not (root / "images").is_dir():
        return _listed(root)
    return _pairs(root / "images", root / "masks")


def benchmark_photographs(root: Path) -> frozenset[str]:
    """Names of the photographs that Berkeley lists, without suffix: they are kept apart from training; none without it.

    Args:
        root: of Berkeley.
    """
    return frozenset(path.stem for path in _images_by_mask(root).values()) if (root / PAIRS).is_file() else frozenset()


def grey_target(path: Path) -> Iterator[Target]:
    """The one target of a mask in three greys.

    Raises:
        InputError: the file is missing or damaged.
    """
    grey = read_labels(path)
    if grey.max(initial=0) > 255:
        # a colour picture: the peers look at the first channel of OpenCV, which is blue
        grey = grey & 255
    valid = grey != IGNORED
    yield Target(ONLY, np.asarray(grey > IGNORED), None if valid.all() else np.asarray(valid))


def _pairs(image_folder: Path, mask_folder: Path) -> Listing:
    images, masks = files_in(image_folder), files_in(mask_folder)
    return pair(images, masks.paths, grey_target, masks.repeated)


def _images_by_mask(root: Path) -> dict[str, Path]:
    try:
        with (root / PAIRS).open(newline="", encoding="utf-8") as stream:
            return {row["mask"]: root.parent / row["image"] for row in csv.DictReader(stream)}
    except (KeyError, TypeError, UnicodeDecodeError, csv.Error):
        raise LayoutError(f"{root / PAIRS}: must be a table with the columns mask and image") from None


def _listed(root: Path) -> Listing:
    masks, images = files_in(root / "masks").paths, _images_by_mask(root)
    there = [name for name in sorted(images) if name in masks and images[name].is_file()]
    return Listing(
        tuple(Sample(name, images[name], partial(grey_target, masks[name])) for name in there),
        unmatched(
            {
                IMAGES_WITHOUT_MASKS: [name for name in sorted(images) if name not in masks],
                MASKS_WITHOUT_IMAGES: [n for n in sorted(masks) if n not in images or not images[n].is_file()],
            }
        ),
    )
