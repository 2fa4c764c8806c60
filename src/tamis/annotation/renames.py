"""Files that were renamed: masks follow the content, through chains and swaps of names too."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """An image that the project knows.

    Attributes:
        id: of the image.
        sha256: of the file that its masks belong to; None for one that nobody has worked on.
        displaced: its file is gone, or another than it was.
    """

    id: int
    sha256: str | None
    displaced: bool


def planned_renames(
    known: Mapping[str, Entry], present: Collection[str], content: Callable[[str], str | None]
) -> dict[int, str]:
    """New names for images whose content is now found under another name.

    An image that nobody has worked on, and whose name is taken, gets the name that becomes free: it is another file now
    anyway. Where an image with work on it would have to give way to another and is itself nowhere to be found, neither
    moves: both are then shown as changed or gone, and no mask comes to lie on a wrong file.

    Args:
        known: the images by name.
        present: the names of the files that are there.
        content: gives the SHA-256 of a file that is there, None if it cannot be read.

    >>> known = {"a": Entry(1, "x", True), "b": Entry(2, None, True)}
    >>> planned_renames(known, {"a", "b"}, {"a": "y", "b": "x"}.get)
    {1: 'b', 2: 'a'}
    """
    displaced = {name: entry for name, entry in known.items() if entry.displaced and entry.sha256}
    if not displaced:
        return {}
    candidates = [name for name in sorted(present) if name not in known or known[name].displaced]
    places: dict[str, list[str]] = {}
    for name in candidates:
        found = content(name)
        if found is not None:
            places.setdefault(found, []).append(name)
    moves: dict[str, str] = {}  # from the old name to the new
    for name, entry in displaced.items():
        choices = places.get(entry.sha256 or "", [])
        if choices and name not in choices:  # otherwise it was only touched
            moves[name] = choices.pop(0)
    while blocked := [old for old, new in moves.items() if new in known and new not in moves and known[new].sha256]:
        for old in blocked:
            del moves[old]
    plan = {known[old].id: new for old, new in moves.items()}
    free = sorted(set(moves) - set(moves.values()))
    for new in sorted(set(moves.values()) - set(moves)):
        if new in known:
            plan[known[new].id] = free.pop(0)
    return plan
