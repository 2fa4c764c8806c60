"""The labels of a project: a list that people change, kept as events like everything else."""

import colorsys
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, func, select

from tamis.annotation.decisions import decide, decisions
from tamis.annotation.problems import RequestError
from tamis.annotation.schema import events, image_labels

LONGEST_NAME = 200

DEFAULT_LABEL = "object"
"""Of a project that nobody has given any."""

KINDS = ("yes/no", "number", "text")
"""Of attributes, besides lists of choices."""

MOST_ATTRIBUTES = 100

_JOINERS = "\u00ad\u061c\u200c\u200d\u200e\u200f\u2060"
"""Invisible characters that spelling needs: soft hyphen, marks of direction, joiners."""

_COLOR = re.compile(r"#[0-9a-f]{6}")


@dataclass(frozen=True)
class Label:
    """What masks can be called.

    Attributes:
        id: never changes; masks refer to it.
        name: what people see.
        color: "#rrggbb".
        key: the key that chooses it, "" for none.
        deleted: it is no longer offered, and is shown only if undo brings a mask of it back.
        numbers: its number in files that it came from, by the family of formats.
        attributes: what its masks can be said to be, by name: a list of choices, "yes/no", "number" or "text".
    """

    id: str
    name: str
    color: str
    key: str
    deleted: bool = False
    numbers: Mapping[str, int] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)


def labels_of(connection: Connection) -> list[Label]:
    """The labels in order; a deleted one only where a mask has it again."""
    used = set(connection.execute(select(image_labels.c.label).distinct()).scalars())
    return [label for label in _all(connection) if not label.deleted or label.id in used]


def label_ids(connection: Connection) -> set[str]:
    """The ids that a mask may have: those of deleted labels too, for somebody may have drawn while offline."""
    return {label.id for label in _all(connection)}


def add_label(connection: Connection, name: str, editor: str, color: str = "", key: str | None = None) -> Label:
    """Add a label at the end; a colour and a free digit are found for it unless given.

    Raises:
        RequestError: the name is empty or taken, or the colour or key cannot be used.
    """
    present = labels_of(connection)
    label = Label(
        uuid4().hex[:12],
        _free_name(name, present),
        _checked_color(color) if color else color_of(len(_all(connection))),
        _free_key(key, present) if key is not None else _next_key(present),
    )
    body = {"id": label.id, "name": label.name, "color": label.color, "key": label.key}
    decide(connection, "label.add", body, editor)
    return label


def adopt_labels(
    connection: Connection, names: Sequence[str], numbers: Mapping[str, Mapping[str, int]], editor: str
) -> dict[str, Label]:
    """Labels by these very names, made where there are none: `Cat` and `cat` are two labels, as in their file.

    A label that the program made for a project without any goes, if nothing was ever drawn with it.

    Args:
        connection: of a writing transaction.
        names: as `tidy_name` gives them.
        numbers: of names in the file, by the family of formats; a label keeps the first that it gets.
        editor: the person's name.

    Raises:
        RequestError: a name cannot be a label's.
    """
    before = labels_of(connection)
    untouched = len(before) == 1 and before[0].name == DEFAULT_LABEL and before[0].name not in names
    present = {tidy_name(label.name): label for label in before}
    made_before = len(_all(connection))
    for name in names:
        theirs = {family: their[name] for family, their in numbers.items() if name in their}
        if name in present:
            label = present[name]
            body: dict[str, Any] = {"id": label.id, "numbers": {**theirs, **label.numbers}}
            if body["numbers"] != dict(label.numbers):
                decide(connection, "label.change", body, editor)
            continue
        others = list(present.values())
        label = Label(uuid4().hex[:12], _checked_name(name), color_of(made_before), _next_key(others))
        made_before += 1
        made: dict[str, Any] = {"id": label.id, "name": label.name, "color": label.color, "key": label.key}
        decide(connection, "label.add", {**made, "numbers": theirs} if theirs else made, editor)
        present[name] = label
    if untouched and len(present) > 1 and not _ever_used(connection, before[0].id):
        decide(connection, "label.delete", {"id": before[0].id}, editor)
    return {name: present[name] for name in names}


def tidy_name(name: str) -> str:
    """A label's name with single spaces, its accents composed: two that look the same are the same."""
    return unicodedata.normalize("NFC", " ".join(name.split()))


def change_label(connection: Connection, label_id: str, changes: Mapping[str, Any], editor: str) -> None:
    """Rename or recolour a label, give it another key or other attributes.

    Raises:
        RequestError: there is no such label, or a value cannot be used.
    """
    present = labels_of(connection)
    others = [label for label in present if label.id != _known(label_id, present).id]
    body: dict[str, Any] = {"id": label_id}
    for what, value in changes.items():
        if what == "attributes":
            body[what] = _checked_attributes(value)
        elif what == "color":
            body[what] = _checked_color(value)
        else:
            body[what] = _free_name(value, others) if what == "name" else _free_key(value, others)
    decide(connection, "label.change", body, editor)


