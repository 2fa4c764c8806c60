"""Events as they come in: what each kind must hold."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tamis.annotation.fold import ACTIONS, CONTROLS, REMARKS, STATES
from tamis.annotation.problems import RequestError
from tamis.errors import InputError
from tamis.formats.record import LONGEST_VALUE, MOST_VALUES
from tamis.mask import Masks

LONGEST_NOTE = 10_000
MOST_EVENTS = 1000
"""In one request."""

MOST_CLICKS = 10_000
"""Of one mask; as many corners has a polygon."""

LONGEST_RUN = 7
"""Characters of one run, at most."""

_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


@dataclass(frozen=True)
class Event:
    """One thing that a person did.

    Attributes:
        uuid: made by whoever sends it, so that sending it again does no harm.
        kind: one of `fold.ACTIONS`, `fold.REMARKS` and `fold.CONTROLS`.
        body: what the kind needs.
        at: when, by the sender's clock, as ISO 8601.
        active_ms: milliseconds of work since the event before, idle time left out.
        clicks: of the mouse, since the event before.
    """

    uuid: str
    kind: str
    body: Mapping[str, Any]
    at: str = ""
    active_ms: int = 0
    clicks: int = 0


def require_sense(events: Sequence[Event], shape: tuple[int, int], labels: Collection[str]) -> list[Event]:
    """Make sure that events can be folded, and keep of each what its kind needs.

    Anything else that a sender puts into a body is dropped: what is written once is read by everybody, for good.

    Args:
        events: to check.
        shape: (height, width) of the image in pixels.
        labels: ids of the project's labels.

    Returns:
        The events with known fields alone.

    Raises:
        RequestError: one cannot; the message says why.
    """
    if len(events) > MOST_EVENTS:
        raise RequestError(f"{len(events)} events in one request are too many: send at most {MOST_EVENTS}")
    if len({event.uuid for event in events}) < len(events):
        raise RequestError("two events of one request have the same uuid")
    kept: list[Event] = []
    for event in events:
        if not _NAME.fullmatch(event.uuid):
            raise RequestError(f"{event.uuid[:80]!r} is no uuid: up to 64 letters, digits, and -_.: are")
        if event.kind not in ACTIONS + REMARKS + CONTROLS:
            known = ", ".join(ACTIONS + REMARKS + CONTROLS)
            raise RequestError(f"there is no event of kind {event.kind[:40]!r}: known are {known}")
        known_fields = _KEPT[event.kind](event.body, shape, labels)
        kept.append(replace(event, body=known_fields, at=storable(event.at)))
    return kept


def storable(text: str) -> str:
    """Text as it is, if every database takes it.

    Raises:
        RequestError: it has half of a character (a lone surrogate) or a zero in it.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise RequestError(f"{text[:40]!r} holds half of a character, as of an emoji that was cut") from None
    if "\0" in text:
        raise RequestError(f"{text[:40]!r} holds a character that is none (zero)")
    return text


def mask_of(rle: Any, shape: tuple[int, int], called: str) -> Masks:
    """The one mask of compressed run lengths that somebody sent.

    Args:
        rle: anything; right is {"size": [height, width], "counts": text}.
        shape: (height, width) of the image.
        called: the mask, in the message.

    Raises:
        RequestError: it is damaged, or of another size.
    """
    if (
        not isinstance(rle, Mapping)
        or not isinstance(rle.get("size"), list | tuple)
        or list(rle["size"]) != list(shape)
        or not isinstance(rle.get("counts"), str)
    ):
        raise RequestError(
            f'{called} does not fit the image: its rle must be {{"size": [{shape[0]}, {shape[1]}], "counts": "..."}}'
        )
    if len(rle["counts"]) > LONGEST_RUN * (shape[0] * shape[1] + 2):
        raise RequestError(f"{called} is damaged: it has more runs than the image has pixels")
    try:
        return Masks.from_coco([rle], shape)
    except (InputError, UnicodeEncodeError) as error:
        raise RequestError(f"{called} is damaged: {error}") from error


