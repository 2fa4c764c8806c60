"""The app: routes, guard and errors put together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI
from starlette.types import ASGIApp

import tamis
from tamis.annotation.database import WRITERS
from tamis.annotation.service import ProjectService
from tamis.server import assistant, changes, events, export, found, images, labels, pages, project, statistics
from tamis.server.context import Context
from tamis.server.errors import add_handlers
from tamis.server.security import Access, Guard


def make_app(
    service: ProjectService,
    readonly: bool = False,
    user: str = "me",
    access: Access | None = None,
    another_reviews: bool = False,
) -> ASGIApp:
    """The annotator's server as an ASGI app; it starts the service's threads and ends them.

    Args:
        service: the project at work.
        readonly: nothing may be changed.
        user: the name of whoever gives none.
        access: who may talk to it; localhost by default.
        another_reviews: an image counts as reviewed only if somebody else than its annotators says so.
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
    app.state.context = Context(service, readonly, user, access, another_reviews)
    app.state.news = changes.News(service, readonly)
    add_handlers(app)
    for part in (pages, project, images, changes, events, labels, assistant, found, statistics, export):
        app.include_router(part.router)
    app.include_router(events.following)

    return Guard(app, access)
