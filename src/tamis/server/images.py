"""Images: the list, the pixels, and the answers to clicks."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Query, Request, Response
from fastapi.exceptions import HTTPException
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, FiniteFloat

from tamis.annotation.catalogue import ImageRow, accept_change
from tamis.annotation.pixels import THUMBNAIL, reading_problem, shown, thumbnail
from tamis.annotation.problems import RequestError
from tamis.clicks import Click
from tamis.errors import InputError
from tamis.mask import Masks
from tamis.server import schemas
from tamis.server.context import ImageId, Served
from tamis.server.described import answers

router = APIRouter(prefix="/api/images", tags=["images"])

Pixels = TypeVar("Pixels")

Side = Annotated[int, Query(ge=16, le=640)]

_TABLE = answers(None, 404, 422, media_type="application/octet-stream")
_TABLE["responses"][202] = {"model": schemas.Waiting}


class ClickBody(BaseModel):
    """A click in pixels of the upright image, the origin at its top-left corner."""

    x: FiniteFloat
    y: FiniteFloat
    positive: bool = True


class Question(BaseModel):
    """What to ask the segmentor."""

    clicks: Annotated[list[ClickBody], Field(max_length=1000)] = []
    box: tuple[FiniteFloat, FiniteFloat, FiniteFloat, FiniteFloat] | None = None
    granularity: Annotated[int, Field(ge=0, le=255)] = 0
    threshold: Annotated[float, Field(gt=0, lt=1)] = 0.5
    mask: schemas.Rle | None = None


@router.get("", **answers(schemas.Images))
def list_images(served: Served, since: int | None = None) -> Response:
    """All images; with `since` those that have changed since that version. Cheap enough to ask every second."""
    board = served.service.board
    board.update()
    version, images = board.since(since)
    problem = None if served.readonly else served.service.project.database.problem()
    return JSONResponse({"version": version, "labels": board.labels, "problem": problem, "images": images})


@router.get("/{image_id}/pixels", response_class=Response, **answers(None, 404, 422, media_type="image/*"))
def pixels(image_id: ImageId, served: Served, request: Request) -> Response:
    """The upright image, 8 bits deep, as JPEG, PNG or WebP."""
    row = served.service.readable(image_id)
    tag = f'"{row.found_sha256}"'
    if _known(request, tag):
        return _unchanged(tag)
    path = served.service.project.path(row)
    content, media_type = _pixels_of(path, row, partial(shown, max_pixels=served.service.project.max_pixels))
    return Response(content, media_type=media_type, headers=_kept(tag))


@router.get("/{image_id}/thumbnail", response_class=Response, **answers(None, 404, 422, media_type="image/jpeg"))
def small(image_id: ImageId, served: Served, request: Request, side: Side = THUMBNAIL) -> Response:
    """A JPEG of at most `side` pixels on the long side."""
    row = served.service.readable(image_id)
    tag = f'"{row.found_sha256}-{side}"'
    if _known(request, tag):
        return _unchanged(tag)
    path = served.service.project.path(row)
    content = _pixels_of(path, row, partial(thumbnail, max_pixels=served.service.project.max_pixels, side=side))
    return Response(content, media_type="image/jpeg", headers=_kept(tag))


@router.get("/{image_id}/answers", response_class=Response, **_TABLE)
def table_of_answers(image_id: ImageId, served: Served) -> Response:
    """The table by which a browser answers clicks itself; 202 while it is being made, 404 if there is none."""
    table = served.service.table(image_id)
    if table is None:
        return JSONResponse({"encoded": "waiting"}, 202)
    if not table:
        raise HTTPException(404, f"the segmentor '{served.service.segmentor}' has no table of answers: ask for masks")
    return Response(table, media_type="application/octet-stream")


@router.post("/{image_id}/mask", **answers(schemas.Mask, 404, 422, 503))
def mask(image_id: ImageId, question: Question, served: Served) -> dict[str, Any]:
    """The mask that clicks, or a box, ask for; with `mask`, the mask so far, as the last click corrects it."""
    clicks = [Click(click.x, click.y, click.positive) for click in question.clicks]
    begun = question.mask.model_dump() if question.mask else None
    masks, score = served.service.answer(
        image_id, clicks, question.box, question.granularity, question.threshold, begun
    )
    return {"rle": rles(masks)[0], "score": round(score, 4)}


@router.get("/{image_id}/proposals", **answers(schemas.Proposals, 404, 422, 503))
def proposals(image_id: ImageId, served: Served) -> Response:
    """All masks that a grid of clicks finds, those that tell most of the image first."""
    found = served.service.proposals(image_id)
    pairs = zip(rles(found.masks), found.scores.tolist(), strict=True)
    return JSONResponse({"proposals": [{"rle": rle, "score": round(score, 4)} for rle, score in pairs]})


@router.post("/{image_id}/accept", **answers(schemas.FileAcceptance, 403, 404, 409))
def accept(image_id: ImageId, served: Served) -> dict[str, Any]:
    """Let the masks of a changed image belong to the file that is there now; it must have the same size."""
    served.require_writable()
    served.service.look(image_id)
    try:
        accept_change(served.service.project.database, image_id)
    except RequestError as error:
        raise HTTPException(409, str(error)) from error
    served.service.board.update()
    return {"changed": False}


def rles(masks: Masks) -> list[dict[str, Any]]:
    """COCO's compressed run lengths, as JSON has them."""
    return [{"size": rle["size"], "counts": rle["counts"].decode()} for rle in masks.coco()]


def _pixels_of(path: Path, row: ImageRow, read: Callable[[Path], Pixels]) -> Pixels:
    """Read an image, and leave the folders that lead to it out of the sentence if that fails."""
    try:
        return read(path)
    except InputError as error:
        raise InputError(f"{row.name}: {reading_problem(error, path)}") from error


def _known(request: Request, tag: str) -> bool:
    return tag in (part.strip() for part in request.headers.get("if-none-match", "").split(","))


def _kept(tag: str) -> dict[str, str]:
    """The browser keeps the picture, and asks each time whether it is still the same."""
    return {"etag": tag, "cache-control": "private, no-cache"}


def _unchanged(tag: str) -> Response:
    return Response(status_code=304, headers=_kept(tag))
