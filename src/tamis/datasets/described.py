"""A folder of images and label maps that says itself, in a META.json, what its labels mean."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from tamis.datasets.folder import Rules, open_folder
from tamis.datasets.listing import Listing, require_file
from tamis.datasets.maskfile import ONLY, label_targets, read_labels
from tamis.datasets.protocol import Target
from tamis.datasets.supervision import Kind
from tamis.errors import InputError

META = "META.json"


@dataclass(frozen=True)
class Meaning:
    """What META.json says.

    Attributes:
        kind: of the masks: `kind`.
        unknown: the label whose pixels do not count: `unknown`, a number or null.
    """

    kind: Kind
    unknown: int | None


def read_meaning(root: Path) -> Meaning:
    """What a folder says of its label maps.

    Raises:
        LayoutError: it has no META.json.
        InputError: META.json says something else.
    """
    file = require_file(root / META)
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
        return Meaning(Kind(said["kind"]), said.get("unknown"))
    except (ValueError, KeyError, TypeError) as error:
        kinds = ", ".join(each.value for each in Kind)
        raise InputError(f"{file} must be JSON with `kind`, one of {kinds}, and `unknown`, a label or null") from error


def open_described(root: Path, split: str) -> Listing:
    """Images and label maps of the same name; a target for each label above 0, or for a single object one in all.

    Args:
        root: with `images`, `masks` and META.json.
        split: "" for everything, `val10` or `train90`.
    """
    meaning = read_meaning(root)
    listing = open_folder(root, split, Rules(pairs=(("images", "masks"),)))
    samples = (
        replace(sample, targets=partial(meant_targets, meaning, *sample.mask_paths)) for sample in listing.samples
    )
    return Listing(tuple(samples), listing.unmatched)


def meant_targets(meaning: Meaning, path: Path) -> Iterator[Target]:
    """The targets of a label map.

    Raises:
        InputError: the file is missing or damaged.
    """
    labels = read_labels(path)
    if meaning.kind is not Kind.SINGLE:
        yield from label_targets(labels, ignore=meaning.unknown)
        return
    known = np.asarray(labels != meaning.unknown) if meaning.unknown is not None else None
    mask = np.asarray(labels > 0) if known is None else (labels > 0) & known
    yield Target(ONLY, mask, None if known is None or known.all() else known)
