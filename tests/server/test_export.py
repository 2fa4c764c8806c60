"""Statistics and exports to download."""

import csv
import io
import json
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tamis.formats.registry import FORMATS


@pytest.fixture
def drawn(page: Any) -> Any:
    names = {image["name"]: image["id"] for image in page.get("/api/images")["images"]}
    page.send(page.lease(names["a.png"]), 0, page.mask(), image_id=names["a.png"])
    return page


def test_statistics(drawn: Any) -> None:
    found = drawn.get("/api/statistics")
    assert (found["images"], found["masks"], found["seconds"], found["clicks"]) == (3, 1, 1.0, 1)
    assert found["per_user"][0]["user"] == "anna"
    answer = drawn.client.get("/api/statistics.csv")
    assert answer.headers["content-type"].startswith("text/csv")
    assert "attachment" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(answer.text.splitlines()))
    assert [row["image"] for row in rows][:3] == ["<i>c<.png", "a.png", "b.jpg"]
    assert rows[1]["masks"] == "1"
    people = drawn.client.get("/api/statistics.csv", params={"by": "person"}).text.splitlines()
    assert [row["user"] for row in csv.DictReader(people)] == ["anna"]


@pytest.mark.parametrize("name", [form.name for form in FORMATS])
def test_a_zip_of_every_format(drawn: Any, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    answer = drawn.client.get("/api/export", params={"format": name})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["x-tamis-loss"] == "nothing is lost: every mask can be read back pixel for pixel"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert json.loads(archive.read("loss.json"))["worst_iou"] == 1.0
        assert len(archive.namelist()) > 1
    assert list((tmp_path / "temporary").iterdir()) == []  # nothing is left behind


def test_what_cannot_be_exported(page: Any) -> None:
    for parameters, status, sentence in (
        ({"format": "coco"}, 409, "there is nothing to export"),
        ({"format": "coko"}, 422, "did you mean 'coco'?"),
        ({"format": "coco", "states": "good"}, 422, "no such state"),
        ({}, 422, "format"),
        ({"format": "coco", "tolerance": "-1"}, 422, "tolerance"),
    ):
        answer = page.client.get("/api/export", params=parameters)
        assert answer.status_code == status
        assert sentence in answer.json()["error"]


def test_the_page_learns_the_formats(page: Any) -> None:
    assert page.get("/api/project")["formats"] == [{"name": form.name, "title": form.title} for form in FORMATS]


def test_every_route_is_described_and_documented(page: Any) -> None:
    described = page.get("/api/openapi.json")["paths"]
    text = (Path(__file__).parents[2] / "docs" / "annotator-api.md").read_text(encoding="utf-8")
    assert "/api/images/{image_id}/events" in described
    for path, methods in described.items():
        for method, operation in methods.items():
            assert operation.get("description") or path == "/api/project"
            assert f"`{method.upper()} {path.replace('{image_id}', '{id}')}" in text, f"{method} {path}"
