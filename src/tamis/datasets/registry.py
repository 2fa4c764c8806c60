"""Datasets by name: what there is, and how to open it."""

import difflib
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from tamis.datasets.catalogue import ENTRIES, Entry
from tamis.datasets.listing import LayoutError, Listing
from tamis.datasets.protocol import Dataset
from tamis.errors import InputError


def list_datasets() -> list[Entry]:
    """All datasets that can be read, the peers' benchmarks first."""
    return list(ENTRIES)


def find_dataset(name: str) -> Entry:
    """What is known of a dataset.

    Raises:
        InputError: there is none of this name; the message suggests the nearest.
    """
    entries = {entry.name: entry for entry in ENTRIES}
    if name in entries:
        return entries[name]
    near = difflib.get_close_matches(name.lower().replace("_", "-"), entries, n=1, cutoff=0.5)
    hint = f"did you mean '{near[0]}'?" if near else "see `tamis datasets list` for what there is"
    raise InputError(f"there is no dataset '{name}'; {hint}")


def splits_of(entry: Entry, root: str | Path) -> tuple[str, ...]:
    """The splits that can be asked for at a root, the default first; some sets have them in their files.

    Raises:
        InputError: the layout is not that of the dataset.
    """
    if not entry.finder:
        return entry.splits
    found: tuple[str, ...] = _load(entry.finder)(Path(root))
    # The splits of a folder are rules of their own, those of other sets lists that have to be there.
    always = tuple(split for split in entry.splits if split in found or entry.splits[0] == "")
    return (*always, *(split for split in found if split not in always))


def open_dataset(name: str, root: str | Path, split: str | None = None) -> Dataset:
    """Open a dataset: check its layout and list its samples, of which nothing is read yet.

    Args:
        name: from `list_datasets`.
        root: its folder.
        split: one of the dataset's; by default its first, or the only one there is.

    Raises:
        InputError: there is no such dataset or split, or something of the layout is missing; the message then ends
            with the expected tree and with what makes it so.
        UnavailableError: reading it needs something that is not installed.
    """
    entry, root = find_dataset(name), Path(root)
    try:
        if not root.is_dir() and not (entry.file and root.is_file()):
            raise LayoutError(f"{root}: there is no such folder")
        chosen = _chosen(entry, split, splits_of(entry, root), root)
        listing: Listing = _load(entry.reader)(root, chosen)
        if not listing.samples:
            raise LayoutError(f"{root}: holds no image with a mask" + _what_is_left(listing))
    except PermissionError as error:
        raise InputError(f"{error.filename}: no permission to read it") from None
    except LayoutError as error:
        raise InputError(f"{error}\n\n{expectation(entry)}") from None
    return Dataset(entry.name, chosen, root, listing.samples, entry.licence, entry.citation, listing.unmatched)


def expectation(entry: Entry) -> str:
    """The layout of a dataset and what makes it so, in several lines."""
    tree = "\n".join(f"    {line}" for line in entry.tree.splitlines())
    return f"{entry.name} is expected as\n{tree}\nmade so by\n    {entry.obtain}"


def _chosen(entry: Entry, split: str | None, known: tuple[str, ...], root: Path) -> str:
    if not known:
        raise LayoutError(f"{root}: there is nothing of {entry.name} in it")
    names = ", ".join(name or "'' (all)" for name in known)
    if split is None:
        if known[0] in entry.splits or len(known) == 1:
            return known[0]
        raise InputError(f"{entry.name} has no default split; choose with --split one of {names}")
    if split in known:
        return split
    near = difflib.get_close_matches(split, known, n=1, cutoff=0.6)
    hint = f"did you mean '{near[0]}'?" if near and near[0] else f"there is {names}"
    raise InputError(f"{entry.name} at {root} has no split '{split}'; {hint}")


def _what_is_left(listing: Listing) -> str:
    kinds = [f"{len(names)} {kind}, such as {names[0]}" for kind, names in listing.unmatched.items()]
    return f" ({'; '.join(kinds)})" if kinds else ""


def _load(place: str) -> Callable[..., Any]:
    module, _, attribute = place.partition(":")
    found: Callable[..., Any] = getattr(import_module(module), attribute)
    return found
