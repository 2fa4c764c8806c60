"""Links to files that stay where they are."""

import os
import shutil
from pathlib import Path

from tamis.errors import OutputError


def link(source: Path, place: Path) -> bool:
    """Make `place` lead to `source`, a file or a folder; what is there already and is no broken link is left alone.

    Where the system has no symbolic links a file becomes a hard link, or else a copy.

    Returns:
        Whether anything was made.

    Raises:
        OutputError: it cannot be made.
    """
    if place.exists():
        return False
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        _made(source.resolve(), place)
    except OSError as error:
        raise OutputError(
            f"{place}: cannot be linked to {source} ({error.strerror or error}); choose another folder"
        ) from error
    return True


def _made(source: Path, place: Path) -> None:
    try:
        place.symlink_to(source, target_is_directory=source.is_dir())
    except (OSError, NotImplementedError) as error:
        if isinstance(error, FileExistsError):  # somebody else was quicker
            return
        if source.is_dir():
            raise
        try:
            os.link(source, place)
        except OSError:
            shutil.copyfile(source, place)
