"""Requests that mean harm, or are broken: a sentence and a status of 4xx, and histories stay readable."""

import json
import os
import random
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import update

from tamis.annotation.schema import events

TRIES = int(os.environ.get("TAMIS_FUZZ", "200"))
"""Requests that are tried; `make fuzz` makes ten thousand."""

RAW = {"content-type": "application/json"}


def test_numbers_that_are_none_poison_no_history(page: Any) -> None:
    lease = page.lease()
    for number, value in enumerate(("NaN", "Infinity", "-Infinity", "1e999")):
        event = f'{{"uuid":"u{number}","kind":"undo","body":{{"t":{value}}}}}'
        body = f'{{"client":"{page.name}","lease":"{lease}","base":{number},"events":[{event}]}}'
        answer = page.client.post("/api/images/1/events", content=body, headers=RAW)
        assert answer.status_code == 200, answer.text
    assert [event["body"] for event in page.get("/api/images/1/events")["events"]] == [{}] * 4


def test_a_history_that_was_poisoned_opens_again(page: Any) -> None:
    page.send(page.lease(), 0, page.mask("m"), {"uuid": "u2", "kind": "undo"})
    database = page.client.app._app.state.context.service.project.database
    with database.writing() as connection:
        connection.execute(update(events).where(events.c.uuid == "u2").values(body='{"t":NaN,"u":[Infinity]}'))
    assert page.get("/api/images/1/events")["events"][1]["body"] == {"t": None, "u": [None]}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/images/1/events", '{"client":"a","lease":"b","base":0,"events":[{"uuid":"u","kind":"undo","body":%s}]}'),
        ("/api/images/1/lease", '{"client":%s}'),
        ("/api/labels", '{"action":"add","name":%s}'),
        ("/api/images/1/mask", '{"clicks":%s}'),
    ],
)
@pytest.mark.parametrize("value", ["[" * 20_000 + "]" * 20_000, '{"a":' * 20_000 + "1" + "}" * 20_000])
def test_bodies_that_are_too_deep(page: Any, path: str, body: str, value: str) -> None:
    answer = page.client.post(path, content=body % value, headers=RAW)
    assert 400 <= answer.status_code < 500
    assert "\n" not in answer.json()["error"]


@pytest.mark.parametrize("number", [2**31, 2**63, 2**64, 10**30, -1])
def test_numbers_that_no_database_takes(page: Any, number: int) -> None:
    for path in ("events", "pixels", "thumbnail", "answers", "proposals"):
        assert page.client.get(f"/api/images/{number}/{path}").status_code in (404, 422)
    for path, body in (
        ("lease", {"client": "a"}),
        ("mask", {"clicks": [{"x": 1, "y": 1}]}),
        ("accept", {}),
        ("events", {"client": "a", "lease": "b", "base": 0, "events": []}),
    ):
        assert page.client.post(f"/api/images/{number}/{path}", json=body).status_code in (404, 422)
    assert page.client.get("/api/images", params={"since": number}).status_code in (200, 422)
    sent = {"client": page.name, "lease": page.lease(), "base": number, "events": [page.mask()]}
    assert page.client.post("/api/images/1/events", json=sent).status_code in (409, 422)


HALVES = ('"\\ud83d"', '"a\\u0000b"')


@pytest.mark.parametrize("half", HALVES)
def test_half_a_character_is_refused_everywhere(page: Any, half: str) -> None:
    lease = page.lease()
    event = '{"uuid":"u","kind":"%s","body":%s}'
    sent = '{"client":"%s","lease":%s,"base":0,"events":[%s]}'
    bodies = [
        ("/api/images/1/events", sent % (page.name, f'"{lease}"', event % ("image.note", f'{{"text":{half}}}'))),
        ("/api/images/1/events", sent % (page.name, f'"{lease}"', event % ("image.state", f'{{"state":{half}}}'))),
        ("/api/images/1/events", sent % (page.name, half, event % ("undo", "{}"))),
        ("/api/images/1/lease", f'{{"client":{half}}}'),
        ("/api/images/1/lease", f'{{"client":"a","user":{half},"takeover":true}}'),
        ("/api/labels", f'{{"action":"add","name":{half}}}'),
        ("/api/labels", f'{{"action":"add","name":"x","key":{half}}}'),
        ("/api/labels", f'{{"action":"add","name":"x","user":{half}}}'),
        ("/api/labels", f'{{"action":"delete","id":{half}}}'),
        ("/api/labels", f'{{"action":{half}}}'),
    ]
    for path, body in bodies:
        answer = page.client.post(path, content=body, headers=RAW)
        assert answer.status_code == 422, (body, answer.text)
        assert "\n" not in answer.json()["error"]
    assert page.client.delete("/api/images/1/lease", params={"lease": "a\0"}).status_code == 422