def order_labels(connection: Connection, ids: Sequence[str], editor: str) -> None:
    """Put the labels in another order.

    Raises:
        RequestError: the ids are not those of the labels.
    """
    if sorted(ids) != sorted(label.id for label in labels_of(connection)):
        raise RequestError("the new order must name every label once; reload the page if somebody has changed them")
    decide(connection, "label.order", {"ids": list(ids)}, editor)


def delete_label(connection: Connection, label_id: str, editor: str) -> None:
    """Stop offering a label.

    Raises:
        RequestError: there is no such label, masks have it, or it is the last.
    """
    present = labels_of(connection)
    label = _known(label_id, present)
    statement = select(func.coalesce(func.sum(image_labels.c.masks), 0), func.count()).where(
        image_labels.c.label == label_id
    )
    masks, images = connection.execute(statement).one()
    if masks:
        raise RequestError(
            f"the label '{label.name}' has {masks} mask{'s' * (masks > 1)} on {images} image{'s' * (images > 1)}: "
            "give them another label first, or delete them"
        )
    if len(present) == 1:
        raise RequestError(f"'{label.name}' is the only label, and a mask needs one: rename it instead")
    decide(connection, "label.delete", {"id": label_id}, editor)


def color_of(number: int) -> str:
    """The colour of the label with this number, "#rrggbb": hues a golden section of the circle apart."""
    hue = (0.58 + number * 0.61803398875) % 1
    red, green, blue = colorsys.hls_to_rgb(hue, 0.56, 0.75)
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"


def folded(actions: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Label]:
    """The labels, deleted ones included, that label events come to."""
    found: dict[str, Label] = {}
    for kind, body in actions:
        if kind == "label.add":
            numbers = body.get("numbers", {})
            found[body["id"]] = Label(body["id"], body["name"], body["color"], body["key"], numbers=numbers)
        elif kind == "label.change":
            found[body["id"]] = replace(found[body["id"]], **{k: v for k, v in body.items() if k != "id"})
        elif kind == "label.delete":
            found[body["id"]] = replace(found[body["id"]], deleted=True)
        else:
            place = {label_id: i for i, label_id in enumerate(body["ids"])}
            found = dict(sorted(found.items(), key=lambda item: place.get(item[0], len(place))))
    return list(found.values())


def _all(connection: Connection) -> list[Label]:
    return folded(decisions(connection, "label."))


def _known(label_id: str, present: Sequence[Label]) -> Label:
    for label in present:
        if label.id == label_id:
            return label
    raise RequestError(f"there is no label with the id {label_id[:80]!r} in this project")


def _free_name(value: str, others: Sequence[Label]) -> str:
    name = _checked_name(value)
    if name.casefold() in (tidy_name(label.name).casefold() for label in others):
        raise RequestError(f"there is already a label '{name}'")
    return name


def _checked_name(value: str) -> str:
    name = tidy_name(value)
    if not name or len(name) > LONGEST_NAME or any(_is_hidden(character) for character in name):
        shown = "".join("\ufffd" if _is_hidden(character) else character for character in name)[:80]
        raise RequestError(f"'{shown}': a label needs a name of 1 to {LONGEST_NAME} characters that can be shown")
    return name


def _is_hidden(character: str) -> bool:
    """Whether a character is none that a name is written with; joiners are, in Persian, Indic scripts and emoji."""
    kind = unicodedata.category(character)
    if kind == "Cf":
        return not (character in _JOINERS or "\U000e0020" <= character <= "\U000e007f")
    return kind in ("Cc", "Cs", "Zl", "Zp")


def _ever_used(connection: Connection, label_id: str) -> bool:
    """Whether an event of any image names a label."""
    statement = select(func.count()).where(events.c.image_id.is_not(None), events.c.body.contains(f'"{label_id}"'))
    return bool(connection.execute(statement).scalar())


def _free_key(value: str, others: Sequence[Label]) -> str:
    if len(value) > 1 or value.isspace() or (value and not value.isprintable()):
        raise RequestError(f"{value[:20]!r} is no key for a label: a key is a single character")
    for label in others:
        if value and label.key == value:
            raise RequestError(f"the key '{value}' already chooses the label '{label.name}'")
    return value


def _next_key(present: Sequence[Label]) -> str:
    taken = {label.key for label in present}
    return next((digit for digit in "1234567890" if digit not in taken), "")


def _checked_attributes(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping) or len(value) > MOST_ATTRIBUTES:
        raise RequestError(f"the attributes of a label are at most {MOST_ATTRIBUTES} names, each with its kind")
    checked: dict[str, Any] = {}
    for name, kind in value.items():
        simple = isinstance(kind, str) and kind in KINDS
        choice = isinstance(kind, list) and kind and all(isinstance(each, str) and each.strip() for each in kind)
        if not (simple or choice):
            raise RequestError(f"the attribute '{str(name)[:80]}' must be a list of choices, or {', '.join(KINDS)}")
        checked[_checked_name(str(name))] = kind
    return checked


def _checked_color(value: str) -> str:
    if not _COLOR.fullmatch(value.lower()):
        raise RequestError(f"{value[:20]!r} is no colour: write #rrggbb, such as #3b82f6")
    return value.lower()
