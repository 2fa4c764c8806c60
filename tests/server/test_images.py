"""The list, the pixels, and the answers to clicks."""

import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tamis import Click, Masks, read_image
from tamis.regions.table import unpack_answers
from tamis.segmentors import load_segmentor


def wait_for(question: Callable[[], Any], seconds: float = 20) -> Any:
    end = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < end, "nothing came"
        time.sleep(0.02)
    return answer


def test_the_project(page: Any) -> None:
    project = page.get("/api/project")
    assert (project["name"], project["readonly"], project["segmentor"], project["user"]) == (
        "photos",
        False,
        "hierarchy",
        "anna",
    )
    assert [(label["name"], label["key"]) for label in project["labels"]] == [("cat", "1"), ("dog", "2")]


def test_the_list_and_what_has_changed_since(page: Any, folder: Path) -> None:
    def ready() -> Any:
        found = page.get("/api/images")
        return found if all(image["encoded"] == "ready" or image["width"] for image in found["images"]) else None

    everything = wait_for(ready)
    assert [image["name"] for image in everything["images"]] == ["<i>c<.png", "a.png", "b.jpg"]
    image = everything["images"][1]
    assert (image["width"], image["height"], image["state"], image["masks"]) == (60, 40, "todo", 0)
    image_id = image["id"]

    def quiet() -> Any:
        version = page.get("/api/images")["version"]
        time.sleep(0.2)
        return page.get(f"/api/images?since={version}")["images"] == [] and version

    version = wait_for(quiet)
    lease = page.lease(image_id)
    page.send(lease, 0, page.mask(), image_id=image_id)
    changed = page.get(f"/api/images?since={version}")
    assert [entry["id"] for entry in changed["images"]] == [image_id]
    entry = changed["images"][0]
    assert (entry["state"], entry["masks"], entry["seconds"], entry["clicks"]) == ("progress", 1, 1.0, 1)
    assert entry["editor"] == "anna"
    assert changed["version"] > version
    page.client.delete(f"/api/images/{image_id}/lease", params={"lease": lease})
    (released,) = page.get(f"/api/images?since={changed['version']}")["images"]
    assert released["editor"] is None
    assert len(page.get("/api/images?since=99999999999999")["images"]) == 3


def test_a_poll_is_cheap(page: Any) -> None:
    version = page.get("/api/images")["version"]
    start = time.perf_counter()
    for _ in range(20):
        page.get(f"/api/images?since={version}")
    assert (time.perf_counter() - start) / 20 < 0.1


def test_pixels_and_thumbnails(page: Any, folder: Path) -> None:
    names = {image["name"]: image["id"] for image in page.get("/api/images")["images"]}
    answer = page.client.get(f"/api/images/{names['b.jpg']}/pixels")
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.content == (folder / "b.jpg").read_bytes()
    tag = answer.headers["etag"]
    again = page.client.get(f"/api/images/{names['b.jpg']}/pixels", headers={"if-none-match": tag})
    assert (again.status_code, again.content) == (304, b"")
    (folder / "b.jpg").write_bytes((folder / "a.png").read_bytes())
    changed = page.client.get(f"/api/images/{names['b.jpg']}/pixels", headers={"if-none-match": tag})
    assert (changed.status_code, changed.headers["content-type"]) == (200, "image/png")
    small = page.client.get(f"/api/images/{names['a.png']}/thumbnail")
    with Image.open(io.BytesIO(small.content)) as picture:
        assert (picture.format, picture.size) == ("JPEG", (60, 40))
    same = page.client.get(f"/api/images/{names['a.png']}/thumbnail", headers={"if-none-match": small.headers["etag"]})
    assert same.status_code == 304


def test_the_table_of_answers_and_the_mask_of_the_server(page: Any, folder: Path) -> None:
    def table() -> bytes | None:
        answer = page.client.get("/api/images/2/answers")
        if answer.status_code == 202:
            assert answer.json() == {"encoded": "waiting"}
            return None
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/octet-stream"
        return bytes(answer.content)

    fine_map, _, _ = unpack_answers(wait_for(table))
    assert fine_map.shape == (40, 60)
    names = {image["id"]: image["name"] for image in page.get("/api/images")["images"]}
    encoded = load_segmentor("hierarchy").encode(read_image(folder / names[2]))
    clicks = [Click(20.5, 20.5), Click(50, 5, positive=False)]
    body = {"clicks": [{"x": click.x, "y": click.y, "positive": click.positive} for click in clicks]}
    answer = page.post("/api/images/2/mask", body)
    assert np.array_equal(Masks.from_coco([answer["rle"]])[0], encoded.probability(clicks) > 0.5)
    assert 0 <= answer["score"] <= 1
    everywhere = page.post("/api/images/2/mask", {**body, "threshold": 0.001})
    assert Masks.from_coco([everywhere["rle"]]).areas[0] >= Masks.from_coco([answer["rle"]]).areas[0]


