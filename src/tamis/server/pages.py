"""The page itself: the files of `web/`, which come with the package."""

import hashlib
import re
from importlib.resources import files

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import HTTPException

router = APIRouter(include_in_schema=False)

MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
}

_NAME = re.compile(r"([a-z0-9][a-z0-9_-]*/)*[a-z0-9][a-z0-9_.-]*(\.[a-z]+)")


@router.get("/")
def index(request: Request) -> Response:
    """The page."""
    return _file("index.html", request)


@router.get("/favicon.ico")
def icon() -> Response:
    """None besides what the page names."""
    return Response(status_code=204)


@router.get("/web/{name:path}")
def module(name: str, request: Request) -> Response:
    """A module, a style sheet or a picture of the page."""
    return _file(name, request)


def _file(name: str, request: Request) -> Response:
    match = _NAME.fullmatch(name)
    file = files("tamis.server").joinpath("web", *name.split("/")) if match else None
    media_type = MEDIA_TYPES.get(match[2]) if match else None
    if file is None or media_type is None or not file.is_file():
        raise HTTPException(404, "there is no such file")
    content = file.read_bytes()
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"etag": tag, "cache-control": "no-cache"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=media_type, headers=headers)
