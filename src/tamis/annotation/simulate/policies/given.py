"""Masks that are there before anybody begins, as of a trained network: each is corrected by clicks."""

from collections.abc import Callable, Sequence
from pathlib import Path

from tamis.annotation.simulate.policies.protocol import Pending
from tamis.arrays import MaskArray
from tamis.datasets.maskfile import read_half
from tamis.errors import InputError
from tamis.regions.protocol import AnswersByRegion


class Given:
    """What is proposed was made by somebody else.

    Args:
        masks: gives the mask (H, W) of an image by its name, None where there is none.
    """

    def __init__(self, masks: Callable[[str], MaskArray | None]) -> None:
        self._masks = masks

    def next(self, waiting: Sequence[Pending]) -> int:
        """In their order."""
        return 0

    def propose(self, image: Pending, encoded: AnswersByRegion) -> MaskArray | None:
        """The mask that was given.

        Raises:
            InputError: it has another size than its image.
        """
        mask = self._masks(image.name)
        if mask is not None and mask.shape != encoded.shape:
            raise InputError(
                f"the given mask of {image.name} is {mask.shape[1]}x{mask.shape[0]}, but the image "
                f"{encoded.shape[1]}x{encoded.shape[0]}: masks must have the size of their images"
            )
        return mask

    def done(self, image: Pending, encoded: AnswersByRegion, mask: MaskArray) -> None:
        """Nothing is learned."""


def masks_in(folder: Path) -> Callable[[str], MaskArray | None]:
    """Masks in a folder: NAME.png for the image NAME, with its folders or without.

    Raises:
        InputError: there is no such folder.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder of masks; name the one that holds NAME.png for each image")

    def mask_of(name: str) -> MaskArray | None:
        for place in (folder / f"{name}.png", folder / f"{Path(name).name}.png"):
            if place.is_file():
                return read_half(place)
        return None

    return mask_of
