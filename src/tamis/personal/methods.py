"""Methods of personalised segmentation by name."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tamis.errors import InputError
from tamis.personal.protocol import Method
from tamis.segmentors import DEFAULT as DEFAULT_MODEL

if TYPE_CHECKING:
    from tamis.segmentors import Segmentor

TRACKERS = ("sam2.1-tiny", "sam2.1-small", "sam2.1-base-plus", "sam2.1-large", "edgetam", "sam3-tracker")
"""Models of the hub that follow an object from frame to frame."""

METHODS = ("regions", *TRACKERS)
DEFAULT = "regions"


def load_method(name: str = DEFAULT, presence: Path | None = None, model: str = DEFAULT_MODEL) -> Method:
    """The method of a name.

    Args:
        name: of `METHODS`.
        presence: a head that `tamis train presence` has made for it.
        model: whose regions the method `regions` compares; a tracker is a model itself.

    Raises:
        InputError: there is none, or the model is not for it.
        UnavailableError: it needs an extra or weights that are not here; the message holds the command.
    """
    if name == "regions":
        from tamis.personal.regions import PresenceHead, Regions, load_head
        from tamis.segmentors import load_segmentor

        if model in TRACKERS:
            raise InputError(f"--model {model}: has no regions to compare, but it is a tracker: give --method {model}")
        head = PresenceHead() if presence is None else load_head(presence)
        return Regions(model=load_segmentor(model), head=head)
    if name in TRACKERS:
        if model != DEFAULT_MODEL:
            raise InputError(f"--model {model}: is for --method regions; {name} is a model itself, leave it out")
        from tamis.personal.pseudo_video import load_tracker

        return load_tracker(name, presence)
    raise InputError(f"there is no method '{name}': choose from {', '.join(METHODS)}")


def method_beside(model: str, load: Callable[[str], "Segmentor"]) -> Method:
    """The method for somebody who works with a model: by its regions, if it can tell what they look like.

    Otherwise by those of the model in the box: descriptors that were made for clicks find little again (`hierarchy` on
    the objects of `dreambooth`: mIoU .25 instead of .97).

    Args:
        model: its name.
        load: gives the model of a name.

    Raises:
        UnavailableError: it needs what is not here; the message holds the command.
    """
    from tamis.personal.regions import Regions
    from tamis.segmentors import DescribesRegions, list_models

    known = {entry.name: entry.abilities for entry in list_models()}.get(model)
    if known and "answers by region" not in known:
        return Regions()
    loaded = load(model)
    return Regions(model=loaded) if isinstance(loaded, DescribesRegions) else Regions()