def _mask(body: Mapping[str, Any], shape: tuple[int, int], labels: Collection[str]) -> dict[str, Any]:
    kept = _relabelling(body, shape, labels)
    rle = body.get("rle")
    mask_of(rle, shape, f"the mask {body['id']}")
    kept["rle"] = {"size": list(shape), "counts": rle["counts"]}  # type: ignore[index]  # or it would be no mask
    if "tool" in body:
        if not isinstance(body["tool"], str) or not _NAME.fullmatch(body["tool"]):
            raise RequestError(f"{str(body['tool'])[:80]!r} is no tool: up to 64 letters, digits, and -_.: are")
        kept["tool"] = body["tool"]
    if "clicks" in body:
        kept["clicks"] = _clicks(body["clicks"])
    if "polygon" in body:
        kept["polygon"] = _corners(body["polygon"])
    if "attributes" in body:
        kept["attributes"] = _values(body["attributes"])
    return kept


def _corners(value: Any) -> list[list[float]]:
    if not isinstance(value, list) or not 3 <= len(value) <= MOST_CLICKS:
        raise RequestError(f"a polygon is a list of 3 to {MOST_CLICKS} corners [x, y]")
    for corner in value:
        if not isinstance(corner, list) or len(corner) != 2:
            raise RequestError("a corner of a polygon is [x, y] in pixels")
        for number in corner:
            if isinstance(number, bool) or not isinstance(number, int | float) or not abs(number) < 1e9:
                raise RequestError(f"{str(number)[:40]} is no place of a corner: x and y are finite numbers of pixels")
    return value


def _values(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping) or len(value) > MOST_VALUES:
        raise RequestError(f"attributes are an object of at most {MOST_VALUES} names and values")
    for name, given in value.items():
        _short(name, "the name of an attribute")
        if isinstance(given, str):
            _short(given, "an attribute", empty=True)
        elif not isinstance(given, bool | int | float) or not abs(given) < 1e15:
            raise RequestError(f"the attribute {name[:80]!r} is neither text, nor a number, nor true or false")
    return dict(value)


def _short(value: Any, called: str, empty: bool = False) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_VALUE or not (value.strip() or empty):
        raise RequestError(f"{called} is text of 1 to {LONGEST_VALUE} characters")
    return storable(value)


def _clicks(value: Any) -> list[dict[str, Any]]:
    if (
        not isinstance(value, list)
        or len(value) > MOST_CLICKS
        or not all(isinstance(click, Mapping) for click in value)
    ):
        raise RequestError(f"the clicks of a mask are a list of at most {MOST_CLICKS} objects with x, y and positive")
    kept = []
    for click in value:
        numbers = {key: click[key] for key in ("x", "y") if key in click}
        for number in numbers.values():
            if isinstance(number, bool) or not isinstance(number, int | float) or not abs(number) < 1e9:
                raise RequestError(f"{str(number)[:40]} is no place of a click: x and y are finite numbers of pixels")
        signs = {"positive": bool(click["positive"])} if "positive" in click else {}
        kept.append({**numbers, **signs})
    return kept


def _deletion(body: Mapping[str, Any], shape: tuple[int, int], labels: Collection[str]) -> dict[str, Any]:
    return {"id": _id(body.get("id"))}


def _several(body: Mapping[str, Any], shape: tuple[int, int], labels: Collection[str]) -> dict[str, Any]:
    made, gone = body.get("set"), body.get("deleted")
    if not isinstance(made, list) or not isinstance(gone, list):
        raise RequestError("masks.set needs two lists, 'set' and 'deleted'")
    if not all(isinstance(mask, Mapping) for mask in made):
        raise RequestError("masks.set: every mask must be an object with id, label and rle")
    return {"set": [_mask(mask, shape, labels) for mask in made], "deleted": [_id(name) for name in gone]}


def _relabelling(body: Mapping[str, Any], shape: tuple[int, int], labels: Collection[str]) -> dict[str, Any]:
    return {"id": _id(body.get("id")), "label": _label(body.get("label"), labels)}


def _state(body: Mapping[str, Any], shape: tuple[int, int], labels: Collection[str]) -> dict[str, Any]:
    state = body.get("state")
    if not isinstance(state, str) or state not in STATES:
        raise RequestError(f"{str(state)[:80]!r} is no state of an image: choose from {', '.join(STATES)}")
    if not body.get("reason"):
        return {"state": state}
    return {"state": state, "reason": _short(body["reason"], "the reason of a state")}


