"""Pictures whose pixels are numbers."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import UnidentifiedImageError

from tamis.decoding.opening import open_picture
from tamis.errors import InputError
from tamis.image import MAX_PIXELS


def read_numbers(folder: Path, name: str, colours: Mapping[int, int] | None = None) -> NDArray[Any]:
    """(H, W) the numbers of a grey or palette picture of any depth, as they stand in the file.

    Args:
        folder: of the format's files.
        name: of the picture, below that folder.
        colours: what number 65536 red + 256 green + blue stands for, where pictures in colour are read too.

    Raises:
        InputError: it leads out of the folder, is missing, too large, damaged, or in a colour that stands for nothing.
    """
    path = Path(os.path.normpath(folder / name))
    if os.path.commonpath([os.path.realpath(folder), os.path.realpath(path)]) != os.path.realpath(folder):
        raise InputError(f"{name}: leads out of {folder}")
    try:
        with open_picture(path) as file:
            if file.width * file.height > MAX_PIXELS:
                raise InputError(f"{path}: {file.width}x{file.height} pixels are too many")
            if file.mode in ("RGB", "RGBA") and colours is not None:
                return _numbered(np.array(file.convert("RGB")), colours, path)
            if file.mode not in ("1", "L", "P", "I", "I;16", "I;16B"):
                raise InputError(f"{path}: is in colour, where one number for each pixel is expected")
            return np.array(file)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; it belongs to the export") from None
    except (UnidentifiedImageError, SyntaxError, EOFError, OSError) as error:
        raise InputError(f"{path}: is no picture that can be read ({error})") from error


def _numbered(pixels: NDArray[np.uint8], colours: Mapping[int, int], path: Path) -> NDArray[np.int64]:
    values, inverse = np.unique(pixels.astype(np.int64) @ (65536, 256, 1), return_inverse=True)
    strange = [value for value in values.tolist() if value not in colours]
    if strange:
        raise InputError(f"{path}: the colour #{strange[0]:06x} stands for nothing")
    numbers = np.array([colours[value] for value in values.tolist()], np.int64)
    return numbers[inverse].reshape(pixels.shape[:2])
