"""The assistant: how it stands with a label, what it thinks of the images that wait, and the mask it proposes."""

from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse

from tamis.annotation.assistant.assistant import Standing
from tamis.annotation.problems import RequestError
from tamis.mask import Masks
from tamis.server import schemas
from tamis.server.context import Context, ImageId, Served, Text
from tamis.server.described import answers
from tamis.server.images import rles

router = APIRouter(tags=["assistant"])

LabelId = Annotated[str, Query(max_length=64), Text]


@router.get("/api/assistant", **answers(schemas.AssistantOverview))
def overview(label: LabelId, served: Served, since: int | None = None) -> Response:
    """How it stands with a label, and the images that wait; with `since` these only if that version has passed."""
    state, name = _standing(served, label)
    assistant = served.service.assistant
    version = assistant.version
    images = agreements = None
    if since != version:
        images = [
            {
                "id": image_id,
                "confidence": round(each.confidence, 4),
                "distance": round(each.distance, 4),
                "empty": each.empty,
                "rejected": each.rejected,
            }
            for image_id, each in assistant.ratings(label).items()
        ]
        agreed = assistant.agreements(label)
        agreements = [{"id": image_id, "agreement": round(iou, 4)} for image_id, iou in agreed.items()]
    sure = assistant.sure(label)
    lists = {"images": images, "agreements": agreements}
    told = {**_told(served, *state, name), "version": version, "sure": None if sure is None else round(sure, 4)}
    return JSONResponse({**told, **lists})


@router.get("/api/images/{image_id}/assistant", **answers(schemas.AssistantProposal, 404, 503))
def proposal(image_id: ImageId, label: LabelId, served: Served) -> Response:
    """The mask of a label that the assistant proposes; nothing is saved by asking."""
    row = served.service.look(image_id)
    state, name = _standing(served, label)
    found = None
    if not row.masks and state[0] in ("learning", "ready"):
        found = served.service.proposed(image_id, label)
    told = None
    if found is not None:
        told = {
            "rle": rles(Masks.from_dense(found.mask[None]))[0],
            "parts": rles(Masks.from_dense(np.stack(found.parts))) if len(found.parts) > 1 else [],
            "confidence": round(found.confidence, 4),
        }
    return JSONResponse({**_told(served, *state, name), "proposal": told})


def _standing(served: Context, label: str) -> tuple[tuple[Standing, int], str]:
    """How it stands with a label, and its name."""
    names = {each.id: each.name for each in served.service.project.labels()}
    if label not in names:
        raise RequestError(f"there is no label with the id {label[:80]!r} in this project")
    return served.service.assistant.standing(label), names[label]


def _told(served: Context, state: Standing, learned: int, name: str) -> dict[str, Any]:
    segmentor = served.service.segmentor
    why: dict[Standing, str] = {
        "off": f"the assistant is off: '{segmentor}' does not answer by region; start with --model embedded to have it",
        "starting": "the segmentor is being loaded",
        "untaught": f"finish one image with a mask of '{name}' first: the assistant learns from it",
        "learning": "the assistant is learning what was finished last",
        "ready": "",
        "complete": "every image is annotated: there is nothing left to propose",
    }
    return {"state": state, "why": why[state], "learned": learned}
