"""A part of a dataset as a folder of links: the same layout with fewer samples in one split."""

import os
import shutil
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

import tamis
from tamis.datasets.links import link
from tamis.errors import InputError, OutputError
from tamis.results.files import write_bytes, write_json
from tamis.semantic.data.dataset import SemanticDataset, class_indices, read_label
from tamis.semantic.data.layouts import split_list

RECORD = "subset.json"

Presence = NDArray[np.bool_]
"""(N, C): which classes each sample has."""


def random_part(count: int, keep: Fraction, rng: np.random.Generator) -> list[int]:
    """The sorted indices of a part of `count` samples, drawn evenly; at least one."""
    return sorted(rng.choice(count, _kept(count, keep), replace=False).tolist())


def balanced_part(presence: Presence, keep: Fraction, rng: np.random.Generator) -> list[int]:
    """The sorted indices of a part in which every class has about its share of samples, and at least one.

    Iterative stratification (Sechidis et al., 2011) into two parts, what is kept and the rest: of the class with the
    fewest samples left, each goes in random order to the part that lacks more of that class, or more samples at all.

    Args:
        presence: which classes each sample has.
        keep: the share to keep.
        rng: draws.
    """
    size = _kept(len(presence), keep)
    occurrences = presence.sum(axis=0)
    kept_of_class = np.array([_rounded_up(int(count) * keep) for count in occurrences], np.int64)
    lacking = np.stack([occurrences - kept_of_class, kept_of_class])
    room = np.array([len(presence) - size, size])
    chosen = np.zeros(len(presence), bool)
    left = np.ones(len(presence), bool)
    while left.any():
        unplaced = presence[left].sum(axis=0)
        label = int(np.where(unplaced > 0, unplaced, len(presence) + 1).argmin()) if unplaced.any() else None
        samples = np.flatnonzero(left if label is None else left & presence[:, label])
        for sample in rng.permutation(samples):
            part = _lacking_more(lacking[:, label] if label is not None else room, room, rng)
            chosen[sample] = part == 1
            lacking[part] -= presence[sample]
            room[part] -= 1
        left[samples] = False
    return [int(index) for index in np.flatnonzero(chosen)]


def _lacking_more(of_class: NDArray[np.int64], room: NDArray[np.int64], rng: np.random.Generator) -> int:
    """0 for the rest and 1 for what is kept: whichever has room and lacks more."""
    if not room.all():
        return int(room[1] > 0)
    for lacking in (of_class, room):
        if lacking[0] != lacking[1]:
            return int(lacking[1] > lacking[0])
    return int(rng.integers(2))


def class_presence(dataset: SemanticDataset, advance: Callable[[], None] = lambda: None) -> Presence:
    """Read all label maps to see which classes each has.

    Raises:
        InputError: a label map cannot be read, or has a value that no class has.
    """
    presence = np.zeros((len(dataset), len(dataset.classes)), bool)
    for index, path in enumerate(dataset.labels):
        classes = np.unique(class_indices(dataset, read_label(path), path))
        presence[index, classes[classes < len(dataset.classes)]] = True
        advance()
    return presence


def write_subset(
    root: Path, dataset: SemanticDataset, split: str, chosen: Sequence[int], out: Path, how: dict[str, Any]
) -> None:
    """Link a part of a split, and everything else of the folder, into a new one of the same layout.

    Writes `subset.json` (how it was made) and `subset-SPLIT.txt` (the kept images, one a line, relative to the folder).

    Args:
        root: the folder of the dataset.
        dataset: the split, opened from there.
        split: its name.
        chosen: indices of the samples to keep.
        out: the new folder.
        how: the settings, for the record.

    Raises:
        InputError: `out` is there already, or lies in `root`.
        OutputError: it cannot be written.
    """
    if os.path.lexists(out):
        raise InputError(f"--out {out}: is there already; remove it or choose another name")
    if root.resolve() in out.resolve().parents:
        raise InputError(f"--out {out}: lies in {root}, of which it would become a part; choose a folder elsewhere")
    kept = {path for index in chosen for path in (dataset.images[index], dataset.labels[index])}
    dropped = {*dataset.images, *dataset.labels} - kept
    names = [str(dataset.images[index].relative_to(root)) for index in chosen]
    # Made under another name first, so that what stands at `out` is whole.
    making = out.parent / f".{uuid4().hex}.part"
    try:
        listing = split_list(root, split)
        if listing is None:
            _link_all_but(root, making, dropped)
        else:
            _link_all_but(root, making, {listing})
            stems = [dataset.images[index].stem for index in chosen]
            write_bytes(making / listing.relative_to(root), "".join(f"{stem}\n" for stem in stems).encode())
        write_bytes(making / f"subset-{split}.txt", "".join(f"{name}\n" for name in names).encode())
        record = {"of": str(root.resolve()), "dataset": dataset.name, **how, "kept": len(chosen), "from": len(dataset)}
        write_json(making / RECORD, {**record, "version": tamis.__version__})
        making.rename(out)
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(f"--out {out}: cannot be written ({error.strerror}); choose another folder") from error
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _link_all_but(folder: Path, place: Path, left_out: set[Path]) -> None:
    """Link a folder's content; only folders that hold something left out are made anew."""
    above = {parent for path in left_out for parent in path.parents}
    place.mkdir(parents=True)
    for path in sorted(folder.iterdir()):
        if path in above:
            _link_all_but(path, place / path.name, left_out)
        elif path not in left_out and path.name != RECORD:
            link(path, place / path.name)


def _kept(count: int, keep: Fraction) -> int:
    return max(1, round(count * keep))


def _rounded_up(number: Fraction) -> int:
    return -(-number.numerator // number.denominator)
