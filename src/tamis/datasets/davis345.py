"""DAVIS345 and the sets laid out like it: one mask for each image, all objects of the frame merged.

Layout and rule: SegNext, segnext/isegm/data/datasets/davis.py.
"""

from pathlib import Path

from tamis.datasets.listing import Listing, files_in, folders_in, pair, require_folder
from tamis.datasets.maskfile import any_channel_target


def open_davis345(root: Path, split: str) -> Listing:
    """Pairs of `img` and `gt`; a pixel belongs to the mask where any of its three channels is above 0."""
    images, masks = files_in(root / "img"), files_in(root / "gt")
    return pair(images, masks.paths, any_channel_target, masks.repeated)


def open_classes(root: Path, split: str) -> Listing:
    """A folder for each class, laid out like DAVIS345; the split is the class."""
    return open_davis345(require_folder(root / split), "")


def classes_in(root: Path) -> tuple[str, ...]:
    """The classes that there are."""
    return tuple(folder.name for folder in folders_in(require_folder(root)) if (folder / "img").is_dir())
