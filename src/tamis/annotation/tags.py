"""The tags that images of a project can have."""

from collections.abc import Sequence

from sqlalchemy import Connection

from tamis.annotation.decisions import decide, decisions
from tamis.annotation.problems import RequestError


def tags_of(connection: Connection) -> list[str]:
    """The tags, in order."""
    told = decisions(connection, "tags")
    return list(told[-1][1]["tags"]) if told else []


def set_tags(connection: Connection, tags: Sequence[str], editor: str) -> None:
    """Offer these tags from now on; images keep those that they have.

    Raises:
        RequestError: a tag is empty or too long.
    """
    tidy = list(dict.fromkeys(" ".join(tag.split()) for tag in tags))
    if any(not tag or len(tag) > 200 for tag in tidy):
        raise RequestError("a tag is text of 1 to 200 characters")
    if tidy != tags_of(connection):
        decide(connection, "tags", {"tags": tidy}, editor)
