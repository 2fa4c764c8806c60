"""SBD, the Semantic Boundaries Dataset: instances of 20 classes, as MATLAB files.

Layout: SegNext, segnext/isegm/data/datasets/sbd.py. `inst/ID.mat` holds `GTinst` with `Segmentation`, (H, W) instances
from 1, and `Categories`, the class from 1 to 20 of each instance.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tamis.arrays import LabelArray
from tamis.datasets.links import link
from tamis.datasets.listing import Files, Listing, files_in, pair, require_file
from tamis.datasets.maskfile import label_targets
from tamis.datasets.matlab import read_matlab, unexpected
from tamis.datasets.protocol import Target
from tamis.image import write_image

CLASSES = (
    *("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *("diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"),
)
"""Class k of the release is number k - 1 here."""


def open_sbd(root: Path, split: str) -> Listing:
    """The images of `train.txt` or `val.txt`, in that order, with a target for each instance."""
    names = list(dict.fromkeys(require_file(root / f"{split}.txt").read_text(encoding="utf-8").split()))
    images, masks = files_in(root / "img").paths, files_in(root / "inst", {".mat"}).paths
    return pair(
        Files({name: images[name] for name in names if name in images}),
        {name: masks[name] for name in names if name in masks},
        instance_targets,
    )


def instance_targets(path: Path) -> Iterator[Target]:
    """One target for each instance, by its number.

    Raises:
        InputError: the file is missing, damaged or of another kind.
    """
    labels, classes = read_instances(path)
    for target in label_targets(labels):
        number = int(target.id)
        known = 0 < number <= len(classes) and 0 < classes[number - 1] <= len(CLASSES)
        yield replace(target, label=CLASSES[classes[number - 1] - 1] if known else "")


def read_instances(path: Path) -> tuple[LabelArray, list[int]]:
    """The instances of an image, (H, W) from 1, 0 where there is none, and the class of each, from 1 to 20.

    Raises:
        InputError: the file is missing, damaged or of another kind.
    """
    record: Any = read_matlab(path, "GTinst")
    try:
        labels = np.asarray(record["Segmentation"][0, 0])
        classes = [int(value) for value in np.ravel(record["Categories"][0, 0])]
    except (IndexError, KeyError, ValueError, TypeError):
        raise unexpected(path, "GTinst") from None
    if labels.ndim != 2 or not np.issubdtype(labels.dtype, np.integer) or labels.max(initial=0) > len(classes):
        raise unexpected(path, "GTinst")
    return labels, classes


def write_per_class(root: Path, out: Path, split: str = "val") -> dict[str, int]:
    """Write a binary set for each class, laid out like DAVIS345: the union of its instances in an image.

    `out/CLASS/img` links to the images, `out/CLASS/gt` holds masks of 0 and 255. Safe to repeat: what is there already
    is left alone.

    Args:
        root: of SBD.
        out: for the sets; `open_dataset("sbd-per-class", out, split=CLASS)` opens one.
        split: train or val.

    Returns:
        The number of images of each class that occurs.

    Raises:
        InputError: the layout is not SBD's, or a file is damaged.
        OutputError: a result cannot be written.
    """
    counts: dict[str, int] = {}
    for sample in open_sbd(root, split).samples:
        labels, classes = read_instances(root / "inst" / f"{sample.name}.mat")
        for number in sorted(set(classes)):
            members = [k for k, value in enumerate(classes, start=1) if value == number]
            mask = np.isin(labels, members)
            if not mask.any():
                continue
            name = CLASSES[number - 1]
            counts[name] = counts.get(name, 0) + 1
            place = out / name / "gt" / f"{sample.name}.png"
            if not place.exists():
                write_image(place, mask)
            link(sample.image_path, out / name / "img" / sample.image_path.name)
    return counts
