"""What a dataset is once it is open: images in a fixed order, each with the masks that clicks are measured against."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from tamis.arrays import ImageArray, MaskArray
from tamis.errors import InputError
from tamis.image import MAX_PIXELS, read_image


@dataclass(frozen=True)
class Target:
    """A mask that a click should give.

    Attributes:
        id: unique among the targets of its image, the same every time.
        mask: (H, W) bool.
        valid: (H, W) bool, False where pixels are ignored; None where all count.
        label: its class, "" where the dataset names none.
    """

    id: str
    mask: MaskArray
    valid: MaskArray | None = None
    label: str = ""


@dataclass(frozen=True)
class Sample:
    """An image of a dataset; nothing is read before it is asked for.

    Attributes:
        name: unique in the dataset, the same on every machine: the image's path in the dataset, without suffix.
        image_path: the image file.
        targets: reads the masks; an empty mask is given too, so that it can be counted. Raises InputError for a file
            that cannot be read.
        mask_paths: the files that `targets` reads, where these are of this image alone; one for each annotator.
    """

    name: str
    image_path: Path
    targets: Callable[[], Iterator[Target]]
    mask_paths: tuple[Path, ...] = ()

    def image(self, max_pixels: int = MAX_PIXELS) -> ImageArray:
        """(H, W, 3) uint8 RGB; raises InputError for a file that cannot be read."""
        return read_image(self.image_path, max_pixels)


@dataclass(frozen=True)
class Dataset:
    """An opened dataset.

    Attributes:
        name: as `tamis datasets list` has it.
        split: which part, "" where there are no parts.
        root: its folder.
        samples: in the peers' order.
        licence: one line.
        citation: one line.
        unmatched: names of images without masks and of masks without images, by kind: they are not samples, and are
            reported.
    """

    name: str
    split: str
    root: Path
    samples: tuple[Sample, ...]
    licence: str
    citation: str
    unmatched: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def first(self, limit: int | None) -> "Dataset":
        """The dataset of its first `limit` images, of all for None.

        Raises:
            InputError: there is none.
        """
        if not self.samples:
            raise InputError(f"{self.root}: the dataset '{self.name}' has no images")
        return replace(self, samples=self.samples[:limit])


def check_target(image_shape: tuple[int, ...], target: Target, name: str) -> None:
    """Make sure that a mask is as large as its image.

    Args:
        image_shape: (H, W) or (H, W, 3).
        target: one of the image's.
        name: of the sample, for the message.

    Raises:
        InputError: the sizes differ.
    """
    for array in (target.mask, target.valid):
        if array is not None and array.shape != tuple(image_shape[:2]):
            (height, width), (rows, columns) = image_shape[:2], array.shape
            raise InputError(
                f"{name}: mask {target.id} is {columns}x{rows} but the image {width}x{height}; "
                "one of them was resized or belongs to another image"
            )
