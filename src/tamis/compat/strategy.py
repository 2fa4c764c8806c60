"""SAM's mask generators as a way to find the masks of a whole image."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from tamis.arrays import ImageArray
from tamis.clicks import Click
from tamis.compat.generator import SAM2AutomaticMaskGenerator, SamAutomaticMaskGenerator
from tamis.errors import InputError
from tamis.mask import Masks
from tamis.proposals.collection import Proposals
from tamis.segmentors import Segmentor

Version = Literal["sam", "sam2"]

GENERATORS: Mapping[str, type[SamAutomaticMaskGenerator]] = MappingProxyType(
    {"sam": SamAutomaticMaskGenerator, "sam2": SAM2AutomaticMaskGenerator}
)


@dataclass(frozen=True)
class SamGenerator:
    """What the automatic mask generator of SAM or SAM 2 finds, by its own thresholds, steps and order.

    Attributes:
        version: whose.
        points_per_side: of its grid.
    """

    version: Version = "sam"
    points_per_side: int = 32

    def __post_init__(self) -> None:
        if self.version not in GENERATORS:
            raise InputError(f"there is no generator '{self.version}': choose from {', '.join(GENERATORS)}")
        if self.points_per_side < 1:
            raise InputError(f"a grid needs at least 1 click per side, not {self.points_per_side}")


def generate(segmentor: Segmentor, image: ImageArray, strategy: SamGenerator) -> tuple[Proposals, list[dict[str, Any]]]:
    """The masks of an image, and the generator's own records of them.

    Args:
        segmentor: the model.
        image: (H, W, 3) uint8 RGB.
        strategy: which generator.
    """
    make = GENERATORS[strategy.version]
    records = make(segmentor, points_per_side=strategy.points_per_side, output_mode="coco_rle").generate(image)
    masks = Masks.from_coco([record["segmentation"] for record in records], (image.shape[0], image.shape[1]))
    clicks = [Click(x + 0.5, y + 0.5) for record in records for x, y in record["point_coords"]]
    scores = np.array([record["predicted_iou"] for record in records], np.float32)
    stabilities = np.array([record["stability_score"] for record in records], np.float32)
    return Proposals(masks, scores, clicks, stabilities), records
