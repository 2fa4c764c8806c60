"""Routes with a description of what they answer."""

from typing import Any

from pydantic import BaseModel

from tamis.server import schemas


def answers(model: type[BaseModel] | None = None, *refusals: int, media_type: str = "") -> dict[str, Any]:
    """Keywords for a route: what it answers, or of which media type, and the statuses with which it refuses.

    The answer itself is not checked against the model: see `tamis.server.schemas`. Large ones are JSON responses
    already, since FastAPI goes through every value of a dictionary before it is written.
    """
    described: dict[int | str, dict[str, Any]] = {status: {"model": schemas.Error} for status in (422, *refusals)}
    if model is not None:
        described[200] = {"model": model}
    elif media_type:
        described[200] = {"content": {media_type: {}}}
    return {"response_model": None, "responses": described}
