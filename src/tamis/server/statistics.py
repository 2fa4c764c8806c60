"""Where the time went."""

from typing import Any, Literal

from fastapi import APIRouter, Response

from tamis.annotation.statistics import as_csv, statistics
from tamis.server import schemas
from tamis.server.context import Served
from tamis.server.described import answers

router = APIRouter(tags=["statistics"])


@router.get("/api/statistics", **answers(schemas.Statistics))
def show_statistics(served: Served) -> dict[str, Any]:
    """Sums over images, states, labels and people; seconds are those of work."""
    return statistics(served.service.project)


@router.get("/api/statistics.csv", response_class=Response, **answers(media_type="text/csv"))
def download_statistics(served: Served, by: Literal["image", "label", "tool", "person"] = "image") -> Response:
    """One line for each image, or for each label, tool or person."""
    content = as_csv(statistics(served.service.project), by)
    headers = {"content-disposition": f'attachment; filename="statistics-{by}.csv"'}
    return Response(content.encode(errors="backslashreplace"), media_type="text/csv; charset=utf-8", headers=headers)
