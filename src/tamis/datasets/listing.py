"""What readers share: folders listed once, images and masks paired by name, and what is wrong with a layout."""

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from tamis.datasets.protocol import Sample, Target
from tamis.errors import InputError
from tamis.image import SUFFIXES

MaskSource = TypeVar("MaskSource")

IMAGES_WITHOUT_MASKS = "images without masks"
MASKS_WITHOUT_IMAGES = "masks without images"
SAME_NAME = "files whose name another file has"


class LayoutError(InputError):
    """Something that the layout of a dataset needs is missing; the registry adds the expected tree."""


@dataclass(frozen=True)
class Listing:
    """What a reader finds; the registry makes a `Dataset` of it.

    Attributes:
        samples: in the peers' order.
        unmatched: as in `Dataset`.
    """

    samples: tuple[Sample, ...]
    unmatched: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Files:
    """The files of a folder by name, a name being the path in the folder without suffix, with forward slashes.

    Attributes:
        paths: sorted by path.
        repeated: paths, relative to the folder, of files whose name an earlier file has.
    """

    paths: dict[str, Path]
    repeated: tuple[str, ...] = ()


def require_folder(path: Path) -> Path:
    """The folder itself; raises LayoutError where there is none."""
    if not path.is_dir():
        raise LayoutError(f"{path}: there is no such folder")
    return path


def require_file(path: Path) -> Path:
    """The file itself; raises LayoutError where there is none."""
    if not path.is_file():
        raise LayoutError(f"{path}: there is no such file")
    return path


def folders_in(folder: Path) -> list[Path]:
    """The folders in a folder, sorted, without hidden ones."""
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if not entry.name.startswith(".") and entry.is_dir()]
    return [folder / name for name in sorted(names)]


def files_in(folder: Path, suffixes: Collection[str] = SUFFIXES, deep: bool = False) -> Files:
    """The files of a folder that have one of the suffixes (lower case), without hidden ones.

    Args:
        folder: which must exist, or LayoutError is raised.
        suffixes: what to take.
        deep: look into the folders inside, too.
    """
    paths: dict[str, Path] = {}
    repeated = []
    # Plain texts, since a set may have a hundred thousand files.
    for relative in sorted(_walk(require_folder(folder), "", frozenset(suffixes), deep)):
        name = os.path.splitext(relative)[0]
        if name in paths:
            repeated.append(relative)
        else:
            paths[name] = folder / relative
    return Files(paths, tuple(repeated))


def pair(
    images: Files,
    masks: Mapping[str, MaskSource],
    targets: Callable[[MaskSource], Iterator[Target]],
    repeated_masks: Iterable[str] = (),
) -> Listing:
    """Samples of the images that have masks under the same name; what has no partner is listed.

    Args:
        images: in the order of the samples.
        masks: what `targets` needs to read the masks of an image, by name.
        targets: a function of a module, so that samples can travel to another process.
        repeated_masks: mask files that cannot be reached, since another has their name.
    """
    samples = [
        Sample(name, path, partial(targets, masks[name]), _paths_in(masks[name]))
        for name, path in images.paths.items()
        if name in masks
    ]
    return Listing(
        tuple(samples),
        unmatched(
            {
                IMAGES_WITHOUT_MASKS: [name for name in images.paths if name not in masks],
                MASKS_WITHOUT_IMAGES: [name for name in masks if name not in images.paths],
                SAME_NAME: [*images.repeated, *repeated_masks],
            }
        ),
    )


def _paths_in(found: object) -> tuple[Path, ...]:
    """The files among what `targets` is given: a path, or (annotator, path) of several."""
    if isinstance(found, tuple):
        return tuple(path for each in found for path in _paths_in(each))
    return (found,) if isinstance(found, Path) else ()


def unmatched(kinds: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    """The kinds that have any names."""
    listed = {kind: tuple(names) for kind, names in kinds.items()}
    return {kind: names for kind, names in listed.items() if names}


def together(listings: Iterable[tuple[str, Listing]]) -> Listing:
    """Several listings as one, in order, each with a prefix for its names.

    >>> listing = Listing((), {"masks without images": ("a",)})
    >>> together([("x/", listing), ("y/", listing)]).unmatched
    {'masks without images': ('x/a', 'y/a')}
    """
    samples: list[Sample] = []
    left: dict[str, list[str]] = {}
    for prefix, listing in listings:
        samples += [replace(sample, name=prefix + sample.name) for sample in listing.samples]
        for kind, names in listing.unmatched.items():
            left.setdefault(kind, []).extend(prefix + name for name in names)
    return Listing(tuple(samples), unmatched(left))


def _walk(
    folder: Path, inside: str, suffixes: frozenset[str], deep: bool, above: frozenset[str] = frozenset()
) -> Iterator[str]:
    """Paths from the folder on, of the files in `inside`; links that lead back to a folder above are not followed."""
    place = os.path.realpath(folder / inside)
    if place in above:
        return
    folders = []
    with os.scandir(folder / inside) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if os.path.splitext(entry.name)[1].lower() in suffixes and entry.is_file():
                yield inside + entry.name
            elif deep and entry.is_dir():
                folders.append(f"{inside}{entry.name}/")
    for path in sorted(folders):
        yield from _walk(folder, path, suffixes, deep, above | {place})
