"""The images themselves beside what is said of them: copied, linked, or written anew for those who cannot read them."""

import os
import shutil
from collections.abc import Collection
from pathlib import Path

from PIL import Image

from tamis.errors import OutputError
from tamis.formats.record import Pixels
from tamis.image import read_header, read_image


def put_image(source: Path, target: Path, how: Pixels, readable: Collection[str]) -> Path:
    """Put an image where a trainer looks for it, upright, since masks are.

    Args:
        source: the image.
        target: where to, with the suffix of the source.
        how: "copy" or "link"; what has to be written anew is no link.
        readable: suffixes that the trainer reads, such as ".jpg"; others become the first of them.

    Returns:
        Where it is, which has another suffix than the target if the image was written anew.

    Raises:
        InputError: the image cannot be read.
        OutputError: it cannot be written.
    """
    suffixes = list(readable)
    plain = target.suffix.lower() in suffixes and read_header(source).orientation == 1
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if not plain:
            target = target.with_suffix(suffixes[0])
            Image.fromarray(read_image(source)).save(target, quality=95)
        elif how == "link":
            os.symlink(source.resolve(), target)
        else:
            shutil.copyfile(source, target)
    except OSError as error:
        raise OutputError(f"{target}: the image cannot be put here ({error.strerror or error})") from error
    return target
