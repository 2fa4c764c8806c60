"""What the events of an image come to: pure functions, the same in Python and in the browser.

An image's history is a list of actions and a pointer. An action drops what was undone, is appended and moves the
pointer behind itself; undo moves the pointer back by one, redo forward. The image is what actions[:pointer] make of a
blank one. `tests/annotation/fold_cases.json` holds examples for both implementations.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

ACTIONS = (
    "mask.set",
    "mask.delete",
    "masks.set",
    "mask.label",
    "masks.label",
    "masks.order",
    "mask.attributes",
    "image.state",
    "image.note",
    "image.tags",
)
"""Kinds of events that change the image."""

REMARKS = ("comment.add", "comment.done", "proposal.reject")
"""Kinds of events about the image: undo and redo go past them, for nobody takes back what somebody else has said.
So is that a proposal of the assistant was rejected."""

CONTROLS = ("undo", "redo")
"""Kinds of events that move the pointer."""

STATES = ("todo", "progress", "done", "rejected", "reviewed", "skipped")

FINISHED = ("done", "reviewed")
"""States of images that somebody has said to be complete."""

ASSISTANT = "assistant"
"""The tool of masks that began as a proposal of the assistant, corrected or not."""

Body = Mapping[str, Any]
Action = tuple[str, Body]


@dataclass(frozen=True)
class History:
    """Where an image stands.

    Attributes:
        actions: kind and body of each, oldest first, those undone included.
        pointer: how many of them count.
        remarks: kind and body of what was said about the image, oldest first.
    """

    actions: tuple[Action, ...] = ()
    pointer: int = 0
    remarks: tuple[Action, ...] = ()


@dataclass(frozen=True)
class Drawing:
    """What can be seen of an image's history.

    Attributes:
        masks: by id, in the order in which they were first made; each is the body that made it: id, label, rle (COCO's
            run lengths), and tool, clicks, polygon and attributes where they were sent.
        state: one of STATES.
        note: free text.
        reason: why the image is in its state, as of a rejection; "" if nobody has said.
        tags: of the image as a whole.
        rejected: labels whose proposals by the assistant nobody wants to see here.
        comments: each with id, text, by, done, and where it is pinned: mask, or x and y in pixels.
    """

    masks: Mapping[str, Body]
    state: str
    note: str
    reason: str = ""
    tags: tuple[str, ...] = ()
    comments: tuple[Body, ...] = ()
    rejected: tuple[str, ...] = ()


def advanced(history: History, events: Iterable[Action]) -> History:
    """The history after more events, given as kind and body.

    >>> made = advanced(History(), [("image.note", {"text": "a"}), ("image.note", {"text": "b"}), ("undo", {})])
    >>> made.pointer, drawing(made).note, drawing(advanced(made, [("redo", {})])).note
    (1, 'a', 'b')
    """
    actions, pointer, remarks = list(history.actions), history.pointer, list(history.remarks)
    for kind, body in events:
        if kind == "undo":
            pointer = max(pointer - 1, 0)
        elif kind == "redo":
            pointer = min(pointer + 1, len(actions))
        elif kind in REMARKS:
            remarks.append((kind, body))
        else:
            del actions[pointer:]
            actions.append((kind, body))
            pointer += 1
    return History(tuple(actions), pointer, tuple(remarks))


def drawing(history: History) -> Drawing:
    """What the actions up to the pointer make of a blank image.

    A mask that is set again keeps its place; an unknown id is nothing to delete or to label. Masks that an order names
    come first, in that order, all others after them as they were. The first change of a mask turns "todo" into
    "progress"; every other state is set by a person.
    """
    masks: dict[str, Body] = {}
    state, note, reason = "todo", "", ""
    tags: tuple[str, ...] = ()
    for kind, body in history.actions[: history.pointer]:
        if kind == "image.state":
            state, reason = body["state"], body.get("reason", "")
            continue
        if kind == "image.note":
            note = body["text"]
            continue
        if kind == "image.tags":
            tags = tuple(body["tags"])
            continue
        masks = _changed(masks, kind, body)
        tags = tuple(dict.fromkeys([*tags, *body.get("tags", ())]))  # an import brings both at once
        if state == "todo":
            state = "progress"
    return Drawing(
        MappingProxyType(masks), state, note, reason, tags, _comments(history.remarks), _rejected(history.remarks)
    )


def _changed(masks: dict[str, Body], kind: str, body: Body) -> dict[str, Body]:
    """The masks after an action; the dictionary may be changed in place."""
    if kind == "mask.set":
        masks[body["id"]] = body
    elif kind == "mask.delete":
        masks.pop(body["id"], None)
    elif kind in ("mask.label", "masks.label"):
        for name in body["ids"] if kind == "masks.label" else [body["id"]]:
            if name in masks:
                masks[name] = {**masks[name], "label": body["label"]}
    elif kind == "mask.attributes":
        if body["id"] in masks:
            masks[body["id"]] = {**masks[body["id"]], "attributes": body["attributes"]}
    elif kind == "masks.order":
        listed = [name for name in dict.fromkeys(body["ids"]) if name in masks]
        return {name: masks[name] for name in [*listed, *(name for name in masks if name not in set(listed))]}
    else:
        for gone in body["deleted"]:
            masks.pop(gone, None)
        for mask in body["set"]:
            masks[mask["id"]] = mask
    return masks


def _comments(remarks: Iterable[Action]) -> tuple[Body, ...]:
    comments: dict[str, Body] = {}
    for kind, body in remarks:
        if kind == "comment.add":
            comments[body["id"]] = {**body, "done": False}
        elif kind == "comment.done" and body["id"] in comments:
            comments[body["id"]] = {**comments[body["id"]], "done": body["done"]}
    return tuple(comments.values())


def _rejected(remarks: Iterable[Action]) -> tuple[str, ...]:
    """Labels in the order in which their proposals were last rejected."""
    labels: dict[str, None] = {}
    for kind, body in remarks:
        if kind == "proposal.reject":
            labels.pop(body["label"], None)
            if body["rejected"]:
                labels[body["label"]] = None
    return tuple(labels)
