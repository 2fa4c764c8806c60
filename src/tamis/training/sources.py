"""Data sources of a training, and the share of each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tamis.errors import InputError
from tamis.training.photographs import Photograph, layout_of, read_photographs
from tamis.training.synthetic import synthetic_photographs

SHARES = {
    "bsds500": 0.30,
    "duts": 0.13,
    "duts_more": 0.08,
    "coco_mval": 0.05,
    "clothing_co_parsing": 0.05,
    "camvid": 0.04,
    "coco_mini": 0.04,
    "coco_tiny": 0.04,
    "labelme_facade": 0.04,
    "feral_cats": 0.03,
    "weizmann_horses": 0.02,
    "ecssd": 0.02,
    "coco128_seg": 0.02,
    "feral_cats_train": 0.02,
    "oxford_pets_sample": 0.015,
    "car_parts": 0.015,
    "building_facades": 0.015,
    "synthetic": 0.015,
    "coco128_people": 0.01,
    "car_glass_lights": 0.01,
    "animals_caltech": 0.01,
    "fasseg_faces": 0.01,
    "human_seg_290": 0.01,
    "leeds_butterflies": 0.01,
}
"""The share of crops that each data set gives: balanced by what can be learned from it, not by its size."""

OTHERS = 0.005
"""The share of a data set that is not among them."""

SYNTHETIC = 200
"""Scenes made up, with exact masks, if the data set `synthetic` is asked for; it needs no folder."""


VALIDATION = {"bsds500": 20, "duts": 24, "coco_mval": 23, "weizmann_horses": 13, "feral_cats": 6}
"""How many photographs of a data set validation looks at."""


@dataclass(frozen=True, slots=True)
class Source:
    """A data set to train on: `NAME=ROOT[:weight]` on the command line."""

    name: str
    root: Path
    share: float


def parse_source(text: str) -> Source:
    """Read `NAME=ROOT[:weight]`; the share defaults to that in `SHARES`.

    Raises:
        InputError: the text has another form, or the name is unknown.

    >>> parse_source("duts=/data/duts:.5").share
    0.5
    """
    name, equals, rest = text.partition("=")
    if not equals or not rest:
        raise InputError(f"data source {text!r} must read NAME=ROOT or NAME=ROOT:weight")
    root, colon, weight = rest.rpartition(":")
    share = SHARES.get(name, OTHERS)
    try:
        source = Source(name, Path(root), float(weight)) if colon else Source(name, Path(rest), share)
    except ValueError:
        source = Source(name, Path(rest), share)
    if name != "synthetic":
        layout_of(name, source.root)
    return source


def read_source(source: Source, split: str, size: int, most: int | None = None) -> Iterator[Photograph]:
    """The photographs of a source; see `read_photographs`. Made up ones are never held out."""
    if source.name == "synthetic":
        count = SYNTHETIC if most is None else min(most, SYNTHETIC)
        return iter(synthetic_photographs(count if split == "training" else 0))
    return read_photographs(source.name, source.root, split, size, most)


def validation_photographs(sources: Sequence[Source], size: int) -> list[Photograph]:
    """A few photographs of the data sets in `VALIDATION`, evenly spread; of the first set where none is."""
    chosen = [source for source in sources if source.name in VALIDATION] or list(sources[:1])
    photographs = []
    for source in chosen:
        held = list(read_source(source, "validation", size))
        count = VALIDATION.get(source.name, 8)
        photographs += held[:: max(1, len(held) // count)][:count]
    return photographs
