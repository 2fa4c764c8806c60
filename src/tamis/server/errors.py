"""Every problem as one sentence with its status: {"error": "..."}."""

import json
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from tamis.annotation.problems import (
    DatabaseError,
    DiskFullError,
    LeaseError,
    LockedError,
    NoSuchImageError,
    RequestError,
    StaleError,
)
from tamis.errors import InputError, OutputError, TamisError

_STATUS: tuple[tuple[type[TamisError], int], ...] = (
    (NoSuchImageError, 404),
    (RequestError, 422),
    (LockedError, 503),
    (DiskFullError, 507),
    (DatabaseError, 503),
    (InputError, 422),
    (OutputError, 507),
    (TamisError, 503),
)
"""The first that fits."""


class Said(JSONResponse):
    """JSON in ASCII alone: a sentence may quote what no encoding takes."""

    def render(self, content: Any) -> bytes:
        """The bytes of an answer."""
        return json.dumps(content, allow_nan=False).encode()


def add_handlers(app: FastAPI) -> None:
    """Teach an app to answer with sentences."""

    @app.exception_handler(StaleError)
    async def _stale(request: Request, error: StaleError) -> Said:
        return Said({"error": str(error), "seq": error.seq, "events": list(error.events)}, 409)

    @app.exception_handler(LeaseError)
    async def _lease(request: Request, error: LeaseError) -> Said:
        return Said({"error": str(error), "editor": error.editor}, 423)

    @app.exception_handler(TamisError)
    async def _tamis(request: Request, error: TamisError) -> Said:
        status = next(status for kind, status in _STATUS if isinstance(error, kind))
        return Said({"error": str(error)}, status)

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Said:
        sentence = str(error.detail)
        if error.status_code == 404 and sentence == "Not Found":
            sentence = f"there is nothing at {request.url.path}"
        return Said({"error": sentence}, error.status_code, headers=error.headers)

    @app.exception_handler(RequestValidationError)
    async def _validation(request: Request, error: RequestValidationError) -> Said:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"][1:]) or "the request"
        return Said({"error": f"{place}: {first['msg'].lower()}"}, 422)

    @app.exception_handler(RecursionError)
    async def _too_deep(request: Request, error: RecursionError) -> Said:
        return Said({"error": "the parts of the request lie too deep in each other"}, 422)

    @app.exception_handler(UnicodeError)
    @app.exception_handler(OverflowError)
    async def _not_storable(request: Request, error: ValueError | OverflowError) -> Said:
        return Said({"error": "the request holds text or a number that cannot be kept"}, 422)

    @app.exception_handler(Exception)
    async def _bug(request: Request, error: Exception) -> Said:
        return Said({"error": f"the server made a mistake ({type(error).__name__}); its terminal says more"}, 500)