def test_a_segmentor_without_a_table_answers_by_masks(serve: Callable[..., Any]) -> None:
    page = serve(segmentor="grabcut")
    found = page.post("/api/images/1/mask", {"clicks": [{"x": 20, "y": 20}]})
    assert Masks.from_coco([found["rle"]]).areas[0] > 0

    def refused() -> Any:
        answer = page.client.get("/api/images/1/answers")
        return answer.status_code == 404 and answer.json()["error"]

    assert wait_for(refused) == "the segmentor 'grabcut' has no table of answers: ask for masks"
    assert page.get("/api/images")["images"][0]["encoded"] == "none"


def test_too_many_questions_at_once_are_refused(page: Any) -> None:
    service = page.client.app._app.state.context.service
    held = 0
    while service._asking.acquire(blocking=False):
        held += 1
    assert held == 16
    refused = page.post("/api/images/1/mask", {"clicks": [{"x": 5, "y": 5}]}, status=503)
    assert "too many questions" in refused["error"]
    service._asking.release()
    page.post("/api/images/1/mask", {"clicks": [{"x": 5, "y": 5}]})


def test_proposals(page: Any) -> None:
    found = page.get("/api/images/1/proposals")["proposals"]
    assert found
    masks = Masks.from_coco([proposal["rle"] for proposal in found])
    assert masks.shape == (40, 60)
    scores = [proposal["score"] for proposal in found]
    assert scores == sorted(scores, reverse=True)
    assert page.get("/api/images/1/proposals")["proposals"] == found


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"clicks": []}, "ask with at least one click, or a box"),
        ({"clicks": [{"x": 500, "y": 0}]}, "lies outside the 60x40 image"),
        ({"clicks": [{"x": 5, "y": 5}], "granularity": 9}, "there is no granularity 9"),
        ({"clicks": [{"x": 5, "y": 5}], "threshold": 2}, "threshold"),
        ({"clicks": [{"x": "far"}]}, "clicks.0.x"),
        ({"clicks": 5}, "clicks"),
    ],
)
def test_questions_that_cannot_be_answered(page: Any, body: dict[str, Any], sentence: str) -> None:
    error = page.post("/api/images/1/mask", body, status=422)["error"]
    assert sentence in error
    assert "\n" not in error


def test_no_such_image(page: Any) -> None:
    for path in ("pixels", "thumbnail", "answers", "events", "proposals"):
        answer = page.client.get(f"/api/images/99/{path}")
        assert (answer.status_code, answer.json()) == (404, {"error": "there is no image 99 in this project"})
    assert page.client.get("/api/nothing").json() == {"error": "there is nothing at /api/nothing"}


def test_unreadable_changed_and_deleted_images(page: Any, folder: Path) -> None:
    (folder / "d.png").write_bytes((folder / "a.png").read_bytes()[:200])
    (folder / "e.png").write_text("no image")

    def listed() -> Any:
        images = {image["name"]: image for image in page.get("/api/images")["images"]}
        return images if "e.png" in images and images["e.png"]["problem"] else None

    images = wait_for(listed)
    assert "not an image" in images["e.png"]["problem"]

    cut_off = images["d.png"]["id"]
    answer = page.client.post(f"/api/images/{cut_off}/mask", json={"clicks": [{"x": 5, "y": 5}]})
    assert answer.status_code == 422
    assert "damaged or cut off" in answer.json()["error"]
    assert str(folder) not in answer.json()["error"]

    def failed() -> Any:
        image = {image["name"]: image for image in page.get("/api/images")["images"]}["d.png"]
        return image["encoded"] == "failed" and image["problem"]

    assert "damaged or cut off" in wait_for(failed)

    image_id = images["a.png"]["id"]
    page.send(page.lease(image_id), 0, page.mask(), image_id=image_id)
    (folder / "a.png").write_bytes((folder / "b.jpg").read_bytes())
    page.get(f"/api/images/{image_id}/events")
    changed = {image["name"]: image for image in page.get("/api/images")["images"]}["a.png"]
    assert (changed["changed"], changed["masks"], changed["problem"]) == (True, 1, None)
    page.post(f"/api/images/{image_id}/accept", {})
    assert not {image["name"]: image for image in page.get("/api/images")["images"]}["a.png"]["changed"]
    page.post(f"/api/images/{image_id}/accept", {}, status=409)
    (folder / "a.png").unlink()
    assert page.client.get(f"/api/images/{image_id}/pixels").status_code == 422
    gone = {image["name"]: image for image in page.get("/api/images")["images"]}["a.png"]
    assert (gone["missing"], gone["problem"], gone["masks"]) == (True, "the file is gone; put it back to work on it", 1)
