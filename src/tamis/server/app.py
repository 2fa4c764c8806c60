"""The app: routes, guard and errors put together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI
from starlette.types import ASGIApp

import tamis
from tamis.annotation.database import WRITERS
from tamis.annotation.service import ProjectService
from tamis.formats.registry import FORMATS
from tamis.server import events, export, images, labels, pages, schemas, statistics
from tamis.server.context import Context, Served
from tamis.server.described import answers
from tamis.server.errors import add_handlers
from tamis.server.security import Access, Guard


def make_app(
    service: ProjectService, readonly: bool = False, user: str = "me", access: Access | None = None
) -> ASGIApp:
    """The annotator's server as an ASGI app; it starts the service's threads and ends them.

    Args:
        service: the project at work.
        readonly: nothing may be changed.
        user: the name of whoever gives none.
        access: who may talk to it; localhost by default.
    """
    access = access or Access()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        # More threads than may wait to write (`tamis.annotation.database.WRITERS`): readers always find one.
        current_default_thread_limiter().total_tokens = 2 * WRITERS
        service.start()
        yield
        service.close()

    app = FastAPI(
        title="tamis annotator",
        version=tamis.__version__,
        docs_url=None,  # their pages load scripts from elsewhere, and nothing leaves this machine
        redoc_url=None,
        openapi_url="/api/openapi.json",
        lifespan=lifespan,
    )
    app.state.context = Context(service, readonly, user, access)
    add_handlers(app)
    for part in (pages, images, events, labels, statistics, export):
        app.include_router(part.router)

    @app.get("/api/project", tags=["project"], **answers(schemas.Project))
    def project(served: Served) -> dict[str, Any]:
        """What the page shows around the images."""
        return {
            "name": served.service.project.folder.resolve().name,
            "folder_name": served.service.project.folder.resolve().name,
            "version": tamis.__version__,
            "readonly": served.readonly,
            "segmentor": served.service.segmentor,
            "user": served.user,
            "labels": labels.described(served),
            "formats": [{"name": form.name, "title": form.title} for form in FORMATS],
        }

    return Guard(app, access)
