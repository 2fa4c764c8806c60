"""The rules of an interactive evaluation, and those of the peers."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from tamis.errors import InputError

Clicker = Literal["center", "random"]


@dataclass(frozen=True)
class Rules:
    """What decides the clicks and the numbers of an evaluation, besides segmentor, dataset and seed.

    Attributes:
        clicker: "center" is RITM's: every click in the middle of the largest error, the first in the middle of the
            mask. "random": the first click uniform over the mask, every further one uniform over the wrong pixels.
        clicks: how many at most.
        threshold: a pixel is in the mask if its probability is greater.
        repeats: how often a mask is tried, each time with clicks of its own.
        stop_at: no more clicks once this IoU is reached; None never stops.
        min_area: smaller masks, in pixels, are skipped and counted.
        combine: how one-click answers become one (`tamis.evaluation.combining.RULES`); "native" asks the segmentor.
        tta: geometric augmentations of `tamis.segmentors.wrappers.augmented` that answers are averaged over.
    """

    clicker: Clicker = "random"
    clicks: int = 1
    threshold: float = 0.5
    repeats: int = 3
    stop_at: float | None = None
    min_area: int = 256
    combine: str = "native"
    tta: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.threshold <= 1:
            raise InputError(f"a threshold of {self.threshold:g} is no probability; choose one from 0 to 1")


PROTOCOLS: Mapping[str, Rules] = MappingProxyType(
    {
        "tamis": Rules(),
        "ritm": Rules("center", clicks=20, threshold=0.49, repeats=1, stop_at=0.90, min_area=1),
        "segnext": Rules("center", clicks=20, threshold=0.49, repeats=1, stop_at=0.95, min_area=1),
    }
)
"""`tamis`: one uniform random click, threshold .5, masks of at least 256 = 16 × 16 pixels, original resolution.

`ritm` and `segnext`: the loops of SamsungLabs/ritm_interactive_segmentation and uncbiag/SegNext with their defaults.
"""
