"""What people did to an image: its events, and the right to add to them."""

from typing import Annotated, Any

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from tamis.annotation import leases
from tamis.annotation.events import Event
from tamis.annotation.problems import RequestError
from tamis.server import schemas
from tamis.server.context import Context, ImageId, Person, Served, Text
from tamis.server.described import answers

router = APIRouter(prefix="/api/images/{image_id}", tags=["events"])
following = APIRouter(tags=["events"])

_LEASE = answers(schemas.Lease, 403, 404, 422, 503, 507)
_LEASE["responses"][423] = {"model": schemas.LeaseConflict}
_APPEND = answers(schemas.EventCount, 403, 404, 413, 422, 503, 507)
_APPEND["responses"] |= {409: {"model": schemas.Stale}, 423: {"model": schemas.LeaseConflict}}

Name = Annotated[str, Field(min_length=1, max_length=64), Text]
Called = Annotated[str, Field(max_length=100), Text]


class EventBody(BaseModel):
    """One thing that a person did."""

    uuid: Name
    kind: str
    body: dict[str, Any] = {}
    at: Annotated[str, Field(max_length=40), Text] = ""
    active_ms: Annotated[int, Field(ge=0, le=86_400_000)] = 0
    clicks: Annotated[int, Field(ge=0, le=1_000_000)] = 0


class Batch(BaseModel):
    """Events, oldest first, and how many of the image the sender knew before them."""

    client: Name
    lease: Annotated[str, Field(max_length=64), Text]
    base: Annotated[int, Field(ge=0, le=2**31 - 1)]
    events: list[EventBody]


class Claim(BaseModel):
    """Who wants to work on an image."""

    client: Name
    user: Called = ""
    takeover: bool = False


class Next(BaseModel):
    """Who wants an image, and which ones not."""

    client: Name
    user: Called = ""
    without: Annotated[list[int], Field(max_length=10_000)] = []


@router.get("/events", **answers(schemas.History, 404))
def history(image_id: ImageId, served: Served) -> Response:
    """The whole history of an image, and who is at work on it."""
    served.service.look(image_id)
    project = served.service.project
    seq, events = project.log.history(image_id)
    with project.database.reading() as connection:
        held = leases.current_lease(connection, image_id)
    lease = None if held is None else {"editor": held.editor, "client": held.client}
    return JSONResponse({"seq": seq, "events": events, "lease": lease})


@router.post("/events", **_APPEND)
def append(image_id: ImageId, batch: Batch, served: Served) -> dict[str, int]:
    """Add events; they are on the disk when this is answered. Sending them again is harmless."""
    served.require_writable()
    events = [
        Event(event.uuid, event.kind, event.body, event.at, event.active_ms, event.clicks) for event in batch.events
    ]
    if served.another_reviews and any(
        event.kind == "image.state" and event.body.get("state") == "reviewed" for event in events
    ):
        _require_another(served, image_id, batch.lease)
    seq = served.service.project.log.append(image_id, events, batch.client, batch.lease, batch.base)
    served.service.assistant.stir()
    return {"seq": seq}


def _require_another(served: Context, image_id: int, lease: str) -> None:
    """Whoever changed masks of an image does not review it."""
    project = served.service.project
    with project.database.reading() as connection:
        editor = leases.require_lease(connection, image_id, lease).editor
    _, events = project.log.history(image_id)
    if any(event["user"] == editor and event["kind"].startswith("mask") for event in events):
        raise RequestError(f"somebody else than {editor} has to review this image: its masks are theirs")


@router.post("/lease", **_LEASE)
def lease(image_id: ImageId, claim: Claim, served: Served, person: Person) -> dict[str, Any]:
    """Take or renew the right to change an image; whoever has a token of his own works under his name."""
    served.require_writable()
    served.service.look(image_id)
    editor = person or " ".join(claim.user.split()) or served.user
    with served.service.project.database.writing() as connection:
        held = leases.take_lease(connection, image_id, claim.client, editor, claim.takeover)
    return {"lease": held.lease, "expires_in": leases.SECONDS}


@following.post("/api/next", **answers(schemas.NextLease, 403, 422, 503, 507))
def next_image(claim: Next, served: Served, person: Person) -> dict[str, Any]:
    """The next image that waits for whoever asks and that nobody else is at work on, with the right to change it."""
    served.require_writable()
    editor = person or " ".join(claim.user.split()) or served.user
    waiting = [image_id for image_id in served.service.board.waiting_for(editor) if image_id not in claim.without]
    with served.service.project.database.writing() as connection:
        found = leases.take_next(connection, waiting, claim.client, editor)
    if found is None:
        return {"image": None, "lease": None, "expires_in": 0}
    image_id, held = found
    return {"image": image_id, "lease": held.lease, "expires_in": leases.SECONDS}


@router.delete("/lease", **answers(schemas.LeaseRelease, 403))
def release(image_id: ImageId, lease: Annotated[str, Text], served: Served) -> dict[str, Any]:
    """Give the right back."""
    served.require_writable()
    with served.service.project.database.writing() as connection:
        leases.release_lease(connection, image_id, lease)
    return {"lease": None}
