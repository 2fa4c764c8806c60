"""Projects of a few small images, on SQLite and on PostgreSQL."""

import os
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from PIL import Image

from tamis.annotation import Project, open_project
from tamis.annotation.events import Event
from tamis.annotation.leases import take_lease
from tamis.mask import Masks

_numbers = count()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Callable[[], str]]:
    """Gives the address of a new, empty database."""
    from tests import postgres

    reason = postgres.missing()
    if reason is not None:
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    import psycopg

    with postgres.server() as address:

        def made() -> str:
            name = f"test{next(_numbers)}"
            with psycopg.connect(address.format(name="postgres"), autocommit=True) as connection:
                connection.execute(f'CREATE DATABASE "{name}"')
            return str(address.format(name=name))

        yield made


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database of each kind."""
    if request.param == "sqlite":
        return str(tmp_path / "project.sqlite")
    made: Callable[[], str] = request.getfixturevalue("postgresql")
    return made()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three images of 8 × 6 pixels: a.png, b.png and sub/c.jpg."""
    place = tmp_path / "photos"
    for number, name in enumerate(("a.png", "b.png", "sub/c.jpg")):
        picture(place / name, number)
    return place


def picture(path: Path, seed: int, size: tuple[int, int] = (6, 8)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def save_picture() -> Callable[..., None]:
    return picture


@pytest.fixture
def project(folder: Path, db: str) -> Iterator[Project]:
    """A project with the labels cat and dog, whose images have been looked at."""
    opened = open_project(folder, db, ["cat", "dog"], "anna")
    opened.look([row.id for row in opened.rows()])
    yield opened
    opened.close()


class Annotator:
    """Somebody at work on an image."""

    def __init__(self, project: Project, image_id: int, client: str = "tab", name: str = "anna") -> None:
        self.project, self.image_id, self.client = project, image_id, client
        self.base = project.row(image_id).seq
        self.label = project.labels()[0].id
        with project.database.writing() as connection:
            self.lease = take_lease(connection, image_id, client, name).lease

    def event(self, kind: str, body: dict[str, Any] | None = None, **more: Any) -> Event:
        return Event(uuid4().hex, kind, body or {}, **more)

    def send(self, *events: Event) -> int:
        self.base = self.project.log.append(self.image_id, events, self.client, self.lease, self.base)
        return self.base

    def do(self, kind: str, body: dict[str, Any] | None = None, **more: Any) -> int:
        return self.send(self.event(kind, body, **more))

    def mask(self, name: str, pixels: Any = None, label: str | None = None) -> dict[str, Any]:
        shape = self.project.row(self.image_id).shape
        assert shape is not None
        mask = np.zeros(shape, bool)
        mask[1:3, 1:4] = True
        rle = Masks.from_dense((mask if pixels is None else pixels)[None]).coco()[0]
        return {
            "id": name,
            "label": label or self.label,
            "rle": {"size": rle["size"], "counts": rle["counts"].decode()},
        }


@pytest.fixture
def annotator(project: Project) -> Callable[..., Annotator]:
    """Somebody at work on the image with this number: annotator(0) is at work on the first."""

    def made(number: int = 0, client: str = "tab", name: str = "anna") -> Annotator:
        return Annotator(project, project.rows()[number].id, client, name)

    return made
