"""What events must hold."""

from typing import Any

import pytest

from tamis.annotation.events import Event, require_sense
from tamis.annotation.problems import RequestError

SHAPE = (6, 8)
RLE = {"size": [6, 8], "counts": "`1"}
MASK: dict[str, Any] = {"id": "m", "label": "cat", "rle": RLE, "tool": "click", "clicks": [{"x": 1}]}


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("mask.set", MASK),
        ("mask.delete", {"id": "never-seen"}),
        ("masks.set", {"set": [MASK], "deleted": ["a", "b"]}),
        ("masks.set", {"set": [], "deleted": []}),
        ("mask.label", {"id": "m", "label": "dog"}),
        ("image.state", {"state": "reviewed"}),
        ("image.note", {"text": "<b>"}),
        ("undo", {}),
        ("redo", {}),
    ],
)
def test_what_makes_sense(kind: str, body: dict[str, Any]) -> None:
    require_sense([Event("u", kind, body)], SHAPE, {"cat", "dog"})


@pytest.mark.parametrize(
    ("kind", "change", "sentence"),
    [
        ("mask.jump", {}, "no event of kind 'mask.jump'"),
        ("mask.set", {"label": "zebra"}, "no label with the id 'zebra'"),
        ("mask.set", {"label": None}, "no label with the id 'None'"),
        ("mask.set", {"id": "a b"}, "'a b' is no id"),
        ("mask.set", {"id": "<script>"}, "'<script>' is no id"),
        ("mask.set", {"id": 7}, "'7' is no id"),
        ("mask.set", {"rle": {"size": [8, 6], "counts": "0"}}, "does not fit the image"),
        ("mask.set", {"rle": {"size": [6, 8], "counts": "5"}}, "is damaged: the counts of RLE 0 add up to 5"),
        ("mask.set", {"rle": {"size": [6, 8], "counts": "é\x00"}}, "is damaged"),
        ("mask.set", {"rle": {"size": [6, 8], "counts": "0" * 1000}}, "more runs than the image has pixels"),
        ("mask.set", {"rle": None}, "does not fit the image"),
        ("masks.set", {"set": [1], "deleted": []}, "every mask must be an object"),
        ("masks.set", {"set": []}, "needs two lists"),
        ("image.state", {"state": "perfect"}, "'perfect' is no state"),
        ("image.note", {"text": "x" * 10_001}, "at most 10000 characters"),
        ("image.note", {"text": 5}, "a note is text"),
        ("mask.delete", {"id": ""}, "'' is no id"),
        ("mask.label", {"id": "m", "label": "zebra"}, "no label"),
    ],
)
def test_nonsense_is_refused_with_a_sentence(kind: str, change: dict[str, Any], sentence: str) -> None:
    body = {**MASK, **change} if kind == "mask.set" else change
    with pytest.raises(RequestError, match=sentence) as caught:
        require_sense([Event("u", "undo", {}), Event("v", kind, body)], SHAPE, {"cat", "dog"})
    assert "\n" not in str(caught.value)


def test_only_known_fields_are_kept() -> None:
    more = {"t": float("nan"), "deep": {"a": [1]}}
    click = {"x": 1.5, "y": 2, "positive": False, "pressure": 0.3}
    mask = {**MASK, "rle": {**MASK["rle"], "more": 1}, "clicks": [click], **more}
    kept = {**MASK, "clicks": [{"x": 1.5, "y": 2, "positive": False}]}
    sent = {
        "mask.set": (mask, kept),
        "mask.delete": ({"id": "m", **more}, {"id": "m"}),
        "masks.set": ({"set": [mask], "deleted": ["a"], **more}, {"set": [kept], "deleted": ["a"]}),
        "mask.label": ({"id": "m", "label": "dog", **more}, {"id": "m", "label": "dog"}),
        "image.state": ({"state": "done", **more}, {"state": "done"}),
        "image.note": ({"text": "a", **more}, {"text": "a"}),
        "undo": (more, {}),
        "redo": (more, {}),
    }
    for kind, (body, wanted) in sent.items():
        (event,) = require_sense([Event("u", kind, body)], SHAPE, {"cat", "dog"})
        assert event.body == wanted


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"clicks": [{"x": float("nan")}]}, "nan is no place of a click"),
        ({"clicks": [{"x": float("inf")}]}, "inf is no place of a click"),
        ({"clicks": [{"x": "1"}]}, "is no place of a click"),
        ({"clicks": [{"x": True}]}, "is no place of a click"),
        ({"clicks": {}}, "the clicks of a mask are a list"),
        ({"clicks": [[1]]}, "the clicks of a mask are a list"),
        ({"tool": 5}, "'5' is no tool"),
        ({"rle": {"size": [6, 8], "counts": "\ud83d"}}, "is damaged"),
    ],
)
def test_fields_of_a_mask_that_are_none(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(RequestError, match=sentence):
        require_sense([Event("u", "mask.set", {**MASK, **change})], SHAPE, {"cat"})


@pytest.mark.parametrize("text", ["\ud83d", "a\x00b"])
def test_text_that_cannot_be_kept(text: str) -> None:
    for event in (Event("u", "image.note", {"text": text}), Event("u", "undo", {}, at=text)):
        with pytest.raises(RequestError, match="holds"):
            require_sense([event], SHAPE, set())