@pytest.mark.parametrize("host", ["[", "[::1", "]", "a[b", "", "\xff", "127.0.0.1:x", "@", "/", "localhost:99999999"])
def test_names_of_hosts_that_are_none(page: Any, host: str) -> None:
    answer = page.client.get("/api/project", headers={"host": host.encode("latin-1")})
    assert answer.status_code in (200, 421)


def test_requests_at_random_are_never_a_mistake_of_ours(page: Any) -> None:
    chance = random.Random("requests")
    values: list[Any] = [
        None,
        True,
        -1,
        0,
        1.5,
        2**40,
        2**70,
        "",
        "x" * 300,
        "\0",
        "é",
        [],
        {},
        [[]],
        {"a": {}},
        "mask.set",
    ]
    fields = ("client", "lease", "base", "events", "user", "takeover", "action", "name", "id", "ids", "clicks", "box")
    inner = ("uuid", "kind", "body", "at", "active_ms", "clicks", "x", "y", "positive", "text", "state", "set", "rle")
    paths = ("images/1/events", "images/1/lease", "images/2/mask", "images/1/accept", "labels", "images/99/events")

    def made(depth: int = 0) -> Any:
        if depth > 3 or chance.random() < 0.4:
            return chance.choice(values)
        if chance.random() < 0.3:
            return [made(depth + 1) for _ in range(chance.randrange(3))]
        names = fields if not depth else inner
        return {chance.choice(names): made(depth + 1) for _ in range(chance.randrange(5))}

    for _ in range(TRIES):
        body = json.dumps(made())
        if chance.random() < 0.1:
            place = chance.randrange(len(body) + 1)
            body = body[:place] + chance.choice('{}[]",:\\e9N') + body[place + 1 :]
        answer = page.client.post(f"/api/{chance.choice(paths)}", content=body.encode(), headers=RAW)
        assert answer.status_code < 500, (body, answer.text)
    assert page.get("/api/images/1/events")["events"] == []


HOSTILE = (
    *("NaN", "1e999", "-1", f"1{'0' * 40}", "9223372036854775808", "2147483648", "1.5", "true", "null", "[]", "{}"),
    *('"\\ud83d"', '"a\\u0000b"', '""', f'"{"x" * 20_000}"', '["\\ud83d"]', "[1,2]", '{"a":1}'),
)
"""JSON in the place of what is expected."""

IN_ADDRESSES = (
    "",
    "-1",
    "2147483648",
    f"1{'0' * 40}",
    "NaN",
    "1.5",
    "%00",
    "%ED%A0%80",
    "%FF",
    "%0A",
    "..%2F",
    "x" * 999,
)


NEEDED = "label", "source", "mask", "lease"
"""Parts of an address without which a route says no more than that."""


