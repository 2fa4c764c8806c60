"""Events as they come in: what each kind must hold."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tamis.annotation.fold import ACTIONS, CONTROLS, STATES
from tamis.annotation.problems import NonsenseError
from tamis.errors import InputError

LONGEST_NOTE = 10_000
MOST_EVENTS = 1000
"""In one request."""

LONGEST_RUN = 7
"""Characters of one run, at most."""

_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


@dataclass(frozen=True)
class Event:
    """One thing that a person did.

    Attributes:
        uuid: made by whoever sends it, so that sending it again does no harm.
        kind: one of `fold.ACTIONS` and `fold.CONTROLS`.
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


def require_sense(events: Sequence[Event], shape: tuple[int, int], labels: Collection[str]) -> None:
    """Make sure that events can be folded.

    Args:
        events: to check.
        shape: (height, width) of the image in pixels.
        labels: ids of the project's labels.

    Raises:
        NonsenseError: one cannot; the message says why.
    """
    if len(events) > MOST_EVENTS:
        raise NonsenseError(f"{len(events)} events in one request are too many: send at most {MOST_EVENTS}")
    if len({event.uuid for event in events}) < len(events):
        raise NonsenseError("two events of one request have the same uuid")
    for event in events:
        if not _NAME.fullmatch(event.uuid):
            raise NonsenseError(f"{event.uuid[:80]!r} is no uuid: up to 64 letters, digits, and -_.: are")
        if event.kind not in ACTIONS + CONTROLS:
            known = ", ".join(ACTIONS + CONTROLS)
            raise NonsenseError(f"there is no event of kind {event.kind[:40]!r}: known are {known}")
        check = _CHECKS.get(event.kind)
        if check is not None:
            check(event.body, shape, labels)


def _mask(body: Mapping[str, Any], shape: tuple[int, int], labels: Collection[str]) -> None:
    _id(body.get("id"))
    _label(body.get("label"), labels)
    rle = body.get("rle")
    if not isinstance(rle, Mapping) or rle.get("size") != list(shape) or not isinstance(rle.get("counts"), str):
        raise NonsenseError(
            f"the mask {body['id']} does not fit the image: its rle must be "
            f'{{"size": [{shape[0]}, {shape[1]}], "counts": "..."}}'
        )
    from tamis.mask import Masks

    if len(rle["counts"]) > LONGEST_RUN * (shape[0] * shape[1] + 2):
        raise NonsenseError(f"the mask {body['id']} is damaged: it has more runs than the image has pixels")
    try:
        Masks.from_coco([rle], shape)
    except InputError as error:
        raise NonsenseError(f"the mask {body['id']} is damaged: {error}") from error


def _deletion(body: Mapping[str, Any], shape: tuple[int, int], labels: Collection[str]) -> None:
    _id(body.get("id"))


def _several(body: Mapping[str, Any], shape: tuple[int, int], labels: Collection[str]) -> None:
    made, gone = body.get("set"), body.get("deleted")
    if not isinstance(made, list) or not isinstance(gone, list):
        raise NonsenseError("masks.set needs two lists, 'set' and 'deleted'")
    for name in gone:
        _id(name)
    for mask in made:
        if not isinstance(mask, Mapping):
            raise NonsenseError("masks.set: every mask must be an object with id, label and rle")
        _mask(mask, shape, labels)


def _relabelling(body: Mapping[str, Any], shape: tuple[int, int], labels: Collection[str]) -> None:
    _id(body.get("id"))
    _label(body.get("label"), labels)


def _state(body: Mapping[str, Any], shape: tuple[int, int], labels: Collection[str]) -> None:
    if body.get("state") not in STATES:
        raise NonsenseError(f"{body.get('state')!r} is no state of an image: choose from {', '.join(STATES)}")


def _note(body: Mapping[str, Any], shape: tuple[int, int], labels: Collection[str]) -> None:
    text = body.get("text")
    if not isinstance(text, str) or len(text) > LONGEST_NOTE:
        raise NonsenseError(f"a note is text of at most {LONGEST_NOTE} characters")


def _id(value: Any) -> None:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise NonsenseError(f"{str(value)[:80]!r} is no id of a mask: up to 64 letters, digits, and -_.: are")


def _label(value: Any, labels: Collection[str]) -> None:
    if not isinstance(value, str) or value not in labels:
        raise NonsenseError(f"there is no label with the id {str(value)[:80]!r} in this project")


_CHECKS: dict[str, Callable[[Mapping[str, Any], tuple[int, int], Collection[str]], None]] = {
    "mask.set": _mask,
    "mask.delete": _deletion,
    "masks.set": _several,
    "mask.label": _relabelling,
    "image.state": _state,
    "image.note": _note,
}
