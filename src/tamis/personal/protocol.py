"""What personalised segmentation takes and gives, whatever the method."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ImageArray, MaskArray, ProbabilityArray
from tamis.errors import InputError


@dataclass(frozen=True, eq=False)
class Reference:
    """An object in an image.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        mask: (H, W) bool, at least one pixel.
        name: of the image, for messages.

    Raises:
        InputError: the mask is empty or of another size than the image.
    """

    image: ImageArray
    mask: MaskArray
    name: str = "reference"

    def __post_init__(self) -> None:
        (height, width), (rows, columns) = self.image.shape[:2], self.mask.shape
        if (height, width) != (rows, columns):
            raise InputError(
                f"{self.name}: its mask is {columns}x{rows} but the image {width}x{height}; give the mask of this image"
            )
        if not self.mask.any():
            raise InputError(f"{self.name}: its mask is empty; draw the object, or choose another reference")


@dataclass(frozen=True, eq=False)
class Location:
    """What a method says of an object in a target image.

    Attributes:
        probability: (H, W) float32, P(pixel is of the object | the object is there).
        presence: in [0, 1], how sure the method is that the object is there at all.
        predicted_iou: in [0, 1], how good the mask probably is.
    """

    probability: ProbabilityArray
    presence: float
    predicted_iou: float

    @property
    def mask(self) -> MaskArray:
        """(H, W) bool: where the probability is above one half, whether the object is there or not."""
        return np.asarray(self.probability > 0.5)


class Memory(Protocol):
    """An object as a method remembers it: everything that references need is done once, for any number of targets."""

    def locate(self, seen: Any) -> Location:
        """Find the object in a target, as `Method.look` has seen it."""
        ...

    def present(self, seen: Any) -> float:
        """The presence that `locate` tells, for less work where nobody asks for the mask."""
        ...

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """All that `Method.recalled` needs, under names that are identifiers."""
        ...


class Method(Protocol):
    """A way to find again what a reference shows."""

    @property
    def name(self) -> str:
        """As --method takes it."""
        ...

    @property
    def weights_sha256(self) -> str:
        """Of the weights: a memory is good for these alone."""
        ...

    def look(self, image: ImageArray) -> Any:
        """Do all the work on a target (H, W, 3) uint8 RGB that does not depend on what is looked for."""
        ...

    def remember(self, references: Sequence[Reference]) -> Memory:
        """Look at one object in one or more references.

        Raises:
            InputError: there is none.
        """
        ...

    def recalled(self, arrays: Mapping[str, NDArray[Any]]) -> Memory:
        """The memory whose `arrays()` these are."""
        ...


def locate(method: Method, references: Sequence[Reference], target: ImageArray) -> Location:
    """Find the object of the references in one target (H, W, 3) uint8 RGB; for several, `remember` once."""
    return method.remember(references).locate(method.look(target))
