"""Images with a class for every pixel: opening a dataset, reading one sample, and what to do where a file is broken."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis.errors import InputError
from tamis.semantic.data.class_tables import ClassTable, Palette
from tamis.semantic.data.layouts import open_layout

IGNORE = 255
"""The class index of pixels that count neither in the loss nor in a measure."""

_FOREIGN = 254
"""What label values that no class has are turned into, for a moment."""

MAX_ATTEMPTS = 1000
"""How many samples are tried before a dataset counts as broken."""

Pixels = NDArray[np.uint8]


class BrokenFileError(InputError):
    """A file that cannot be read: another sample may take its place."""


@dataclass(frozen=True)
class SemanticDataset:
    """Images and label maps.

    Attributes:
        name: of the layout and the split.
        classes: in the order of their indices.
        palette: (C, 3) uint8 RGB.
        images: paths.
        labels: the path of each image's label map.
        zero_is_ignored: label 0 is no class and label k is class k - 1 (ADE20K's `reduce_zero_label`).
        ignored: further label values that are no class; 255 is one in any case.
        values: the label value of each class where they are not 0, 1, 2 and so on.
    """

    name: str
    classes: tuple[str, ...]
    palette: Palette
    images: tuple[Path, ...]
    labels: tuple[Path, ...]
    zero_is_ignored: bool = False
    ignored: tuple[int, ...] = ()
    values: tuple[int, ...] = ()

    @classmethod
    def of_files(cls, name: str, table: ClassTable, pairs: Sequence[tuple[Path, Path]]) -> "SemanticDataset":
        """A dataset of images and their label maps, whose values mean what a class table says."""
        return cls(
            name=name,
            classes=table.names,
            palette=table.palette,
            images=tuple(image for image, _ in pairs),
            labels=tuple(label for _, label in pairs),
            zero_is_ignored=table.zero_is_ignored,
            ignored=table.ignored,
            values=table.values,
        )

    def __len__(self) -> int:
        return len(self.images)

    @cached_property
    def class_of(self) -> Pixels:
        """(256,) uint8: the class index of each label value, 255 where it is ignored, 254 where there is none."""
        table = np.full(256, _FOREIGN, np.uint8)
        indices = np.arange(len(self.classes), dtype=np.uint8)
        table[np.array(self.values) if self.values else indices + self.zero_is_ignored] = indices
        table[[*self.ignored, *([0] if self.zero_is_ignored else []), IGNORE]] = IGNORE
        return table


def open_semantic(root: Path, split: str, layout: str = "auto") -> SemanticDataset:
    """Open a folder of images and label maps.

    Args:
        root: the folder.
        split: the part, such as `train` or `val`.
        layout: a name of `tamis.semantic.data.layouts.LAYOUTS`, or `auto` for the one that it looks like.

    Raises:
        InputError: the folder, the split, a label map or the class table is missing; the expected tree is shown.
    """
    name, found = open_layout(root, split, layout)
    return SemanticDataset.of_files(f"{name} {split}", found.table, found.pairs)


def read_sample(dataset: SemanticDataset, index: int) -> tuple[Pixels, Pixels]:
    """Read an image and its label map.

    Returns:
        (H, W, 3) uint8 BGR, and (H, W) uint8 class indices, 255 where a pixel is ignored.

    Raises:
        BrokenFileError: a file is missing, empty or cut off.
        InputError: their sizes differ, or the label map has a value that no class has.
    """
    image, label = read_bgr(dataset.images[index]), read_label(dataset.labels[index])
    if image.shape[:2] != label.shape:
        (height, width), (rows, columns) = image.shape[:2], label.shape
        raise InputError(
            f"{dataset.labels[index]}: {columns}x{rows}, but the image {dataset.images[index]} is {width}x{height}; "
            "save the label map in the size of its image"
        )
    return image, class_indices(dataset, label, dataset.labels[index])


def class_indices(dataset: SemanticDataset, label: Pixels, path: Path) -> Pixels:
    """Turn the values of a label map into class indices.

    Args:
        dataset: says what the values mean.
        label: (H, W) uint8, as stored.
        path: what to name if a value means nothing.

    Returns:
        (H, W) uint8, 255 where a pixel is ignored.

    Raises:
        InputError: a value that no class has.
    """
    import cv2

    indices = np.asarray(cv2.LUT(label, dataset.class_of), dtype=np.uint8)
    foreign = indices == _FOREIGN
    if foreign.any():
        first = int(np.argmax(foreign))
        row, column = divmod(first, label.shape[1])
        raise InputError(
            f"{path}: label {label[row, column]} at row {row}, column {column}, but the {len(dataset.classes)} classes "
            f"of {dataset.name} have {_values_said(dataset)}; correct the file or the class table"
        )
    return indices


def read_bgr(path: Path) -> Pixels:
    """Read an image as mmcv's default backend does, OpenCV with the EXIF orientation applied; (H, W, 3) uint8 BGR.

    Raises:
        BrokenFileError: the file is missing, empty, cut off or no image.
    """
    import cv2

    content = _content(path)
    if _is_cut_off(content):  # OpenCV fills up what is missing with grey, and says nothing to the program
        raise BrokenFileError(f"{path}: the image is cut off; copy or download it again")
    pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        raise BrokenFileError(f"{path}: not an image that can be read; copy or download it again")
    return np.asarray(pixels, dtype=np.uint8)


def read_label(path: Path) -> Pixels:
    """Read a label map as stored: grey values, or the indices of a palette; (H, W) uint8.

    Raises:
        BrokenFileError: the file is missing, empty, cut off or no picture.
        InputError: it has colours, or more than 8 bits with values above 255.
    """
    content = _content(path)
    if _is_cut_off(content):
        raise BrokenFileError(f"{path}: the label map is cut off; copy or download it again")
    pixels = _grey_png(content)
    if pixels is None:
        pixels = _by_pillow(path, content)
    if pixels.ndim != 2:
        raise InputError(f"{path}: has colours instead of label values; save it as a grey or palette PNG")
    if pixels.dtype == bool or pixels.dtype == np.uint8:
        return np.asarray(pixels, dtype=np.uint8)
    if pixels.size and not 0 <= pixels.min() <= pixels.max() <= 255:
        raise InputError(f"{path}: label {pixels.max()}, but label values go up to 255; save it with 8 bits")
    return pixels.astype(np.uint8)


def _grey_png(content: bytes) -> NDArray[Any] | None:
    """The pixels of a grey PNG of 8 bits, read by OpenCV, which takes less time than Pillow; None for other files.

    The header says so in its bytes 24 (bits) and 25 (0 for grey).
    """
    if not content.startswith(b"\x89PNG") or content[24:26] != b"\x08\x00":
        return None
    import cv2

    pixels: NDArray[Any] | None = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    return pixels if pixels is not None and pixels.ndim == 2 else None


def _by_pillow(path: Path, content: bytes) -> NDArray[Any]:
    """The pixels of any picture as stored, of a palette the indices."""
    from io import BytesIO

    from PIL import Image

    try:
        with Image.open(BytesIO(content)) as file:
            return np.asarray(file)
    except (OSError, SyntaxError, ValueError) as error:
        raise BrokenFileError(f"{path}: the label map cannot be read ({error}); copy or download it again") from error


@dataclass
class BrokenFiles:
    """The samples that could not be read, and how often each was asked for.

    Attributes:
        reasons: by index of the sample.
        times: by index of the sample.
    """

    reasons: dict[int, str] = field(default_factory=dict)
    times: dict[int, int] = field(default_factory=dict)

    def note(self, index: int, error: BrokenFileError) -> None:
        """Count a sample, and keep what was wrong with it."""
        self.reasons[index] = str(error)
        self.times[index] = self.times.get(index, 0) + 1


def read_or_replace(
    dataset: SemanticDataset, index: int, rng: np.random.Generator, broken: BrokenFiles
) -> tuple[Pixels, Pixels]:
    """Read a sample, or another drawn at random where its files are broken, as mmengine's datasets do.

    Args:
        dataset: what to read.
        index: which sample.
        rng: draws the others.
        broken: gets the samples that were passed over, with the reason.

    Returns:
        As `read_sample`.

    Raises:
        InputError: as `read_sample`, or a thousand samples in a row are broken.
    """
    for _ in range(MAX_ATTEMPTS):
        try:
            return read_sample(dataset, index)
        except BrokenFileError as error:
            broken.note(index, error)
            index = int(rng.integers(0, len(dataset)))
    example = next(iter(broken.reasons.values()))
    raise InputError(f"{dataset.name}: {MAX_ATTEMPTS} samples in a row are broken; {example}")


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BrokenFileError(f"{path}: cannot be read ({error.strerror}); copy or download it again") from error
    if not content:
        raise BrokenFileError(f"{path}: the file is empty; copy or download it again")
    return content


def _is_cut_off(content: bytes) -> bool:
    """Whether the mark that ends a JPEG or PNG is missing; in compressed JPEG data no such mark can occur by chance."""
    if content.startswith(b"\xff\xd8"):
        return content.rfind(b"\xff\xd9") < content.rfind(b"\xff\xda")
    return content.startswith(b"\x89PNG") and b"IEND" not in content


def _values_said(dataset: SemanticDataset) -> str:
    known: Sequence[int] = np.flatnonzero(dataset.class_of < _FOREIGN).tolist()
    if known == list(range(known[0], known[-1] + 1)):
        return f"{known[0]} to {known[-1]}"
    return ", ".join(map(str, known))
