"""NAME=ROOT or NAME=ROOT:SPLIT, as people name a dataset and a part of it in one word."""

from pathlib import Path

from tamis.errors import InputError


def parse_place(text: str, option: str) -> tuple[str, Path, str | None]:
    """Name, root and split, None where there is none; a folder whose own name has a colon is a folder.

    Args:
        text: as on the command line.
        option: that it was given to, for the message.

    Raises:
        InputError: it reads otherwise.

    >>> parse_place("duts=DUTS:val10", "--data")
    ('duts', PosixPath('DUTS'), 'val10')
    """
    name, equals, place = text.partition("=")
    if not equals or not name or not place:
        raise InputError(f"{option} {text}: write NAME=ROOT or NAME=ROOT:SPLIT, such as cocolvis=COCO_LVIS:train")
    root, colon, split = place.rpartition(":")
    if not colon or len(root) < 2 or Path(place).exists():
        return name, Path(place), None
    return name, Path(root), split