def _relabellings(body: Mapping[str, Any], shape: tuple[int, int], labels: Collection[str]) -> dict[str, Any]:
    return {"ids": _ids(body.get("ids")), "label": _label(body.get("label"), labels)}


def _order(body: Mapping[str, Any], shape: tuple[int, int], labels: Collection[str]) -> dict[str, Any]:
    return {"ids": _ids(body.get("ids"))}


def _attributes(body: Mapping[str, Any], shape: tuple[int, int], labels: Collection[str]) -> dict[str, Any]:
    return {"id": _id(body.get("id")), "attributes": _values(body.get("attributes"))}


def _tags(body: Mapping[str, Any], shape: tuple[int, int], labels: Collection[str]) -> dict[str, Any]:
    tags = body.get("tags")
    if not isinstance(tags, list) or len(tags) > MOST_VALUES:
        raise RequestError(f"the tags of an image are a list of at most {MOST_VALUES} names")
    return {"tags": list(dict.fromkeys(_short(tag, "a tag") for tag in tags))}


def _comment(body: Mapping[str, Any], shape: tuple[int, int], labels: Collection[str]) -> dict[str, Any]:
    text = body.get("text")
    if not isinstance(text, str) or not text.strip() or len(text) > LONGEST_NOTE:
        raise RequestError(f"a comment is text of 1 to {LONGEST_NOTE} characters")
    kept: dict[str, Any] = {"id": _id(body.get("id")), "text": storable(text)}
    if "mask" in body:
        kept["mask"] = _id(body["mask"])
    if "x" in body or "y" in body:
        kept |= _clicks([{"x": body.get("x"), "y": body.get("y")}])[0]
    return kept


def _answered(body: Mapping[str, Any], shape: tuple[int, int], labels: Collection[str]) -> dict[str, Any]:
    if not isinstance(body.get("done"), bool):
        raise RequestError("comment.done says with 'done', true or false, whether a comment is resolved")
    return {"id": _id(body.get("id")), "done": body["done"]}


def _rejection(body: Mapping[str, Any], shape: tuple[int, int], labels: Collection[str]) -> dict[str, Any]:
    if not isinstance(body.get("rejected"), bool):
        raise RequestError("proposal.reject says with 'rejected', true or false, whether a proposal is not to be shown")
    return {"label": _label(body.get("label"), labels), "rejected": body["rejected"]}


def _ids(value: Any) -> list[str]:
    if not isinstance(value, list):
        raise RequestError("'ids' is a list of ids of masks")
    return [_id(name) for name in value]


def _note(body: Mapping[str, Any], shape: tuple[int, int], labels: Collection[str]) -> dict[str, Any]:
    text = body.get("text")
    if not isinstance(text, str) or len(text) > LONGEST_NOTE:
        raise RequestError(f"a note is text of at most {LONGEST_NOTE} characters")
    return {"text": storable(text)}


def _nothing(body: Mapping[str, Any], shape: tuple[int, int], labels: Collection[str]) -> dict[str, Any]:
    return {}


def _id(value: Any) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise RequestError(f"{str(value)[:80]!r} is no id of a mask: up to 64 letters, digits, and -_.: are")
    return value


def _label(value: Any, labels: Collection[str]) -> str:
    if not isinstance(value, str) or value not in labels:
        raise RequestError(f"there is no label with the id {str(value)[:80]!r} in this project")
    return value


_KEPT: dict[str, Callable[[Mapping[str, Any], tuple[int, int], Collection[str]], dict[str, Any]]] = {
    "mask.set": _mask,
    "mask.delete": _deletion,
    "masks.set": _several,
    "mask.label": _relabelling,
    "masks.label": _relabellings,
    "masks.order": _order,
    "mask.attributes": _attributes,
    "image.state": _state,
    "image.note": _note,
    "image.tags": _tags,
    "comment.add": _comment,
    "comment.done": _answered,
    "proposal.reject": _rejection,
    **dict.fromkeys(CONTROLS, _nothing),
}
"""What is kept of the body of each kind."""
