"""Pictures whose pixels are numbers."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import UnidentifiedImageError

from tamis.errors import InputError
from tamis.image import MAX_PIXELS, open_picture


def read_numbers(folder: Path, name: str) -> NDArray[Any]:
    """(H, W) the numbers of a grey or palette picture of any depth, as they stand in the file.

    Args:
        folder: of the format's files.
        name: of the picture, below that folder.

    Raises:
        InputError: it leads out of the folder, is missing, too large, damaged, or in colour.
    """
    path = Path(os.path.normpath(folder / name))
    if os.path.commonpath([os.path.realpath(folder), os.path.realpath(path)]) != os.path.realpath(folder):
        raise InputError(f"{name}: leads out of {folder}")
    try:
        with open_picture(path) as file:
            if file.width * file.height > MAX_PIXELS:
                raise InputError(f"{path}: {file.width}x{file.height} pixels are too many")
            if file.mode not in ("1", "L", "P", "I", "I;16", "I;16B"):
                raise InputError(f"{path}: is in colour, where one number for each pixel is expected")
            return np.array(file)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; it belongs to the export") from None
    except (UnidentifiedImageError, SyntaxError, EOFError, OSError) as error:
        raise InputError(f"{path}: is no picture that can be read ({error})") from error
