"""The masks of one image that nobody clicked on, as a sequence."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ImageArray, LabelArray, MaskArray
from tamis.clicks import Click
from tamis.errors import InputError
from tamis.formats import coco
from tamis.formats.svg import svg_of
from tamis.image import write_image
from tamis.mask import Masks, label_map
from tamis.render.overlays import overlay
from tamis.results.files import write_bytes, write_json


@dataclass(frozen=True, eq=False, repr=False)
class Proposal:
    """One mask of an image.

    Attributes:
        masks: this mask alone.
        score: in [0, 1], the IoU that it probably has with an object.
        click: that made it; None for a region of a partition.
    """

    masks: Masks
    score: float
    click: Click | None

    @cached_property
    def mask(self) -> MaskArray:
        """(H, W) bool."""
        mask: MaskArray = self.masks[0]
        return mask

    @property
    def area(self) -> int:
        """In pixels."""
        return int(self.masks.areas[0])

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, right and bottom in pixels, right and bottom exclusive; zeros for an empty mask."""
        left, top, right, bottom = self.masks.boxes[0].tolist()
        return left, top, right, bottom

    def __repr__(self) -> str:
        return f"Proposal(area={self.area}, box={self.box}, score={self.score:.2f})"


@dataclass(frozen=True, eq=False, repr=False)
class Proposals(Sequence[Proposal]):
    """Masks of one image, those that tell most of it first.

    Attributes:
        masks: N masks of the original size.
        scores: (N,) float32 in [0, 1]; 1 for the regions of a partition.
        clicks: the N clicks that made them; none for the regions of a partition.
        stabilities: (N,) float32, SAM's stability of each where it was measured.
        image: (H, W, 3) uint8 RGB, the image; None where nobody said which.
        file_name: of the image, as files name it.
    """

    masks: Masks
    scores: NDArray[np.float32]
    clicks: list[Click]
    stabilities: NDArray[np.float32] | None = None
    image: ImageArray | None = field(default=None, kw_only=True)
    file_name: str = field(default="", kw_only=True)

    def __len__(self) -> int:
        return len(self.masks)

    @overload
    def __getitem__(self, chosen: int) -> Proposal: ...

    @overload
    def __getitem__(self, chosen: slice | NDArray[np.integer] | NDArray[np.bool_]) -> "Proposals": ...

    def __getitem__(self, chosen: int | slice | NDArray[np.integer] | NDArray[np.bool_]) -> "Proposal | Proposals":
        if isinstance(chosen, int | np.integer):
            index = range(len(self))[int(chosen)]
            click = self.clicks[index] if self.clicks else None
            return Proposal(self.masks[index : index + 1], float(self.scores[index]), click)
        kept = np.arange(len(self))[chosen]
        return replace(
            self,
            masks=self.masks[kept],
            scores=self.scores[kept],
            clicks=[self.clicks[i] for i in kept.tolist()] if self.clicks else [],
            stabilities=None if self.stabilities is None else self.stabilities[kept],
        )

    def __iter__(self) -> Iterator[Proposal]:
        return (self[index] for index in range(len(self)))

    def __repr__(self) -> str:
        height, width = self.masks.shape
        return f"Proposals({len(self)} masks of {self.file_name or 'an image'}, {width}x{height})"

    def filter(self, keep: Callable[[Proposal], bool]) -> "Proposals":
        """Those for which `keep` is true, in the same order."""
        return self[np.array([bool(keep(each)) for each in self], dtype=bool)]

    def label_map(self) -> LabelArray:
        """(H, W) uint16, or uint32 where there are too many: 1 to N, smaller masks on top; 0 where there is none."""
        return label_map(self.masks)

    def overlay(self, strength: float = 0.55) -> ImageArray:
        """(H, W, 3) uint8: the image with every mask in a colour of its own and thin outlines.

        Args:
            strength: 0 shows the image, 1 flat colours.

        Raises:
            InputError: it is not known which image these masks are of.
        """
        if self.image is None:
            raise InputError("it is not known which image these masks are of: use replace(proposals, image=pixels)")
        return overlay(self.image, self.masks, strength)

    def details(self) -> list[dict[str, Any]]:
        """For each mask what files say of it besides its pixels: score, click and, where measured, stability."""
        if not self.clicks:
            return [{} for _ in range(len(self))]
        stabilities = [None] * len(self) if self.stabilities is None else self.stabilities.tolist()
        return [
            {
                "score": round(float(score), 6),
                **({} if stability is None else {"stability": round(stability, 6)}),
                "click": [round(click.x, 2), round(click.y, 2)],
            }
            for score, stability, click in zip(self.scores, stabilities, self.clicks, strict=True)
        ]

    def to_coco(self) -> dict[str, Any]:
        """A COCO dataset of this one image, masks as run lengths, ready for JSON."""
        annotations = coco.annotations_of(self.masks, self.details())
        return coco.dataset_of([coco.CocoImage(self.file_name, self.masks.shape, annotations)], {})

    def save(self, path: str | Path) -> None:
        """Write the masks, in the form that the suffix names: .json COCO, .png or .tif the label map, .svg outlines.

        Raises:
            InputError: another suffix, or more masks than a label map of 16 bits can number.
            OutputError: it cannot be written.
        """
        path = Path(path)
        suffix = path.suffix.lower()
        if suffix == ".json":
            write_json(path, self.to_coco(), indent=None)
        elif suffix == ".svg":
            write_bytes(path, svg_of(self.masks, self.details()).encode())
        elif suffix in (".png", ".tif", ".tiff"):
            labels = self.label_map()
            if labels.dtype != np.uint16:
                raise InputError(f"{len(self)} masks do not fit a 16-bit label map; keep fewer")
            write_image(path, labels)
        else:
            raise InputError(f"{path}: write masks to .json (COCO), .png (label map) or .svg")
