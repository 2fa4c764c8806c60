"""Data sources of a training, and the share of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tamis.errors import InputError
from tamis.training.photographs import LAYOUTS, Photograph, read_photographs

SHARES = {
    "bsds500": 0.45,
    "duts": 0.25,
    "coco_mval": 0.08,
    "camvid": 0.06,
    "weizmann_horses": 0.05,
    "coco128_seg": 0.04,
    "leeds_butterflies": 0.03,
    "feral_cats": 0.03,
    "dsb2018": 0.01,
}
"""The share of crops that each data set gives: balanced by what can be learned from it, not by its size."""


VALIDATION = {"duts": 24, "coco_mval": 23, "weizmann_horses": 13, "feral_cats": 6}
"""How many held-out photographs of a data set validation looks at."""


@dataclass(frozen=True, slots=True)
class Source:
    """A data set to train on: `NAME=ROOT[:weight]` on the command line."""

    name: str
    root: Path
    share: float


def parse_source(text: str) -> Source:
    """Read `NAME=ROOT[:weight]`; the share defaults to `SHARES`, or .02.

    Raises:
        InputError: the text has another form, or the name is unknown.

    >>> parse_source("duts=/data/duts:.5").share
    0.5
    """
    name, equals, rest = text.partition("=")
    if not equals or not rest:
        raise InputError(f"data source {text!r} must read NAME=ROOT or NAME=ROOT:weight")
    if name not in LAYOUTS:
        raise InputError(f"no layout is known for data set {name!r}: choose from {', '.join(LAYOUTS)}")
    root, colon, weight = rest.rpartition(":")
    try:
        return Source(name, Path(root), float(weight)) if colon else Source(name, Path(rest), SHARES.get(name, 0.02))
    except ValueError:
        return Source(name, Path(rest), SHARES.get(name, 0.02))


def validation_photographs(sources: Sequence[Source], size: int) -> list[Photograph]:
    """A few held-out photographs of the data sets in `VALIDATION`, evenly spread; of the first set where none is."""
    chosen = [source for source in sources if source.name in VALIDATION] or list(sources[:1])
    photographs = []
    for source in chosen:
        held = list(read_photographs(source.name, source.root, "held-out", size))
        count = VALIDATION.get(source.name, 8)
        photographs += held[:: max(1, len(held) // count)][:count]
    return photographs
