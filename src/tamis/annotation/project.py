"""A project: a folder of images, the database beside them, and all that the server and the commands ask of it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tamis.annotation import labels as label_list
from tamis.annotation.catalogue import ImageRow, image_row, image_rows, inside, look, synchronise
from tamis.annotation.database import Database, open_database, tick
from tamis.annotation.fold import Drawing
from tamis.annotation.labels import DEFAULT_LABEL, Label
from tamis.annotation.log import Log
from tamis.errors import InputError
from tamis.image import MAX_PIXELS, SUFFIXES
from tamis.mask import Masks

NameFilter = Callable[[str], bool]

HOME = ".tamis"
"""The folder inside the project's own that holds the database."""


@dataclass(frozen=True)
class AnnotatedImage:
    """An image and what people have drawn on it.

    Attributes:
        name: path below the project's folder, with forward slashes.
        shape: (height, width) in pixels.
        masks: N masks.
        labels: N names.
        state: "todo", "progress", "done", "rejected", "reviewed" or "skipped".
        note: free text.
        attributes: of each mask, by name: text, numbers, true or false.
        tags: of the image as a whole.
        tools: by which each mask was made, "" where nobody has said.
    """

    name: str
    shape: tuple[int, int]
    masks: Masks
    labels: list[str]
    state: str
    note: str
    attributes: tuple[Mapping[str, Any], ...] = ()
    tags: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()


class Project:
    """An open project; may be used by several threads.

    Attributes:
        folder: of the images.
        database: of everything that people did.
        log: of the images' events.
        max_pixels: larger images are refused.
        chosen: which names of images belong to it.
    """

    def __init__(
        self, folder: Path, database: Database, max_pixels: int = MAX_PIXELS, chosen: NameFilter = lambda name: True
    ) -> None:
        self.folder = folder
        self.database = database
        self.log = Log(database)
        self.max_pixels = max_pixels
        self.chosen = chosen

    def refresh(self) -> None:
        """Bring the list of images up to date with the folder."""
        synchronise(self.database, self.folder, self.chosen)

    def rows(self, after: int = -1) -> list[ImageRow]:
        """What is known of the images, in reading order."""
        with self.database.reading() as connection:
            return image_rows(connection, after)

    def row(self, image_id: int) -> ImageRow:
        """What is known of one image.

        Raises:
            NoSuchImageError: there is none with this number.
        """
        with self.database.reading() as connection:
            return image_row(connection, image_id)

    def look(self, ids: Sequence[int]) -> list[ImageRow]:
        """What is known of images after a look at their files; see `catalogue.look`."""
        return look(self.database, self.folder, ids, self.max_pixels)

    def path(self, row: ImageRow) -> Path:
        """The file of an image.

        Raises:
            InputError: it leads out of the folder.
        """
        return inside(self.folder, row.name)

    def labels(self) -> list[Label]:
        """The labels, in order."""
        with self.database.reading() as connection:
            return label_list.labels_of(connection)

    def drawing(self, image_id: int) -> Drawing:
        """What people have drawn on an image."""
        return self.log.drawing(image_id)

    def images(self) -> Iterator[AnnotatedImage]:
        """The images whose size is known, with their masks; one after the other, so that memory stays small."""
        names = {label.id: label.name for label in self.labels()}
        for row in self.rows():
            if row.shape is not None:
                yield _annotated(row, self.log.drawing(row.id), names)

    def close(self) -> None:
        """Give back the database."""
        self.database.close()

    def __enter__(self) -> "Project":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Project({str(self.folder)!r})"


def open_project(
    folder: str | Path,
    db: str | None = None,
    labels: Sequence[str] = (),
    user: str = "",
    create: bool = True,
    max_pixels: int = MAX_PIXELS,
    chosen: NameFilter = lambda name: True,
) -> Project:
    """Open the project of a folder of images, and make it if there is none.

    >>> with open_project("photos") as project:                    # doctest: +SKIP
    ...     for image in project.images():
    ...         print(image.name, image.labels, image.masks.areas)

    Args:
        folder: of the images; folders inside it are searched too.
        db: a file or postgresql://...; FOLDER/.tamis/project.sqlite by default.
        labels: names to be added if they are not there; a project without any gets one, "object".
        user: who adds them.
        create: make a project if there is none.
        max_pixels: larger images are refused.
        chosen: which names of images belong to it; all by default.

    Raises:
        InputError: the folder is missing or holds no image.
        DatabaseError: the database cannot be used, or there is none and none is to be made.
    """
    project = project_of(folder, db, create, max_pixels, chosen)
    with ExitStack() as unless_opened:
        unless_opened.callback(project.close)
        _add_labels(project, labels, user)
        unless_opened.pop_all()
    return project


def project_of(
    folder: str | Path,
    db: str | None = None,
    create: bool = True,
    max_pixels: int = MAX_PIXELS,
    chosen: NameFilter = lambda name: True,
) -> Project:
    """The project of a folder of images with the labels that it has, which may be none; see `open_project`."""
    folder = Path(folder)
    if not folder.is_dir():
        reason = "is a file, not a folder of images" if folder.exists() else "no such folder; check the name"
        raise InputError(f"{folder}: {reason}")
    database = open_database(db or str(folder / HOME / "project.sqlite"), create)
    project = Project(folder, database, max_pixels, chosen)
    with ExitStack() as unless_opened:
        unless_opened.callback(project.close)
        project.refresh()
        project.log.complete()
        if not project.rows():
            raise InputError(f"{folder}: no images in this folder (looked for {', '.join(sorted(SUFFIXES))})")
        unless_opened.pop_all()
    return project


@contextmanager
def opened(folder: str | Path, **options: Any) -> Iterator[Project]:
    """`open_project`, and its closing."""
    project = open_project(folder, **options)
    try:
        yield project
    finally:
        project.close()


def _annotated(row: ImageRow, seen: Drawing, names: Mapping[str, str]) -> AnnotatedImage:
    assert row.shape is not None
    bodies = list(seen.masks.values())
    masks = Masks.from_coco([body["rle"] for body in bodies], row.shape)
    labels = [names.get(body["label"], DEFAULT_LABEL) for body in bodies]
    attributes = tuple(body.get("attributes", {}) for body in bodies)
    tools = tuple(body.get("tool", "") for body in bodies)
    return AnnotatedImage(row.name, row.shape, masks, labels, seen.state, seen.note, attributes, seen.tags, tools)


def _add_labels(project: Project, wanted: Sequence[str], user: str) -> None:
    present = {label.name.casefold() for label in project.labels()}
    missing: dict[str, str] = {}
    for name in wanted:
        missing.setdefault(" ".join(name.split()).casefold(), name)
    if not missing and not present:
        missing = {DEFAULT_LABEL: DEFAULT_LABEL}
    if missing.keys() - present:
        with project.database.writing() as connection:
            tick(connection)  # another program may be adding the same: the second to come sees what the first has done
            present = {label.name.casefold() for label in label_list.labels_of(connection)}
            for key, name in missing.items():
                if key not in present:
                    label_list.add_label(connection, name, user)
