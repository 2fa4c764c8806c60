"""A project's masks as a zip file of any format."""

import json
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.exceptions import HTTPException
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask

from tamis.annotation.exchange import states_in, to_dataset, usual_states
from tamis.formats.registry import dropped, export, find_format
from tamis.formats.splits import shares_in, with_split
from tamis.server.context import Served
from tamis.server.described import answers

router = APIRouter(tags=["export"])


@router.get("/api/export", response_class=FileResponse, **answers(None, 409, 422, media_type="application/zip"))
def download(
    served: Served,
    format: str,
    states: str = "",
    tolerance: Annotated[float, Query(ge=0, le=1000)] = 0.0,
    split: str = "",
    seed: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
    images: Literal["none", "copy"] = "none",
) -> FileResponse:
    """A zip file; what the format does not keep is said in the header X-Tamis-Loss and in loss.json inside.

    A split has a seed, and the images are in it if wanted; what it has no place for is said in X-Tamis-Dropped. Without
    states it holds images that are done or reviewed, and X-Tamis-Left-Out says what else there is.
    """
    find_format(format)
    wanted, left_out = states_in(states), ""
    if not wanted:
        wanted, left_out = usual_states(served.service.project)
    dataset = replace(to_dataset(served.service.project, wanted), pixels=images)
    if split:
        dataset = with_split(dataset, shares_in(split), seed)
    lost = dropped(dataset, format)
    if not any(image.masks.areas.any() for image in dataset.images):
        more = f"; {left_out}" if left_out else ""
        raise HTTPException(409, f"there is nothing to export: no image has a mask yet{more}")
    with tempfile.TemporaryDirectory(prefix="tamis-export-") as folder:
        out = Path(folder) / "export"
        loss = export(dataset, format, out, tolerance)
        summary = {
            "format": format,
            "masks": len(loss.ious),
            "mean_iou": loss.mean,
            "worst_iou": loss.worst,
            "loss": loss.sentence(),
            "left_out": left_out,
            "dropped": lost,
        }
        (out / "loss.json").write_text(json.dumps(summary, indent=2), encoding="utf-8")
        archive = _zipped(out)
    name = f"{format}.zip"
    headers = {"x-tamis-loss": loss.sentence().encode("ascii", "replace").decode(), "x-tamis-left-out": left_out}
    headers["x-tamis-dropped"] = lost.encode("ascii", "replace").decode()
    return FileResponse(
        archive, media_type="application/zip", filename=name, headers=headers, background=BackgroundTask(archive.unlink)
    )


def _zipped(folder: Path) -> Path:
    """A zip file of a folder, in the folder for temporary files."""
    with tempfile.NamedTemporaryFile(prefix="tamis-", suffix=".zip", delete=False) as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    archive.write(path, path.relative_to(folder).as_posix())
        return Path(file.name)
