"""Which image a result of Label Studio is of: what its tasks, and the labelling interface beside them, say."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree import ElementTree

from tamis.formats.names import SUFFIXES

_UPLOADED = re.compile(r"^[0-9a-f]{8}-")


@dataclass(frozen=True)
class Interface:
    """What a labelling interface says.

    Attributes:
        labels: in its order.
        images: the field of a task's data that each image tag shows, by the name of the tag.
    """

    labels: tuple[str, ...] = ()
    images: Mapping[str, str] = field(default_factory=dict)

    def address(self, data: Mapping[str, Any], to_name: str, page: Any) -> str | None:
        """The address of the image that a result is of; None where the task does not say.

        Args:
            data: of the task.
            to_name: the tag that the result is about.
            page: of several images that one tag shows, from 0.
        """
        shown = self._shown(data, to_name)
        if isinstance(shown, list):
            shown = shown[page] if isinstance(page, int) and 0 <= page < len(shown) else None
        elif page:
            return None
        return None if shown is None else str(shown)

    def _shown(self, data: Mapping[str, Any], to_name: str) -> Any:
        for key in (self.images.get(to_name), to_name, "image"):
            if key is not None and key in data:
                return data[key]
        pictures = [value for value in data.values() if _is_picture(value)]
        if len(pictures) == 1:
            return pictures[0]
        return next(iter(data.values())) if len(data) == 1 else None


def interface_of(path: Path) -> Interface:
    """The labelling interface, `labels.xml`, in the folder of an export; an empty one where there is none."""
    try:
        root = ElementTree.fromstring((path / "labels.xml").read_bytes())
    except (OSError, ElementTree.ParseError):
        return Interface()
    images = {tag.get("name", ""): tag.get("value", tag.get("valueList", "")).lstrip("$") for tag in root.iter("Image")}
    return Interface(tuple(dict.fromkeys(tag.get("value", "") for tag in root.iter("Label"))), images)


def names_of(addresses: Iterable[str]) -> dict[str, str]:
    """The name of the image at each address.

    Addresses that differ, and come to the same name, stay as they are: nobody can know which one the project has.
    """
    of: dict[str, list[str]] = {}
    for address in dict.fromkeys(addresses):
        of.setdefault(image_name(address), []).append(address)
    return {each: name if len(alike) == 1 else each for name, alike in of.items() for each in alike}


def _is_picture(value: Any) -> bool:
    """Whether a field holds an image, or several, as far as its suffix tells."""
    first = value[0] if isinstance(value, list) and value else value
    return isinstance(first, str) and Path(image_name(first)).suffix.lower() in SUFFIXES


def image_name(address: str) -> str:
    """What the image was called before Label Studio took it over."""
    if "://" not in address and not address.startswith("/data/"):
        return address  # a name may hold question marks and colons of its own
    parts = urlsplit(address)
    local = parse_qs(parts.query).get("d")
    if local:
        return local[0]
    if parts.path.endswith("/local-files/"):  # as programs on Windows have joined it: ?d\\images\\a.jpg
        return unquote(parts.query).removeprefix("d").lstrip("=/\\")
    name = unquote(parts.path)
    if address.startswith("/data/upload/"):
        return _UPLOADED.sub("", name.rpartition("/")[2])
    return name.lstrip("/")
