"""Mask files of every kind, as arrays and as targets."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import UnidentifiedImageError

from tamis.arrays import LabelArray, MaskArray
from tamis.datasets.protocol import Target
from tamis.decoding.opening import open_picture
from tamis.errors import InputError

ONLY = "1"
"""The id of the target where an image has just one."""

Pixels = NDArray[Any]


def read_labels(path: Path) -> LabelArray:
    """Read a label map: the values as they are stored, of a palette image the indices.

    A colour picture gives one label for each colour, red × 65536 + green × 256 + blue, or the grey value where it has
    no colour; alpha is left out.

    Returns:
        (H, W) integers.

    Raises:
        InputError: the file is missing, damaged, or holds no whole numbers.
    """
    pixels = _pixels(path, palette=False)
    if not np.issubdtype(pixels.dtype, np.integer):
        raise InputError(f"{path}: a label map holds whole numbers, not {pixels.dtype}; save it as a PNG")
    if pixels.ndim == 2:
        return pixels
    red, green, blue = np.moveaxis(pixels.astype(np.int32), 2, 0)
    if np.array_equal(red, green) and np.array_equal(red, blue):
        return np.asarray(pixels[..., 0])
    return np.asarray((red << 16) + (green << 8) + blue)


def read_any_channel(path: Path) -> MaskArray:
    """Read a mask as SegNext does: True where any of the three channels is above 0; (H, W) bool.

    Raises:
        InputError: the file is missing or damaged.
    """
    pixels = _pixels(path, palette=True)
    return np.asarray(pixels > 0 if pixels.ndim == 2 else pixels.max(axis=2) > 0)


def read_half(path: Path) -> MaskArray:
    """Read a mask of one object with soft edges: True from half of the file's largest value on; (H, W) bool.

    It serves masks of 0 and 1, of 0 and 255, and grey ones alike.

    Raises:
        InputError: the file is missing or damaged.
    """
    pixels = _pixels(path, palette=True)
    values = pixels if pixels.ndim == 2 else pixels.max(axis=2)
    return np.asarray((values > 0) & (values * 2.0 >= values.max(initial=0)))


def any_channel_target(path: Path) -> Iterator[Target]:
    """The one target of a file, by `read_any_channel`."""
    yield Target(ONLY, read_any_channel(path))


def half_target(path: Path) -> Iterator[Target]:
    """The one target of a file, by `read_half`."""
    yield Target(ONLY, read_half(path))


def label_targets(
    labels: LabelArray, background: int | None = 0, ignore: int | None = None, prefix: str = ""
) -> Iterator[Target]:
    """A target for each label of a map, the label being its id; a map of background alone gives one empty target.

    Args:
        labels: (H, W) integers.
        background: the label that is no target; None where every label is one.
        ignore: the label whose pixels do not count.
        prefix: what stands before the label in the id.
    """
    known = None if ignore is None else labels != ignore
    valid = None if known is None or known.all() else known
    values = [value for value in np.unique(labels).tolist() if value not in (background, ignore)]
    for value in values:
        yield Target(f"{prefix}{value}", np.asarray(labels == value), valid)
    if not values:
        yield Target(f"{prefix}{ONLY}", np.zeros(labels.shape, np.bool_), valid)


def _pixels(path: Path, palette: bool) -> Pixels:
    """(H, W) or (H, W, 3); `palette` says whether palette indices are turned into colours."""
    try:
        # A mask is as large as its image, which has been checked for its size.
        with open_picture(path) as file:
            if file.mode == "1":
                return np.asarray(file.convert("L")) // 255
            if file.mode == "P" and not palette:
                return np.asarray(file)
            if file.mode == "LA":
                return np.asarray(file.convert("L"))
            if file.mode not in ("L", "RGB", "F") and not file.mode.startswith("I"):
                return np.asarray(file.convert("RGB"))
            return np.asarray(file)
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such mask; check the name") from None
    except UnidentifiedImageError:
        raise InputError(f"{path}: not a mask that can be read; copy or download it again") from None
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise InputError(f"{path}: the mask is damaged or cut off ({error}); copy or download it again") from error
