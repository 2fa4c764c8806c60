"""The images of a project: what lies in the folder, what the database knows of it, and what has changed."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from tamis.annotation.database import Database, hold, tick
from tamis.annotation.problems import NoSuchImageError, RequestError
from tamis.annotation.renames import Entry, planned_renames
from tamis.annotation.schema import images
from tamis.errors import InputError
from tamis.image import MAX_PIXELS, NO_FILE, SUFFIXES, passed_over, read_header, reading_order, require_size
from tamis.results.run import file_hash

AT_ONCE = 40
"""Images looked at in one transaction."""


@dataclass(frozen=True)
class ImageRow:
    """What is known of an image without opening it.

    Attributes:
        id: within the project.
        name: path below the folder, with forward slashes.
        sha256: of the file that its masks belong to; None until somebody has looked.
        shape: (height, width) in pixels, upright; None until known.
        found_sha256: of the file that is there now.
        missing: there is no file now.
        problem: why it cannot be worked on, one sentence.
        seq: how many events it has.
        state: one of `fold.STATES`.
        masks: how many.
        active_ms: of work.
        clicks: of the mouse.
        summary: what lists show besides, as JSON; see `tamis.annotation.summary`.
    """

    id: int
    name: str
    sha256: str | None
    shape: tuple[int, int] | None
    found_sha256: str | None
    missing: bool
    problem: str | None
    seq: int
    state: str
    masks: int
    active_ms: int
    clicks: int
    summary: str | None = None

    @property
    def changed(self) -> bool:
        """Whether the file is another than the one that the masks belong to."""
        return self.sha256 is not None and self.found_sha256 not in (None, self.sha256)


@dataclass(frozen=True)
class FileCheck:
    """What looking at a file has found; without a shape it cannot be read, and `problem` says why."""

    sha256: str
    bytes: int
    modified_ns: int
    shape: tuple[int, int] | None
    problem: str | None


def image_rows(connection: Connection, after: int = -1) -> list[ImageRow]:
    """The images in reading order; only those touched after that tick of the clock."""
    statement = select(images).where(images.c.touched > after)
    return sorted((_row(row) for row in connection.execute(statement)), key=lambda row: reading_order(row.name))


def image_row(connection: Connection, image_id: int) -> ImageRow:
    """One image.

    Raises:
        NoSuchImageError: there is none with this number.
    """
    row = connection.execute(select(images).where(images.c.id == image_id)).first()
    if row is None:
        raise NoSuchImageError(f"there is no image {image_id} in this project")
    return _row(row)


def inside(folder: Path, name: str) -> Path:
    """The file of an image.

    Raises:
        InputError: the name, or a link on the way, leads out of the folder.
    """
    root = os.path.realpath(folder)
    path = os.path.realpath(os.path.join(root, name))
    if os.path.commonpath([root, path]) != root or path == root:
        raise InputError(f"{name}: leads out of the project's folder, and is not read")
    return Path(path)


def synchronise(database: Database, folder: Path, chosen: Callable[[str], bool] = lambda name: True) -> None:
    """Bring the list of images up to date with the folder: new files, files that are gone, and those back again.

    A file whose content is found under another name was renamed, and keeps its masks.
    """
    names = {name for name in _names(folder) if chosen(name)}
    with database.reading() as connection:
        seen = {row.name: row for row in connection.execute(select(images))}
    plan = planned_renames(
        {name: _entry(folder, row, name in names) for name, row in seen.items()},
        names,
        lambda name: _content(folder, name, seen.get(name)),
    )
    after = {plan.get(row.id, name): row for name, row in seen.items()}
    new = sorted(names - after.keys())
    gone = [row.id for name, row in after.items() if name not in names and not row.missing]
    back = [row.id for name, row in after.items() if name in names and row.missing]
    if not (plan or new or gone or back):
        return
    with database.writing() as connection:
        hold(connection, [*plan, *gone, *back])
        now = tick(connection)
        for image_id in plan:  # names are unique at every moment, and no path begins with a slash
            connection.execute(update(images).where(images.c.id == image_id).values(name=f"/{image_id}"))
        for image_id, name in plan.items():
            values = {"name": name, "bytes": None, "modified_ns": None, "touched": now}
            connection.execute(update(images).where(images.c.id == image_id).values(values))
        for ids, missing in ((gone, True), (back, False)):
            statement = update(images).where(images.c.id == bindparam("image_id"))
            if ids:
                values = {"missing": missing, "touched": now}
                connection.execute(statement.values(values), [{"image_id": image_id} for image_id in ids])
        known = set(connection.execute(select(images.c.name)).scalars()) if new else set()
        new = [name for name in new if name not in known]  # another program may have been quicker
        if new:
            connection.execute(insert(images), [{"name": name, "touched": now} for name in new])


def look(database: Database, folder: Path, ids: Sequence[int], max_pixels: int = MAX_PIXELS) -> list[ImageRow]:
    """Find out what lies behind image numbers; files that have not been touched since the last look are not read.

    A file that has changed takes the place of the old one if there are no events yet; otherwise the masks stay with
    what they were made on, and the image counts as changed.

    Raises:
        NoSuchImageError: there is no image with one of the numbers.
    """
    with database.reading() as connection:
        seen = _chosen(connection, ids)
    found: dict[int, FileCheck | None] = {}
    for image_id, (row, stamp) in seen.items():
        result = _looked(folder, row.name, stamp, max_pixels)
        if result is not _SAME and not (result is None and row.missing):
            found[image_id] = result if isinstance(result, FileCheck) else None
    if found:
        with database.writing() as connection:
            hold(connection, list(found))
            now = tick(connection)
            # Read again: events may have come since, and an image with events keeps what they belong to.
            for image_id, (row, _) in _chosen(connection, list(found)).items():
                values = {**_values(row, found[image_id]), "touched": now}
                connection.execute(update(images).where(images.c.id == image_id).values(values))
        with database.reading() as connection:
            seen = _chosen(connection, ids)
    return [seen[image_id][0] for image_id in ids]


def accept_change(database: Database, image_id: int) -> ImageRow:
    """Let the masks of a changed image belong to the file that is there now.

    Raises:
        RequestError: it has another size, or has not changed.
    """
    with database.writing() as connection:
        hold(connection, [image_id])
        now = tick(connection)
        row = image_row(connection, image_id)
        if not row.changed:
            raise RequestError(f"{row.name}: has not changed")
        if row.problem is not None:
            raise RequestError(f"{row.name}: {row.problem}")
        values = {"sha256": row.found_sha256, "touched": now}
        connection.execute(update(images).where(images.c.id == image_id).values(values))
        return image_row(connection, image_id)


def examine(path: Path, max_pixels: int = MAX_PIXELS) -> FileCheck:
    """Hash a file and read its size, without its pixels.

    Raises:
        InputError: the file cannot be opened at all.
    """
    digest = file_hash(path)
    stat = path.stat()
    try:
        shape = read_header(path).shape
        if shape[0] * shape[1] > max_pixels:
            megapixels = shape[0] * shape[1] / 1e6
            limit = f"megapixels are over the limit of {max_pixels / 1e6:g}; raise it with --max-pixels"
            return FileCheck(digest, stat.st_size, stat.st_mtime_ns, None, f"{megapixels:.0f} {limit}")
        require_size(path, shape, max_pixels)
    except InputError as error:
        return FileCheck(digest, stat.st_size, stat.st_mtime_ns, None, str(error).removeprefix(f"{path}: "))
    return FileCheck(digest, stat.st_size, stat.st_mtime_ns, shape, None)


_SAME = object()

_STRANGE = "\\udc"
"""In a name: bytes that are no UTF-8, as backslashreplace writes them; a database takes nothing else."""


def _looked(folder: Path, name: str, stamp: tuple[int | None, int | None], max_pixels: int) -> Any:
    """A FileCheck, None for a file that is gone, or _SAME."""
    try:
        path = inside(folder, name)
        stat = path.stat()
        if (stat.st_size, stat.st_mtime_ns) == stamp:
            return _SAME
        if not S_ISREG(stat.st_mode):
            return FileCheck("", 0, 0, None, NO_FILE)
        return examine(path, max_pixels)
    except FileNotFoundError:
        if _STRANGE in name:
            return FileCheck("", 0, 0, None, "its name is no text; rename it")
        return None
    except (InputError, OSError) as error:
        problem = error.strerror if isinstance(error, OSError) else str(error).removeprefix(f"{name}: ")
        return FileCheck("", 0, 0, None, problem)
    except Exception as error:  # noqa: BLE001
        # The boundary of an image: whatever is wrong with its file, all others are looked at.
        said = " ".join(str(error).split())[:200]
        return FileCheck("", 0, 0, None, f"cannot be read ({type(error).__name__}: {said})")


def _values(row: ImageRow, found: FileCheck | None) -> dict[str, Any]:
    if found is None:
        return {"missing": True}
    values: dict[str, Any] = {
        "missing": False,
        "found_sha256": found.sha256 or None,
        "bytes": found.bytes,
        "modified_ns": found.modified_ns,
        "problem": found.problem,
    }
    if row.seq == 0 or row.sha256 is None:
        height, width = found.shape or (None, None)
        return {**values, "sha256": found.sha256 or None, "height": height, "width": width}
    if found.shape not in (None, row.shape) and found.shape is not None and row.shape is not None:
        (new_height, new_width), (height, width) = found.shape, row.shape
        values["problem"] = (
            f"the file is now {new_width}x{new_height}, but its masks are of {width}x{height}; put the old file back"
        )
    return values


def _entry(folder: Path, row: Any, present: bool) -> Entry:
    """An image as renames see it."""
    worked_on = row.sha256 if row.seq else None
    touched = not present or (row.bytes is not None and not _is_as_seen(folder, row))
    return Entry(row.id, worked_on, touched or (worked_on is not None and row.found_sha256 != worked_on))


def _is_as_seen(folder: Path, row: Any) -> bool:
    """Whether an image's file has the size and the time of change that it had at the last look."""
    try:
        stat = (folder / row.name).stat()
    except OSError:
        return False
    return (stat.st_size, stat.st_mtime_ns) == (row.bytes, row.modified_ns)


