"""BSDS500: photographs cut into regions by several people; every region of everybody is a target.

The release keeps MATLAB files, `groundTruth` being a row of records with `Segmentation`, (H, W) regions from 1; a
development copy keeps one 16-bit PNG for each annotator.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tamis.datasets.grabcut import benchmark_photographs
from tamis.datasets.listing import LayoutError, Listing, files_in, pair, together
from tamis.datasets.maskfile import label_targets, read_labels
from tamis.datasets.matlab import read_matlab, unexpected
from tamis.datasets.protocol import Target
from tamis.datasets.splits import TRAINING, VALIDATION, every_tenth
from tamis.errors import InputError

SPLITS = ("test", "val", "train")

DEVELOPMENT = ("train", "val")
"""What `val10` and `train90` part, so that the official test is for the end."""


def open_bsds500(root: Path, split: str) -> Listing:
    """The photographs of a split; ids are ANNOTATOR/REGION, annotators from 0, regions from 1.

    Args:
        root: with `images` and `groundTruth` or `segments`, or with a folder `data` (in `BSDS500`, perhaps) that has
            them.
        split: train, val or test; or `val10`, every tenth photograph of train and val, or `train90`, the others, both
            without those of the Berkeley benchmark, if its list lies beside the root.
    """
    for base in (root, root / "data", root / "BSDS500" / "data"):
        if (base / "groundTruth").is_dir() or (base / "segments").is_dir():
            if split not in (VALIDATION, TRAINING):
                return together([(f"{split}/", _part(base, split))])
            return _tenth(root, together((f"{part}/", _part(base, part)) for part in DEVELOPMENT), split == VALIDATION)
    raise LayoutError(f"{root}: there is no folder groundTruth or segments in it")


def _part(base: Path, part: str) -> Listing:
    images = files_in(base / "images" / part)
    if (base / "groundTruth").is_dir():
        truth = files_in(base / "groundTruth" / part, {".mat"})
        return pair(images, truth.paths, matlab_targets, truth.repeated)
    return pair(images, _by_image(files_in(base / "segments" / part, {".png"}).paths), map_targets)


def _tenth(root: Path, listing: Listing, held_out: bool) -> Listing:
    apart = benchmark_photographs(root.parent / "berkeley")
    left = [sample for sample in listing.samples if sample.image_path.stem not in apart]
    return Listing(tuple(every_tenth(left, held_out)), listing.unmatched)


def matlab_targets(path: Path) -> Iterator[Target]:
    """Each region of each annotator in a file of the release.

    Raises:
        InputError: the file is missing, damaged or of another kind.
    """
    truth = read_matlab(path, "groundTruth")
    try:
        maps = [np.asarray(record["Segmentation"][0, 0]) for record in np.ravel(truth)]
    except (IndexError, KeyError, ValueError, TypeError):
        raise unexpected(path, "groundTruth") from None
    if any(labels.ndim != 2 for labels in maps):
        raise unexpected(path, "groundTruth")
    for annotator, labels in enumerate(maps):
        yield from label_targets(labels, background=None, prefix=f"{annotator}/")


def map_targets(paths: tuple[tuple[str, Path], ...]) -> Iterator[Target]:
    """Each region of each annotator, whose maps lie in a file each.

    Raises:
        InputError: a file is missing or damaged.
    """
    for annotator, path in paths:
        yield from label_targets(read_labels(path), background=None, prefix=f"{annotator}/")


def _by_image(paths: dict[str, Path]) -> dict[str, tuple[tuple[str, Path], ...]]:
    """ID_ANNOTATOR.png by id, the annotators in the order of their numbers."""
    found: dict[str, list[tuple[str, Path]]] = {}
    for name, path in paths.items():
        image, underscore, annotator = name.rpartition("_")
        if not underscore or not annotator.isdecimal():
            raise InputError(f"{path}: the name must end in _ and the number of the annotator, as in 12003_0.png")
        found.setdefault(image, []).append((annotator, path))
    return {image: tuple(sorted(maps, key=lambda pair: int(pair[0]))) for image, maps in found.items()}
