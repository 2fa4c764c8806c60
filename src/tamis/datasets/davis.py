"""DAVIS 2016 and 2017 as released: video frames with one object, or with one label for each object."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from tamis.datasets.listing import (
    Files,
    LayoutError,
    Listing,
    files_in,
    folders_in,
    pair,
    require_folder,
    together,
)
from tamis.datasets.maskfile import any_channel_target, label_targets, read_labels
from tamis.datasets.protocol import Target

VOID = 255
"""The label of pixels that do not count, in annotations with several labels."""

_RESOLUTIONS = ("480p", "1080p", "Full-Resolution")


def open_davis(root: Path, split: str) -> Listing:
    """The frames of the sequences in a list.

    Args:
        root: with `JPEGImages`, `Annotations` and `ImageSets`.
        split: a list in `ImageSets`, as 2016/val; before it may stand the resolution, as Full-Resolution/2016/val.
            Lists of 2017 give one target for each object of a frame, all others the union of its objects.
    """
    resolution, name = _resolution(root, split)
    targets: Callable[[Path], Iterator[Target]] = object_targets if name.startswith("2017/") else any_channel_target
    images, masks = root / "JPEGImages" / resolution, root / "Annotations" / resolution
    return together(
        (f"{sequence}/", _sequence(images / sequence, masks / sequence, frames, targets))
        for sequence, frames in _list(root, name).items()
    )


def splits_in(root: Path) -> tuple[str, ...]:
    """The lists in `ImageSets`, and the same with each resolution where there are several."""
    folders = {folder.name: folder for folder in folders_in(require_folder(root / "ImageSets"))}
    if "480p" in folders:
        folders.setdefault("2016", folders["480p"])  # the release of 2016
    lists = [
        f"{name}/{path}"
        for name, folder in folders.items()
        if name not in _RESOLUTIONS
        for path in files_in(folder, {".txt"}).paths
    ]
    resolutions = [folder.name for folder in folders_in(require_folder(root / "JPEGImages"))]
    several = resolutions if len(resolutions) > 1 else []
    return (*lists, *(f"{resolution}/{name}" for resolution in several for name in lists))


def object_targets(path: Path) -> Iterator[Target]:
    """One target for each object, by its label; void does not count.

    Raises:
        InputError: the file is missing or damaged.
    """
    labels = read_labels(path)
    # In a map of 0 and 255 alone, as those of 2016 are, 255 is the object.
    void = VOID if np.any((labels > 0) & (labels < VOID)) else None
    yield from label_targets(labels, ignore=void)


def _sequence(
    images: Path, masks: Path, frames: frozenset[str], targets: Callable[[Path], Iterator[Target]]
) -> Listing:
    listed, annotated = files_in(images), files_in(masks)
    if frames:
        listed = Files({name: path for name, path in listed.paths.items() if name in frames}, listed.repeated)
        annotated = Files({n: path for n, path in annotated.paths.items() if n in frames}, annotated.repeated)
    return pair(listed, annotated.paths, targets, annotated.repeated)


def _resolution(root: Path, split: str) -> tuple[str, str]:
    images = require_folder(root / "JPEGImages")
    there = [folder.name for folder in folders_in(images)]
    first, _, rest = split.partition("/")
    if "/" in rest and first in _RESOLUTIONS:
        require_folder(images / first)
        return first, rest
    for resolution in _RESOLUTIONS:
        if resolution in there:
            return resolution, split
    raise LayoutError(f"{images}: holds none of the folders {', '.join(_RESOLUTIONS)}")


def _list(root: Path, name: str) -> dict[str, frozenset[str]]:
    """The sequences of a list, in its order, each with its frames, or with none where it is meant as a whole."""
    path = root / "ImageSets" / f"{name}.txt"
    if not path.is_file() and name.startswith("2016/"):
        # In the release of 2016 the lists lie by resolution, and name every frame.
        path = root / "ImageSets" / "480p" / f"{name.removeprefix('2016/')}.txt"
    if not path.is_file():
        raise LayoutError(f"{root / 'ImageSets'}: there is no list {name}.txt")
    sequences: dict[str, set[str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        entry = Path(line.split()[0] if line.strip() else "")
        if len(entry.parts) > 1:
            sequences.setdefault(entry.parent.name, set()).add(entry.stem)
        elif entry.parts:
            sequences.setdefault(entry.name, set())
    return {sequence: frozenset(frames) for sequence, frames in sequences.items()}
