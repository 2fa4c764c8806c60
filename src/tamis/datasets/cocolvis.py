"""COCO+LVIS, the training set of the click-driven peers: photographs of COCO with things, parts and stuff.

Layout: SegNext, segnext/isegm/data/datasets/coco_lvis.py. As there, the targets are things that are no part of another
thing; stuff, which comes after the things, is none. An image of stuff alone is one without masks.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tamis.datasets.layers import read_layers, read_pickle
from tamis.datasets.listing import Files, Listing, files_in, pair, require_file
from tamis.datasets.protocol import Target
from tamis.errors import InputError

HIERARCHY = "hannotation.pickle"


def open_cocolvis(root: Path, split: str) -> Listing:
    """The images of a split, by their ids, with a target for each thing that is no part of another.

    Args:
        root: with `train` and `val`, each with `images`, `masks` and `hannotation.pickle`.
        split: train or val.
    """
    base = root / split
    roots = read_roots(require_file(base / HIERARCHY))
    images, masks = files_in(base / "images", {".jpg"}).paths, files_in(base / "masks", {".pickle"}).paths
    return pair(
        Files({name: images[name] for name in roots if name in images}),
        {name: (masks[name], numbers) for name, numbers in roots.items() if numbers and name in masks},
        thing_targets,
    )


def read_roots(path: Path) -> dict[str, tuple[int, ...]]:
    """Read which masks of each image are things and no part of another thing; image ids are sorted.

    Raises:
        InputError: the file is missing, damaged, built otherwise, or names anything but plain values.
    """
    content = read_pickle(path)
    try:
        return {name: _roots(entry) for name, entry in sorted((_stem(key), value) for key, value in content.items())}
    except (AttributeError, KeyError, TypeError, ValueError):
        raise InputError(f"{path}: is no hierarchy of masks by image; get it again") from None


def thing_targets(place: tuple[Path, tuple[int, ...]]) -> Iterator[Target]:
    """The chosen masks of a pickle, by their numbers.

    Args:
        place: the file, and the numbers of the masks.

    Raises:
        InputError: the file is missing, damaged, built otherwise, or names anything but plain values.
    """
    path, numbers = place
    layers = read_layers(path)
    if max(numbers, default=-1) >= len(layers.mapping):
        raise InputError(f"{path}: has {len(layers.mapping)} masks but the hierarchy names mask {max(numbers)}")
    for number in numbers:
        yield Target(str(number), layers.mask(number))


def _stem(key: Any) -> str:
    return f"{key:012d}" if isinstance(key, int) else str(key)


def _roots(entry: dict[str, Any]) -> tuple[int, ...]:
    things = int(entry["num_instance_masks"])
    numbers = sorted(int(k) for k, node in entry["hierarchy"].items() if node is None or node.get("parent") is None)
    return tuple(number for number in numbers if number < things)
