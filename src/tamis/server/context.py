"""What every route is given: the project at work and how it is served."""

from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Path, Request
from fastapi.exceptions import HTTPException
from pydantic import AfterValidator

from tamis.annotation.events import storable
from tamis.annotation.service import ProjectService
from tamis.server.security import Access


@dataclass(frozen=True)
class Context:
    """A served project.

    Attributes:
        service: the project at work.
        readonly: nothing may be changed through the server.
        user: the name of whoever gives none.
        access: who may talk to the server.
        another_reviews: an image counts as reviewed only if somebody else than its annotators says so.
    """

    service: ProjectService
    readonly: bool = False
    user: str = "me"
    access: Access = field(default_factory=Access)
    another_reviews: bool = False

    def require_writable(self) -> None:
        """Refuse a change of a project that is served to be looked at."""
        if self.readonly:
            raise HTTPException(403, "this project is served read-only: nothing can be changed")


def _context(request: Request) -> Context:
    context: Context = request.app.state.context
    return context


def _person(request: Request) -> str:
    name: str = request.scope.get("tamis.person", "")
    return name


Person = Annotated[str, Depends(_person)]
"""The type of the parameter by which a route asks whose token was shown; "" if it is nobody's own."""

ImageId = Annotated[int, Path(le=2**31 - 1)]
"""The type of the number of an image in a path: no larger than databases take."""

Text = AfterValidator(storable)
"""For text in a request: refuses what no database takes."""

Served = Annotated[Context, Depends(_context)]
"""The type of the parameter by which a route asks for the context."""
