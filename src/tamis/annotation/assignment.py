"""Who annotates which image: given by hand, or evenly to several people."""

from collections import Counter
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from tamis.annotation.decisions import decide, decisions
from tamis.annotation.fold import STATES
from tamis.annotation.project import Project

OPEN = tuple(state for state in STATES if state not in ("done", "reviewed", "skipped"))
"""States of images that somebody still has to work on."""


def assign(connection: Connection, people: Mapping[int, str], editor: str) -> None:
    """Give images, by number, to people; "" takes one back."""
    if people:
        decide(connection, "assign", {"images": {str(image): name for image, name in people.items()}}, editor)


def assigned(connection: Connection) -> dict[int, str]:
    """Who annotates each image that is somebody's."""
    found: dict[int, str] = {}
    for _, body in decisions(connection, "assign"):
        found |= {int(image): name for image, name in body["images"].items()}
    return {image: name for image, name in found.items() if name}


def spread(images: Sequence[int], people: Sequence[str], before: Mapping[int, str]) -> dict[int, str]:
    """Images given evenly: each to whoever has fewest so far, of equals to the first named; a person's stay theirs.

    >>> spread([1, 2, 3, 4], ["anna", "ben"], {1: "ben"})
    {2: 'anna', 3: 'anna', 4: 'ben'}
    """
    kept = {image: name for image, name in before.items() if name in people}
    counts = Counter(dict.fromkeys(people, 0))
    counts.update(kept.values())
    given: dict[int, str] = {}
    for image in images:
        if image not in kept:
            given[image] = min(people, key=lambda name: (counts[name], people.index(name)))
            counts[given[image]] += 1
    return given


def assign_evenly(project: Project, people: Sequence[str], editor: str) -> int:
    """Give the images that nobody has yet and that are not finished to people; how many that were."""
    images = [row.id for row in project.rows() if row.state in OPEN]
    with project.database.writing() as connection:
        before = assigned(connection)
        given = spread([image for image in images if image not in before], people, before)
        assign(connection, given, editor)
    return len(given)
