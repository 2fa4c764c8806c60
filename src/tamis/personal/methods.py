"""Methods of personalised segmentation by name."""

from pathlib import Path

from tamis.errors import InputError
from tamis.personal.protocol import Method

TRACKERS = ("sam2.1-tiny", "sam2.1-small", "sam2.1-base-plus", "sam2.1-large", "edgetam", "sam3-tracker")
"""Models of the hub that follow an object from frame to frame."""

METHODS = ("regions", *TRACKERS)
DEFAULT = "regions"


def load_method(name: str = DEFAULT, presence: Path | None = None) -> Method:
    """The method of a name.

    Args:
        name: of `METHODS`.
        presence: a head that `tamis train presence` has made for it.

    Raises:
        InputError: there is none.
        UnavailableError: it needs an extra or weights that are not here; the message holds the command.
    """
    if name == "regions":
        from tamis.personal.regions import PresenceHead, Regions, load_head

        return Regions(head=PresenceHead() if presence is None else load_head(presence))
    if name in TRACKERS:
        from tamis.personal.pseudo_video import load_tracker

        return load_tracker(name, presence)
    raise InputError(f"there is no method '{name}': choose from {', '.join(METHODS)}")
