"""Events over HTTP: acknowledged, refused, idempotent; and the labels."""

from collections.abc import Callable
from typing import Any

import pytest

from tamis.annotation.problems import DiskFullError, LockedError


def test_a_history_is_given_back_whole(page: Any) -> None:
    lease = page.lease()
    first = page.mask("m1")
    assert page.send(lease, 0, first) == {"seq": 1}
    assert page.send(lease, 1, {"uuid": "u2", "kind": "undo"}, {"uuid": "u3", "kind": "redo"}) == {"seq": 3}
    assert page.send(lease, 0, first) == {"seq": 3}  # again, as after a lost answer
    history = page.get("/api/images/1/events")
    assert history["seq"] == 3
    assert [event["kind"] for event in history["events"]] == ["mask.set", "undo", "redo"]
    assert history["events"][0]["body"] == first["body"]
    assert (history["events"][0]["user"], history["events"][0]["active_ms"]) == ("anna", 1000)
    assert history["lease"] == {"editor": "anna", "client": page.name}


def test_two_tabs(page: Any) -> None:
    ben = page.another()
    lease = page.lease(user="Anna <b>")
    answer = page.client.post("/api/images/1/lease", json={"client": ben.name, "user": "Ben"})
    assert answer.status_code == 423
    assert answer.json()["editor"] == "Anna <b>"
    refused = ben.send("a guess", 0, ben.mask(), status=423)
    assert refused["editor"] == "Anna <b>"
    page.send(lease, 0, page.mask("hers"))
    taken = ben.lease(user="Ben", takeover=True)
    assert page.send(lease, 1, page.mask("late"), status=423)["editor"] == "Ben"
    stale = ben.send(taken, 0, ben.mask("his"), status=409)
    assert stale["seq"] == 1
    assert [event["body"]["id"] for event in stale["events"]] == ["hers"]
    assert "changed elsewhere" in stale["error"]
    ben.send(taken, 1, ben.mask("his"))
    assert len(page.get("/api/images/1/events")["events"]) == 2


def test_nobody_holds_the_lease(page: Any) -> None:
    lease = page.lease()
    assert page.lease() == lease  # renewed
    page.client.delete("/api/images/1/lease", params={"lease": lease})
    refused = page.send(lease, 0, page.mask(), status=423)
    assert (refused["editor"], "open it again" in refused["error"]) == (None, True)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"kind": "explode"}, "no event of kind 'explode'"),
        ({"uuid": ""}, "events.0.uuid"),
        ({"uuid": "x" * 65}, "events.0.uuid"),
        ({"body": []}, "events.0.body"),
        ({"body": {"id": "m", "label": "cat", "rle": {}}}, "no label with the id 'cat'"),
        ({"active_ms": -1}, "events.0.active_ms"),
        ({"clicks": 1.5}, "events.0.clicks"),
    ],
)
def test_nonsense(page: Any, change: dict[str, Any], sentence: str) -> None:
    refused = page.send(page.lease(), 0, {**page.mask(), **change}, status=422)
    assert sentence in refused["error"]
    assert set(refused) == {"error"}
    assert page.get("/api/images/1/events")["seq"] == 0


def test_no_json_at_all(page: Any) -> None:
    for content in (b"{", b"[1]", b"\xff\xfe", b""):
        answer = page.client.post("/api/images/1/events", content=content, headers={"content-type": "application/json"})
        assert answer.status_code == 422
        assert "\n" not in answer.json()["error"]


def test_readonly(serve: Callable[..., Any]) -> None:
    page = serve(readonly=True)
    assert page.get("/api/project")["readonly"]
    for path, body in (
        ("/api/images/1/lease", {"client": "x"}),
        ("/api/images/1/events", {"client": "x", "lease": "y", "base": 0, "events": []}),
        ("/api/images/1/accept", {}),
        ("/api/labels", {"action": "add", "name": "bird"}),
    ):
        assert "read-only" in page.post(path, body, status=403)["error"]
    assert page.client.delete("/api/images/1/lease", params={"lease": "x"}).status_code == 403
    assert page.get("/api/images/1/events")["seq"] == 0
    page.post("/api/images/1/mask", {"clicks": [{"x": 5, "y": 5}]})


@pytest.mark.parametrize(
    ("problem", "status"), [(DiskFullError("the disk is full"), 507), (LockedError("it is locked"), 503)]
)
def test_what_cannot_be_saved_is_said(
    page: Any, monkeypatch: pytest.MonkeyPatch, problem: Exception, status: int
) -> None:
    def fail(*arguments: object) -> None:
        raise problem

    lease = page.lease()
    monkeypatch.setattr("tamis.annotation.log._summarise", fail)
    assert page.send(lease, 0, page.mask(), status=status) == {"error": str(problem)}
    monkeypatch.undo()
    assert page.get("/api/images/1/events")["seq"] == 0
    assert page.send(lease, 0, page.mask()) == {"seq": 1}


def test_a_mistake_of_ours_is_said_too(page: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("tamis.annotation.log._summarise", fail)
    refused = page.send(page.lease(), 0, page.mask(), status=500)
    assert refused == {"error": "the server made a mistake (ZeroDivisionError); its terminal says more"}


def test_labels(page: Any) -> None:
    before = page.get("/api/images")["labels"]
    added = page.post("/api/labels", {"action": "add", "name": "<img src=x>"})["labels"]
    assert [label["name"] for label in added] == ["cat", "dog", "<img src=x>"]
    assert page.get("/api/images")["labels"] == before + 1
    cat, dog, third = (label["id"] for label in added)
    changed = page.post(
        "/api/labels", {"action": "change", "id": dog, "name": "wolf", "color": "#123456", "key": "", "attributes": {}}
    )
    wolf = {"id": dog, "name": "wolf", "color": "#123456", "key": "", "attributes": {}}
    assert changed["labels"][1] == wolf
    page.post("/api/labels", {"action": "order", "ids": [third, dog, cat]})
    page.post("/api/labels", {"action": "delete", "id": third})
    assert [label["name"] for label in page.get("/api/project")["labels"]] == ["wolf", "cat"]
    page.send(page.lease(), 0, page.mask(label=cat))
    assert "has 1 mask" in page.post("/api/labels", {"action": "delete", "id": cat}, status=422)["error"]
    assert "say which" in page.post("/api/labels", {"action": "change"}, status=422)["error"]
    assert "action" in page.post("/api/labels", {"action": "paint"}, status=422)["error"]
    assert "needs a name" in page.post("/api/labels", {"action": "add"}, status=422)["error"]
