"""NDD20, dolphins of Northumberland: photographs from above the water and from below, with outlines in VIA's JSON.

`BELOW_LABELS.json` has an entry for each photograph, with its `filename` and its `regions`; polylines are outlines too,
closed from the last corner to the first. All dolphins of a photograph together are one mask. Names are numbers without
leading zeros and are sorted as text, as the split of the research was made: the first 80 of 100 are trained on.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tamis.datasets.listing import (
    IMAGES_WITHOUT_MASKS,
    MASKS_WITHOUT_IMAGES,
    Listing,
    files_in,
    require_file,
    unmatched,
)
from tamis.datasets.maskfile import ONLY
from tamis.datasets.protocol import Sample, Target
from tamis.errors import InputError
from tamis.image import read_header
from tamis.mask.polygons import Polygon, from_polygons

VIEWS = ("below", "above")
SPLITS = tuple(f"{view}{part}" for view in VIEWS for part in ("-test", "-train", ""))
TRAINED = 0.8
"""Share of the photographs of a view, the first by name, that are trained on."""

OUTLINES = ("polygon", "polyline")


@dataclass(frozen=True)
class Outlines:
    """The dolphins of a photograph, before they are drawn.

    Attributes:
        place: the file of labels, for messages.
        image: the photograph, whose header tells its size.
        regions: VIA's.
    """

    place: Path
    image: Path
    regions: tuple[Any, ...]


def open_ndd20(root: Path, split: str) -> Listing:
    """The photographs of a view that have dolphins, by name as text; `-train` is the first 80 %, `-test` the rest.

    Args:
        root: with `BELOW` and `BELOW_LABELS.json`, and `ABOVE` likewise.
        split: one of SPLITS.
    """
    view, _, part = split.partition("-")
    place = require_file(root / f"{view.upper()}_LABELS.json")
    files = {path.name: path for path in files_in(root / view.upper()).paths.values()}
    entries = {str(each["filename"]): tuple(each["regions"]) for each in _entries(place)}
    names = sorted(name for name in entries if name in files and entries[name])
    trained = int(TRAINED * len(names))
    chosen = {"": names, "train": names[:trained], "test": names[trained:]}[part]
    samples = [
        Sample(Path(name).stem, files[name], partial(dolphins, Outlines(place, files[name], entries[name])))
        for name in chosen
    ]
    left = {
        IMAGES_WITHOUT_MASKS: sorted(name for name in files if not entries.get(name)),
        MASKS_WITHOUT_IMAGES: sorted(name for name in entries if name not in files),
    }
    return Listing(tuple(samples), unmatched(left))


def dolphins(outlines: Outlines) -> Iterator[Target]:
    """One target: the pixels whose centres any of the outlines encloses.

    Raises:
        InputError: the image cannot be read, or an outline is damaged.
    """
    header = read_header(outlines.image)
    mask = np.zeros(header.shape, np.bool_)
    for number, region in enumerate(outlines.regions, 1):
        try:
            shape = region["shape_attributes"]
            if shape["name"] not in OUTLINES:
                raise ValueError(f"it is a {shape['name']}")
            corners = np.stack([shape["all_points_x"], shape["all_points_y"]], axis=1).astype(np.float64)
            mask |= from_polygons([Polygon(corners)], mask.shape)
        except (KeyError, TypeError, ValueError, InputError) as error:
            raise InputError(
                f"{outlines.place}: region {number} of {outlines.image.name} is no outline ({error}); "
                "download the file again"
            ) from None
    yield Target(ONLY, mask, None, "dolphin")


def _entries(place: Path) -> list[dict[str, Any]]:
    try:
        content = json.loads(place.read_bytes())
        entries = list(content.values())
        if not all(isinstance(each["filename"], str) and isinstance(each["regions"], list) for each in entries):
            raise ValueError("an entry has no filename or no regions")
    except (UnicodeDecodeError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{place}: is no JSON of the VGG Image Annotator ({error}); download it again") from None
    return entries
