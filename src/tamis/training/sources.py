"""Data sources of a training."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tamis.errors import InputError
from tamis.training.photographs import Photograph, layout_of, read_photographs
from tamis.training.portions import OTHERS, PIXEL_SHARES
from tamis.training.synthetic import synthetic_photographs

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
    """Read `NAME=ROOT[:weight]`; the share defaults to that in `PIXEL_SHARES`.

    Raises:
        InputError: the text has another form, or the name is unknown.

    >>> parse_source("duts=/data/duts:.5").share
    0.5
    """
    name, equals, rest = text.partition("=")
    if not equals or not rest:
        raise InputError(f"data source {text!r} must read NAME=ROOT or NAME=ROOT:weight")
    root, colon, weight = rest.rpartition(":")
    share = PIXEL_SHARES.get(name, OTHERS)
    try:
        source = Source(name, Path(root), float(weight)) if colon else Source(name, Path(rest), share)
    except ValueError:
        source = Source(name, Path(rest), share)
    if name != "synthetic":
        layout_of(name, source.root)
    return source


def read_source(
    source: Source, split: str, size: int, choose: Callable[[Sequence[Any]], Sequence[Any]] = list
) -> Iterator[Photograph]:
    """The photographs of a source; see `read_photographs`. Made up ones are never held out."""
    if source.name == "synthetic":
        return iter(choose(list(synthetic_photographs(SYNTHETIC if split == "training" else 0))))
    return read_photographs(source.name, source.root, split, size, choose)


def validation_photographs(sources: Sequence[Source], size: int) -> list[Photograph]:
    """A few photographs of the data sets in `VALIDATION`, evenly spread; of the first set where none is."""
    chosen = [source for source in sources if source.name in VALIDATION] or list(sources[:1])
    photographs = []
    for source in chosen:
        held = list(read_source(source, "validation", size))
        count = VALIDATION.get(source.name, 8)
        photographs += held[:: max(1, len(held) // count)][:count]
    return photographs
