"""A served project of three small images."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from fastapi.routing import APIRoute
from PIL import Image
from starlette.routing import Match
from starlette.testclient import TestClient

from tamis.annotation import open_project
from tamis.annotation.service import ProjectService
from tamis.mask import Masks
from tamis.segmentors import load_segmentor
from tamis.server import assistant, events, found, images, labels, project, statistics
from tamis.server.app import make_app
from tamis.server.security import Access

JSON = dict[str, Any]


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Encoded images of tests stay with the tests."""
    monkeypatch.setenv("TAMIS_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three images of 60 × 40 pixels, a disc on each: a.png, b.jpg and <i>c</i>.png."""
    place = tmp_path / "photos"
    place.mkdir()
    rows, columns = np.mgrid[:40, :60]
    for number, name in enumerate(("a.png", "b.jpg", "<i>c<.png")):
        disc = (rows - 20) ** 2 + (columns - 20 - 10 * number) ** 2 < 100
        pixels = np.where(disc[..., None], (220, 40, 40), (30, 90, 200)).astype(np.uint8)
        Image.fromarray(pixels).save(place / name)
    return place


@pytest.fixture
def serve(folder: Path) -> Iterator[Callable[..., "Page"]]:
    """Serve the project: serve(readonly=True) → a page."""
    opened: list[Any] = []

    def made(segmentor: str = "hierarchy", access: Access | None = None, **options: Any) -> Page:
        project = open_project(folder, labels=["cat", "dog"])
        app = make_app(ProjectService(project, segmentor, load_segmentor), access=access, user="anna", **options)
        # Not raising: what the server says of its own mistakes is part of what is tested.
        client = TestClient(app, "http://localhost:8000", raise_server_exceptions=False)
        client.__enter__()
        opened.extend([project, client])
        return Page(client)

    yield made
    for thing in reversed(opened):
        if isinstance(thing, TestClient):
            thing.__exit__(None, None, None)
        else:
            thing.close()


class Page:
    """A browser tab."""

    def __init__(self, client: TestClient, name: str = "") -> None:
        self.client = client
        self.name = name or uuid4().hex

    def another(self) -> "Page":
        return Page(self.client)

    def get(self, path: str, **options: Any) -> Any:
        answer = self.client.get(path, **options)
        assert answer.status_code == 200, answer.text
        return self.as_described("GET", path, answer)

    def post(self, path: str, body: JSON, status: int = 200) -> Any:
        answer = self.client.post(path, json=body)
        assert answer.status_code == status, answer.text
        return self.as_described("POST", path, answer)

    def as_described(self, method: str, path: str, answer: Any) -> Any:
        """The JSON of an answer, which must be what the OpenAPI document says of the route and the status."""
        said = answer.json()
        if answer.status_code == 500 or path == "/api/openapi.json":
            return said
        app: Any = self.client.app
        scope = {"type": "http", "method": method, "path": path.partition("?")[0], "headers": []}
        routes = [
            route
            for part in (project, images, events, labels, assistant, found, statistics)
            for route in part.router.routes
        ]
        (route,) = [
            route
            for route in [*app._app.routes, *routes]
            if isinstance(route, APIRoute) and route.matches(scope)[0] is Match.FULL
        ]
        route.responses[answer.status_code]["model"].model_validate(said)
        return said

    def lease(self, image_id: int = 1, **more: Any) -> str:
        return str(self.post(f"/api/images/{image_id}/lease", {"client": self.name, **more})["lease"])

    def send(self, lease: str, base: int, *events: JSON, image_id: int = 1, status: int = 200) -> Any:
        body = {"client": self.name, "lease": lease, "base": base, "events": list(events)}
        return self.post(f"/api/images/{image_id}/events", body, status)

    def mask(self, name: str = "m", **changes: Any) -> JSON:
        """The event that draws a square."""
        pixels = np.zeros((40, 60), bool)
        pixels[5:15, 10:30] = True
        rle = Masks.from_dense(pixels[None]).coco()[0]
        label = self.get("/api/project")["labels"][0]["id"]
        body = {"id": name, "label": label, "rle": {"size": [40, 60], "counts": rle["counts"].decode()}, **changes}
        return {"uuid": uuid4().hex, "kind": "mask.set", "body": body, "at": "", "active_ms": 1000, "clicks": 1}


@pytest.fixture
def page(serve: Callable[..., Page]) -> Page:
    """A browser tab with the project open for writing."""
    return serve()
