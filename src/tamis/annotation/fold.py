"""What the events of an image come to: pure functions, the same in Python and in the browser.

An image's history is a list of actions and a pointer. An action drops what was undone, is appended and moves the
pointer behind itself; undo moves the pointer back by one, redo forward. The image is what actions[:pointer] make of a
blank one. `tests/annotation/fold_cases.json` holds examples for both implementations.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

ACTIONS = ("mask.set", "mask.delete", "masks.set", "mask.label", "image.state", "image.note")
"""Kinds of events that change the image."""

CONTROLS = ("undo", "redo")
"""Kinds of events that move the pointer."""

STATES = ("todo", "progress", "done", "reviewed", "skipped")

Body = Mapping[str, Any]
Action = tuple[str, Body]


@dataclass(frozen=True)
class History:
    """Where an image stands.

    Attributes:
        actions: kind and body of each, oldest first, those undone included.
        pointer: how many of them count.
    """

    actions: tuple[Action, ...] = ()
    pointer: int = 0


@dataclass(frozen=True)
class Drawing:
    """What can be seen of an image's history.

    Attributes:
        masks: by id, in the order in which they were first made; each is the body that made it: id, label, rle (COCO's
            run lengths), and tool and clicks where they were sent.
        state: one of STATES.
        note: free text.
    """

    masks: Mapping[str, Body]
    state: str
    note: str


def advanced(history: History, events: Iterable[Action]) -> History:
    """The history after more events, given as kind and body.

    >>> made = advanced(History(), [("image.note", {"text": "a"}), ("image.note", {"text": "b"}), ("undo", {})])
    >>> made.pointer, drawing(made).note, drawing(advanced(made, [("redo", {})])).note
    (1, 'a', 'b')
    """
    actions, pointer = list(history.actions), history.pointer
    for kind, body in events:
        if kind == "undo":
            pointer = max(pointer - 1, 0)
        elif kind == "redo":
            pointer = min(pointer + 1, len(actions))
        else:
            del actions[pointer:]
            actions.append((kind, body))
            pointer += 1
    return History(tuple(actions), pointer)


def drawing(history: History) -> Drawing:
    """What the actions up to the pointer make of a blank image.

    A mask that is set again keeps its place; an unknown id is nothing to delete or to label. The first change of a mask
    turns "todo" into "progress"; every other state is set by a person.
    """
    masks: dict[str, Body] = {}
    state, note = "todo", ""
    for kind, body in history.actions[: history.pointer]:
        if kind == "image.state":
            state = body["state"]
            continue
        if kind == "image.note":
            note = body["text"]
            continue
        if kind == "mask.set":
            masks[body["id"]] = body
        elif kind == "mask.delete":
            masks.pop(body["id"], None)
        elif kind == "mask.label":
            if body["id"] in masks:
                masks[body["id"]] = {**masks[body["id"]], "label": body["label"]}
        else:
            for gone in body["deleted"]:
                masks.pop(gone, None)
            for mask in body["set"]:
                masks[mask["id"]] = mask
        if state == "todo":
            state = "progress"
    return Drawing(MappingProxyType(masks), state, note)
