"""How each of the peers' programs shows an image to its network: crop, size, mirror image, second look.

Sources: `isegm/inference` and `scripts/evaluate_model.py` of SamsungLabs/ritm_interactive_segmentation,
uncbiag/SimpleClick and XavierCHEN34/ClickSEG.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Zoom:
    """The crop around the mask so far.

    Attributes:
        after: clicks before it begins; -1 shows the whole image by the same resizing from the first click on.
        least: pixels of a side of the crop.
        threshold: that makes a mask of probabilities.
        sticky: whether a crop is kept until a positive click falls outside it or the mask has moved far.
        ratio: of the crop's sides to the mask's.
        moved: a crop is kept while its overlap with the new one, as a product of two IoUs of intervals, is above this.
    """

    after: int
    least: int
    threshold: float
    sticky: bool
    ratio: float = 1.4
    moved: float = 0.5


@dataclass(frozen=True, slots=True)
class Showing:
    """How an image is shown.

    Attributes:
        zoom: of the crop.
        size: pixels of the crop's longer side, or of both where it is squared.
        squared: whether the crop becomes a square, whatever its shape.
        always: whether the whole image too is brought to the size; without it the first click sees it as it is.
        mirrored: whether the mean of the logits with those of the mirror image counts.
        focus: ratio of the second look's crop to what has changed; None without a second look.
        radius: pixels of a click's disk.
        second_radius: of those of the second look.
        binary: whether the network sees the mask so far as 0 and 1.
    """

    zoom: Zoom
    size: int
    squared: bool
    always: bool
    mirrored: bool
    focus: float | None = None
    radius: float = 5
    second_radius: float = 5
    binary: bool = False


RITM = Showing(Zoom(1, 200, 0.5, sticky=True), 400, squared=False, always=False, mirrored=True)
SIMPLECLICK = Showing(Zoom(-1, 200, 0.5, sticky=True), 448, squared=True, always=False, mirrored=True)
FOCALCLICK = Showing(Zoom(1, 10, 0.49, sticky=False), 256, squared=True, always=True, mirrored=False, focus=1.4)
MOBILE = Showing(Zoom(1, 10, 0.49, sticky=False), 384, squared=True, always=True, mirrored=False)

LICENCES: Mapping[str, str] = MappingProxyType(
    {
        "segnext": "code and weights MIT; trained from MAE's weights, CC BY-NC 4.0",
        "ritm": "code and weights MIT",
        "simpleclick": "code and weights MIT; trained from MAE's weights, CC BY-NC 4.0",
        "focalclick": "README says MIT, the LICENSE file Apache-2.0; SegFormer's start has NVIDIA's own licence",
    }
)
"""Of the official checkpoints, as their repositories say."""
