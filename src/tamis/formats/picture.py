"""Pictures whose pixels are numbers."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import UnidentifiedImageError

from tamis.decoding.opening import open_picture
from tamis.errors import InputError
from tamis.image import MAX_PIXELS


@dataclass(frozen=True)
class Picture:
    """A picture whose pixels stand for something.

    Attributes:
        path: of the file.
        numbers: (H, W), as they stand in the file; of a picture in colour one for each colour.
        colours: of the numbers, 65536 red + 256 green + blue; None of a grey picture.
        is_palette: whether the file has numbers of its own for its colours.
    """

    path: Path
    numbers: NDArray[Any]
    colours: Mapping[int, int] | None
    is_palette: bool


def read_numbers(folder: Path, name: str) -> NDArray[Any]:
    """(H, W) the numbers of a grey or palette picture of any depth, as they stand in the file.

    Args:
        folder: of the format's files.
        name: of the picture, below that folder.

    Raises:
        InputError: it leads out of the folder, is missing, too large, damaged, or in colour.
    """
    picture = read_picture(folder, name)
    if picture.colours is not None and not picture.is_palette:
        raise InputError(f"{picture.path}: is in colour, where one number for each pixel is expected")
    return picture.numbers


def read_picture(folder: Path, name: str) -> Picture:
    """A grey, palette or colour picture.

    Args:
        folder: of the format's files.
        name: of the picture, below that folder.

    Raises:
        InputError: it leads out of the folder, is missing, too large or damaged.
    """
    path = Path(os.path.normpath(folder / name))
    if os.path.commonpath([os.path.realpath(folder), os.path.realpath(path)]) != os.path.realpath(folder):
        raise InputError(f"{name}: leads out of {folder}")
    try:
        with open_picture(path) as file:
            if file.width * file.height > MAX_PIXELS:
                raise InputError(f"{path}: {file.width}x{file.height} pixels are too many")
            if file.mode == "P":
                table = np.array(file.getpalette("RGB") or [], np.int64).reshape(-1, 3) @ (65536, 256, 1)
                numbers = np.array(file)
                known = dict(enumerate(table.tolist()))
                return Picture(path, numbers, {value: known.get(value, 0) for value in range(256)}, True)
            if file.mode in ("1", "L", "I", "I;16", "I;16B"):
                return Picture(path, np.array(file), None, False)
            if file.mode not in ("RGB", "RGBA"):
                raise InputError(f"{path}: is a picture of kind {file.mode}; save it as PNG, in grey or in colour")
            codes = np.array(file.convert("RGB")).astype(np.int64) @ (65536, 256, 1)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; it belongs to the export") from None
    except (UnidentifiedImageError, SyntaxError, EOFError, OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: is no picture that can be read ({error})") from error
    values, inverse = np.unique(codes, return_inverse=True)
    return Picture(path, inverse.reshape(codes.shape), dict(enumerate(values.tolist())), False)