def example(schema: dict[str, Any], parts: dict[str, Any]) -> Any:
    """Something that a schema of the OpenAPI document describes."""
    schema = parts[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    if "anyOf" in schema:
        return example(schema["anyOf"][0], parts)
    if "enum" in schema or "const" in schema:
        return schema.get("enum", [schema.get("const")])[0]
    kinds = {"string": "a", "integer": 1, "number": 1, "boolean": True}
    if schema.get("type") == "array":
        return [example(each, parts) for each in schema.get("prefixItems", [schema.get("items", {})])]
    if schema.get("type") == "object":
        return {name: example(each, parts) for name, each in schema.get("properties", {}).items()}
    return kinds.get(schema.get("type", ""), "a")


def with_each_part_replaced(body: Any) -> Iterator[str]:
    """The JSON of a body, with each hostile value in the place of each of its parts, however deep."""

    def places(part: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
        yield way
        for key in part if isinstance(part, dict) else range(len(part)) if isinstance(part, list) else ():
            yield from places(part[key], (*way, key))

    for way in places(body):
        copy = {"whole": json.loads(json.dumps(body))}
        inner: Any = copy
        for key in ("whole", *way)[:-1]:
            inner = inner[key]
        inner[("whole", *way)[-1]] = "here"
        for value in HOSTILE:
            yield json.dumps(copy["whole"]).replace('"here"', value)


def some(requests: list[Any]) -> list[Any]:
    """Half as many as are tried elsewhere, in an order that is always the same."""
    return random.Random("some").sample(requests, min(TRIES // 2, len(requests)))


def test_no_route_makes_a_mistake(page: Any) -> None:
    """Whatever the OpenAPI document describes, so that a route that is new is asked too."""
    described = page.client.get("/api/openapi.json").json()
    requests: list[tuple[str, str, str]] = []
    for path, methods in described["paths"].items():
        if path == "/api/changes":  # never ends
            continue
        real = path.replace("{image_id}", "1")
        for method, spec in methods.items():
            asked = [(path.replace("{image_id}", value), "{}") for value in IN_ADDRESSES if real != path]
            names = [part["name"] for part in spec.get("parameters", []) if part["in"] == "query"]
            for name in names:
                others = "".join(f"&{other}=1" for other in names if other != name and other in NEEDED)
                asked += [(f"{real}?{name}={value}{others}", "{}") for value in IN_ADDRESSES]
            if "requestBody" in spec:
                schema = spec["requestBody"]["content"]["application/json"]["schema"]
                body = example(schema, described["components"]["schemas"])
                asked += [(real, text) for text in with_each_part_replaced(body)]
            requests += [(method, address, text) for address, text in asked]
    for method, address, text in some(requests):
        answer = page.client.request(method, address, content=text, headers=RAW)
        assert answer.status_code < 500, (method, address, text[:200], answer.text)
        if answer.status_code >= 400:
            assert "\n" not in answer.json()["error"]


def test_no_event_makes_a_mistake(page: Any) -> None:
    label = page.get("/api/project")["labels"][0]["id"]
    mask = page.mask("m", clicks=[{"x": 1, "y": 1}], polygon=[[1, 1], [2, 2], [3, 1]], attributes={"a": 1})["body"]
    bodies = {
        "mask.set": mask,
        "masks.set": {"set": [mask], "deleted": ["x"]},
        "mask.delete": {"id": "m"},
        "mask.label": {"id": "m", "label": label},
        "masks.label": {"ids": ["m"], "label": label},
        "masks.order": {"ids": ["m"]},
        "mask.attributes": {"id": "m", "attributes": {"a": 1}},
        "image.state": {"state": "done", "reason": "r"},
        "image.note": {"text": "x"},
        "image.tags": {"tags": ["a"]},
        "comment.add": {"id": "c", "text": "t", "x": 1, "y": 2, "mask": "m"},
        "comment.done": {"id": "c", "done": True},
        "proposal.reject": {"label": label, "rejected": True},
        "undo": {},
        "redo": {},
    }
    seq, lease = 0, ""
    changed = [(kind, text) for kind, body in bodies.items() for text in with_each_part_replaced(body)]
    for number, (kind, text) in enumerate(some(changed)):
        lease = lease if number % 50 else page.lease()
        event = f'{{"uuid":"{number}","kind":"{kind}","body":{text}}}'
        sent = f'{{"client":"{page.name}","lease":"{lease}","base":{seq},"events":[{event}]}}'
        answer = page.client.post("/api/images/1/events", content=sent, headers=RAW)
        assert answer.status_code in (200, 422), (kind, text[:200], answer.text)
        seq = answer.json().get("seq", seq)
    assert len(page.get("/api/images/1/events")["events"]) == seq
    for form in ("coco", "cvat", "labelstudio", "datumaro"):
        assert page.client.get("/api/export", params={"format": form, "states": "all"}).status_code == 200
