"""What a model that answers by region gives of an image, whoever made it."""

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray


@runtime_checkable
class AnswersByRegion(Protocol):
    """An encoded image whose answer depends only on the region a click falls in: a label map and a matrix.

    Whoever offers these gets the quick way everywhere: proposals and partitions without asking click by click, boxes,
    and a table of all answers in the browser. `tamis.regions.encoded.EncodedRegions` is one that has them all.
    """

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) of the original image in pixels."""
        ...

    @property
    def region_map(self) -> NDArray[np.uint16]:
        """(h, w) uint16: the region of every pixel, numbered 0 to R - 1, at the segmentor's own resolution."""
        ...

    @property
    def fine_map(self) -> NDArray[np.uint16]:
        """(H, W) uint16: the region of every pixel of the original image; some regions may have none there."""
        ...

    @property
    def answers(self) -> NDArray[np.uint8]:
        """(G, R, R) uint8: answers[g, r, s] = 255 · P(region s in mask | click in region r), the finest g first."""
        ...

    @property
    def ratings(self) -> NDArray[np.uint8]:
        """(G, R) uint8: 255 · predicted IoU of the answers to a click in each region."""
        ...

    @property
    def descriptors(self) -> NDArray[np.float32]:
        """(R, D) float32: what a region looks like; near descriptors, similar regions."""
        ...
