"""What an annotator's actions cost, in seconds, and how they err."""

import json
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from types import MappingProxyType

from tamis.errors import InputError

SOURCES = MappingProxyType(
    {
        "click": "Papadopoulos et al., Extreme clicking, ICCV 2017: 7 s for four clicks",
        "polygon": "cvat-ai/cvat#2936: 107.5 objects an hour by hand, 33 s each",
        "switch": "assumed",
        "inspect": "assumed; SAM 2's data engine (arXiv 2408.00714) takes 4.5 s a frame with all that is done there",
        "accept": "assumed: a key",
        "reject": "assumed: a key",
        "undo": "assumed: a key",
        "brush": "assumed: a stroke as long as the diagonal takes a third of a polygon",
    }
)
"""Where the default costs are from. No study was found that measured looking, accepting or rejecting: fit your own."""


@dataclass(frozen=True)
class Costs:
    """Seconds, and what people are like.

    Attributes:
        switch: to the next image.
        inspect: looking at a mask that is proposed, or at an image without one.
        accept: a mask that is good enough.
        reject: a proposal that is worth nothing.
        click: one, with looking at what came of it.
        undo: taking back a click that made the mask worse.
        brush: a stroke as long as the image's diagonal, besides a click to begin it.
        polygon: drawing an object by hand, where nothing else gets there.
        jitter: standard deviation of where a click lands, as a share of the root of the mask's area.
        misjudged: standard deviation of the IoU that the annotator sees.
        fatigue: how much slower everything is after an hour, as a share.
        worthless: a proposal below this IoU is rejected, not corrected.
        patience: clicks in a row that gain next to nothing, after which they take the brush.
    """

    switch: float = 1.0
    inspect: float = 1.5
    accept: float = 0.8
    reject: float = 0.8
    click: float = 1.75
    undo: float = 0.8
    brush: float = 11.0
    polygon: float = 33.0
    jitter: float = 0.0
    misjudged: float = 0.0
    fatigue: float = 0.0
    worthless: float = 0.6
    patience: float = 2

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
                raise InputError(f"the cost {field.name} must be a number that is not negative, not {value!r}")


def read_costs(path: Path) -> Costs:
    """Costs from a JSON file; what it does not name is as by default.

    Raises:
        InputError: it cannot be read, or names something else.
    """
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as JSON: {error}") from error
    known = [field.name for field in fields(Costs)]
    if not isinstance(said, dict) or (others := sorted(set(said) - set(known) - {"sources"})):
        what = f"names {', '.join(others)}" if isinstance(said, dict) else "is no object"
        raise InputError(f"{path} {what}; costs are {', '.join(known)}")
    return replace(Costs(), **{name: value for name, value in said.items() if name != "sources"})


def costs_as_json(costs: Costs) -> dict[str, object]:
    """With where the numbers are from, as far as they are the default ones."""
    default = Costs()
    kept = {name: source for name, source in SOURCES.items() if getattr(costs, name) == getattr(default, name)}
    return {**asdict(costs), "sources": kept}
