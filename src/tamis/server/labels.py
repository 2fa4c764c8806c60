"""Labels: what masks can be called."""

from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from tamis.annotation import labels
from tamis.annotation.labels import Label
from tamis.annotation.problems import RequestError
from tamis.server import schemas
from tamis.server.context import Context, Person, Served, Text
from tamis.server.described import answers

router = APIRouter(prefix="/api/labels", tags=["labels"])


class Change(BaseModel):
    """What to do: "add" takes name, color and key; "change" an id and any of them; "delete" an id; "order" all ids."""

    action: Literal["add", "change", "delete", "order"]
    id: Annotated[str, Field(max_length=64), Text] | None = None
    name: Annotated[str, Field(max_length=1000), Text] | None = None
    color: Annotated[str, Field(max_length=20), Text] | None = None
    key: Annotated[str, Field(max_length=20), Text] | None = None
    ids: Annotated[list[Annotated[str, Text]], Field(max_length=10_000)] | None = None
    attributes: dict[Annotated[str, Text], Any] | None = None
    user: Annotated[str, Field(max_length=100), Text] = ""


@router.post("", **answers(schemas.Labels, 403, 422))
def change_labels(change: Change, served: Served, person: Person) -> dict[str, Any]:
    """Add, change, delete or reorder labels; the answer is the new list."""
    served.require_writable()
    editor = person or " ".join(change.user.split()) or served.user
    with served.service.project.database.writing() as connection:
        if change.action == "add":
            labels.add_label(connection, change.name or "", editor, change.color or "", change.key)
        elif change.action == "order":
            labels.order_labels(connection, change.ids or [], editor)
        elif change.id is None:
            raise RequestError(f"to {change.action} a label, say which by its id")
        elif change.action == "delete":
            labels.delete_label(connection, change.id, editor)
        else:
            values = {"name": change.name, "color": change.color, "key": change.key, "attributes": change.attributes}
            given = {field: value for field, value in values.items() if value is not None}
            labels.change_label(connection, change.id, given, editor)
    return {"labels": described(served)}


def described(served: Context) -> list[dict[str, Any]]:
    """The labels as JSON."""
    return [_described(label) for label in served.service.project.labels()]


def _described(label: Label) -> dict[str, Any]:
    return {key: value for key, value in asdict(label).items() if key not in ("deleted", "numbers")}
