"""The object of a mask, looked for in another image."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse

from tamis.mask import Masks
from tamis.server import schemas
from tamis.server.context import ImageId, Served, Text
from tamis.server.described import answers
from tamis.server.images import rles

router = APIRouter(tags=["assistant"])


@router.get("/api/images/{image_id}/found", **answers(schemas.Detection, 404, 503))
def found(
    image_id: ImageId,
    source: Annotated[int, Query(le=2**31 - 1)],
    mask: Annotated[str, Query(max_length=64), Text],
    served: Served,
) -> Response:
    """Where the object of a mask on another image, `source`, is here, if it is; nothing is saved by asking."""
    located = served.service.found(image_id, source, mask)
    inside = located.mask
    rle = rles(Masks.from_dense(inside[None]))[0] if inside.any() else None
    return JSONResponse({"presence": round(located.presence, 4), "rle": rle})
