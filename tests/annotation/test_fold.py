"""The fold, by the cases that the browser's fold must pass too, and by a slower and simpler one."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.annotation.fold import Action, History, advanced, drawing

CASES = json.loads((Path(__file__).parent / "fold_cases.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_cases_shared_with_the_browser(case: dict[str, Any]) -> None:
    history = advanced(History(), [(event["kind"], event["body"]) for event in case["events"]])
    seen = drawing(history)
    assert list(seen.masks.values()) == case["masks"]
    assert list(seen.masks) == [mask["id"] for mask in case["masks"]]
    assert (seen.state, seen.note) == (case["state"], case["note"])
    assert (history.pointer, len(history.actions)) == (case["pointer"], case["actions"])
    assert (seen.reason, list(seen.tags)) == (case.get("reason", ""), case.get("tags", []))
    assert list(seen.comments) == case.get("comments", [])
    assert list(seen.rejected) == case.get("rejected", [])


ids = st.sampled_from("abcd")
masks = st.builds(lambda i, label: {"id": i, "label": label, "rle": {}}, ids, st.sampled_from(["cat", "dog"]))
events = st.lists(
    st.one_of(
        masks.map(lambda mask: ("mask.set", mask)),
        ids.map(lambda i: ("mask.delete", {"id": i})),
        st.tuples(st.lists(masks, max_size=3), st.lists(ids, max_size=3)).map(
            lambda both: ("masks.set", {"set": both[0], "deleted": both[1]})
        ),
        st.tuples(ids, st.sampled_from(["cat", "dog"])).map(
            lambda both: ("mask.label", {"id": both[0], "label": both[1]})
        ),
        st.tuples(st.lists(ids, max_size=4), st.sampled_from(["cat", "dog"])).map(
            lambda both: ("masks.label", {"ids": both[0], "label": both[1]})
        ),
        st.lists(ids, max_size=4).map(lambda names: ("masks.order", {"ids": names})),
        st.sampled_from(["todo", "done"]).map(lambda state: ("image.state", {"state": state})),
        st.text(max_size=2).map(lambda text: ("image.note", {"text": text})),
        st.sampled_from([("undo", {}), ("redo", {})]),
    ),
    max_size=40,
)


@given(events)
def test_undo_and_redo_are_those_of_two_stacks(stream: list[Action]) -> None:
    done: list[Action] = []
    undone: list[Action] = []
    for kind, body in stream:
        if kind == "undo":
            undone += [done.pop()] if done else []
        elif kind == "redo":
            done += [undone.pop()] if undone else []
        else:
            done.append((kind, body))
            undone.clear()
    history = advanced(History(), stream)
    assert list(history.actions[: history.pointer]) == done
    assert list(history.actions[history.pointer :]) == undone[::-1]


@given(events, st.integers(0, 40))
def test_the_log_may_be_folded_in_pieces(stream: list[Action], cut: int) -> None:
    assert advanced(advanced(History(), stream[:cut]), stream[cut:]) == advanced(History(), stream)


@given(events)
def test_undoing_everything_is_a_blank_image_and_redoing_brings_it_back(stream: list[Action]) -> None:
    history = advanced(History(), stream)
    blank = advanced(history, [("undo", {})] * len(stream))
    assert (dict(drawing(blank).masks), drawing(blank).state, drawing(blank).note) == ({}, "todo", "")
    again = advanced(blank, [("redo", {})] * history.pointer)
    assert drawing(again) == drawing(history)
