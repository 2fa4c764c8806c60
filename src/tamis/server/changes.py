"""What has changed, sent as it happens: server-sent events, each the answer that a poll of the list would get."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import StreamingResponse

from tamis.annotation.service import ProjectService
from tamis.server import schemas
from tamis.server.context import Served

router = APIRouter(tags=["images"])

HEARTBEAT = 10.0
"""Seconds after which a stream says that it is alive, if nothing has changed."""


class News:
    """What the streams of a process say: most are as far as one another, and are sent the same text, made once.

    Args:
        service: of the project at work.
        readonly: nothing can be saved anyway.
    """

    def __init__(self, service: ProjectService, readonly: bool) -> None:
        self._service, self._readonly = service, readonly
        self._made: dict[tuple[int | None, int, int, str | None], asyncio.Task[tuple[int, str]]] = {}

    async def since(self, version: int | None) -> tuple[int, str]:
        """The version now, and what has changed since another, or everything, as JSON."""
        board, problem = self._service.board, None if self._readonly else self._service.watch.problem
        key = version, board.version, board.labels, problem
        if key not in self._made:
            if len(self._made) > 8:
                self._made.clear()
            # All streams wake at once: the first has it made, in a thread, since a list of thousands takes its time.
            self._made[key] = asyncio.create_task(run_sync(self._text, version, problem))
        return await asyncio.shield(self._made[key])

    def _text(self, version: int | None, problem: str | None) -> tuple[int, str]:
        board = self._service.board
        labels = board.labels
        now, images = board.since(version)
        return now, json.dumps({"version": now, "labels": labels, "problem": problem, "images": images})


def _news(request: Request) -> News:
    news: News = request.app.state.news
    return news


@router.get(
    "/api/changes",
    response_class=StreamingResponse,
    responses={200: {"model": schemas.Images, "description": "one after the other, as text/event-stream"}},
)
async def changes(
    served: Served,
    news: Annotated[News, Depends(_news)],
    since: int | None = None,
    last_event_id: Annotated[str | None, Header()] = None,
) -> StreamingResponse:
    """What has changed since a version (all without), and from then on every change as it happens.

    The id of each event is its version: a browser that was cut off sends it by itself, and misses nothing.
    """
    version = since
    with suppress(ValueError):
        version = int(last_event_id) if last_event_id else since
    return StreamingResponse(_events(served.service, news, version), media_type="text/event-stream")


async def _events(service: ProjectService, news: News, version: int | None) -> AsyncIterator[str]:
    woken, loop = asyncio.Event(), asyncio.get_running_loop()

    def wake() -> None:
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(woken.set)

    with service.watch.telling(wake):
        while not service.watch.stopped:
            woken.clear()
            version, text = await news.since(version)
            yield f"id: {version}\ndata: {text}\n\n"
            with suppress(TimeoutError):
                await asyncio.wait_for(woken.wait(), HEARTBEAT)
