"""What can go wrong between a person and the project; each is one sentence, and the server gives each its status."""

from collections.abc import Mapping, Sequence
from typing import Any

from tamis.errors import InputError, OutputError, TamisError


class RequestError(InputError):
    """A request that can never succeed: a mask of another size, an unknown label, an unknown kind of event."""


class NoSuchImageError(InputError):
    """An image number that the project does not have."""


class DatabaseError(TamisError):
    """The database cannot be used as it is: newer than this program, damaged, out of reach."""


class LockedError(DatabaseError):
    """Another program holds the database."""


class DiskFullError(OutputError):
    """Nothing more can be saved until there is room."""


class LeaseError(TamisError):
    """Somebody else is at work on the image, or the right to change it has run out.

    Attributes:
        editor: who holds it, None if nobody does.
    """

    def __init__(self, message: str, editor: str | None) -> None:
        super().__init__(message)
        self.editor = editor


class StaleError(TamisError):
    """A change was made to an image that has changed since.

    Attributes:
        seq: how many events the image has.
        events: those that the writer did not know.
    """

    def __init__(self, message: str, seq: int, events: Sequence[Mapping[str, Any]]) -> None:
        super().__init__(message)
        self.seq = seq
        self.events = events