def _content(folder: Path, name: str, row: Any) -> str | None:
    """The hash of a file; known already if its image, if there is one, was looked at and the file not touched since."""
    if row is not None and row.found_sha256 and _is_as_seen(folder, row):
        return str(row.found_sha256)
    try:
        path = inside(folder, name)
        return file_hash(path) if path.is_file() else None
    except InputError:
        return None


def left_out(folder: Path) -> str:
    """A sentence on the files below a folder that are no images of its project by their names, "" if there are none."""
    return passed_over(place for place, _ in _places(folder))


def _places(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Folders and their files; what begins with a dot is not looked at, and links to folders are not followed."""
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield place, files


def _names(folder: Path) -> Iterator[str]:
    """The images below a folder."""
    for place, files in _places(folder):
        for name in files:
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in SUFFIXES:
                path = os.path.relpath(os.path.join(place, name), folder).replace(os.sep, "/")
                yield path.encode(errors="backslashreplace").decode()


def _chosen(connection: Connection, ids: Sequence[int]) -> dict[int, tuple[ImageRow, tuple[int | None, int | None]]]:
    """Images by number, each with the bytes and the time of change that its file had at the last look."""
    statement = select(images)
    if len(ids) <= AT_ONCE:  # otherwise most of them are wanted
        statement = statement.where(images.c.id.in_(ids))
    wanted = set(ids)
    rows = [row for row in connection.execute(statement) if row.id in wanted]
    found = {row.id: (_row(row), (row.bytes, row.modified_ns)) for row in rows}
    missing = wanted - found.keys()
    if missing:
        raise NoSuchImageError(f"there is no image {min(missing)} in this project")
    return found


def _row(row: Any) -> ImageRow:
    return ImageRow(
        id=row.id,
        name=row.name,
        sha256=row.sha256,
        shape=None if row.height is None else (row.height, row.width),
        found_sha256=row.found_sha256,
        missing=row.missing,
        problem="the file is gone; put it back to work on it" if row.missing else row.problem,
        seq=row.seq,
        state=row.state,
        masks=row.masks,
        active_ms=row.active_ms,
        clicks=row.clicks,
        summary=row.summary,
    )
