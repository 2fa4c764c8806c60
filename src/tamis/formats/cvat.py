"""CVAT for images XML: masks; polygons, boxes and ellipses are read too.

The run lengths of a mask go through the rows of its box and begin with background.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from tamis.arrays import MaskArray
from tamis.errors import InputError
from tamis.formats.names import Names, Shapes
from tamis.formats.outlines import Crop, centred_rectangle, ellipse, packed, polygon, ring_of
from tamis.formats.reading import Loaded, Reading, label_in
from tamis.formats.record import Dataset
from tamis.results.files import write_bytes

FILE = "annotations.xml"

Element = ElementTree.Element


def write(dataset: Dataset, out: Path, tolerance: float = 0.0) -> None:
    """Write `annotations.xml` with a `mask` for every mask."""
    write_bytes(out / FILE, document(dataset, _mask_element))


def read(path: Path, images: Shapes) -> Loaded:
    """Read a file, or the one in a folder: its masks, polygons, boxes and ellipses; other shapes are counted.

    Raises:
        InputError: it is no XML, has a document type, or an image has another size.
    """
    path = path / FILE if path.is_dir() else path
    root = _parsed(path)
    declared = [each for each in root.iterfind("meta//labels/label") if each.findtext("type") != "tag"]
    labels = [each.findtext("name") or "" for each in declared]
    elements = [image for image in root.iterfind("image") if image.get("name")]
    reading = Reading(Names.of_images(images, [image.attrib["name"] for image in elements]))
    if nameless := sum(1 for _ in root.iterfind("image")) - len(elements):
        reading.problem(f"{nameless} images without a name")
    # Tasks of one project may each have an image of that name.
    distinct = reading.distinct(image.attrib["name"] for image in elements if len(image))
    for image in elements:
        shape = None
        with reading.each(f"the image {image.attrib['name']}"):
            shape = int(image.attrib["height"]), int(image.attrib["width"])
        name = None if shape is None else reading.names.find(image.attrib["name"], shape)
        if shape is not None and name is not None and image.attrib["name"] in distinct:
            _read_shapes(image, name, shape, reading)
    if tracks := sum(1 for _ in root.iterfind("track")):
        reading.leave_out("tracks of a video", tracks)
    return reading.done(labels)


def document(dataset: Dataset, element: Callable[[MaskArray, str], Element]) -> bytes:
    """The XML of a dataset, each mask as `element` makes it."""
    root = ElementTree.Element("annotations")
    ElementTree.SubElement(root, "version").text = "1.1"
    labels = ElementTree.SubElement(ElementTree.SubElement(ElementTree.SubElement(root, "meta"), "task"), "labels")
    for label in dataset.labels:
        entry = ElementTree.SubElement(labels, "label")
        ElementTree.SubElement(entry, "name").text = label
        _declare(entry, dataset.kinds.get(label, {}))
    for tag in dict.fromkeys(tag for image in dataset.images for tag in image.tags):
        entry = ElementTree.SubElement(labels, "label")
        ElementTree.SubElement(entry, "name").text = tag
        ElementTree.SubElement(entry, "type").text = "tag"
    for number, image in enumerate(dataset.images):
        height, width = image.shape
        attributes = {"id": str(number), "name": image.name, "width": str(width), "height": str(height)}
        place = ElementTree.SubElement(root, "image", attributes)
        for tag in image.tags:
            ElementTree.SubElement(place, "tag", {"label": tag, "source": "manual"})
        for i, (mask, label) in enumerate(zip(image.masks, image.labels, strict=True)):
            made = element(mask, label)
            for name, value in image.attributes_of(i).items():
                ElementTree.SubElement(made, "attribute", {"name": name}).text = _text(value)
            place.append(made)
    ElementTree.indent(root)
    text: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return text


def _declare(entry: Element, kinds: Mapping[str, Any]) -> None:
    """What attributes the masks of a label can have."""
    if not kinds:
        return
    place = ElementTree.SubElement(entry, "attributes")
    for name, kind in kinds.items():
        declared = ElementTree.SubElement(place, "attribute")
        simple = {"yes/no": "checkbox", "number": "number", "text": "text"}
        choices = "\n".join(kind) if isinstance(kind, list) else {"yes/no": "true\nfalse"}.get(kind, "")
        told = {
            "name": name,
            "mutable": "False",
            "input_type": "select" if isinstance(kind, list) else simple[kind],
            "default_value": "",
            "values": choices,
        }
        for key, value in told.items():
            ElementTree.SubElement(declared, key).text = value


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _value(text: str) -> Any:
    """An attribute as it was: CVAT has nothing but text, and 007 or 1.50 are none of our numbers."""
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        if str(number) == text and abs(number) < 1e15:
            return number
    return text


def _mask_element(mask: MaskArray, label: str) -> Element:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    flat = box.ravel()
    bounds = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1, [flat.size]])
    runs = np.diff(bounds).tolist()
    attributes = {
        "label": label,
        "source": "manual",
        "occluded": "0",
        "rle": ", ".join(map(str, [0, *runs] if flat[0] else runs)),
        "left": str(columns[0]),
        "top": str(rows[0]),
        "width": str(box.shape[1]),
        "height": str(box.shape[0]),
        "z_order": "0",
    }
    return ElementTree.Element("mask", attributes)


def _read_shapes(image: Element, name: str, shape: tuple[int, int], reading: Reading) -> None:
    """Masks and their labels, in the order of z_order and then of the file."""
    crops: list[Crop] = []
    labels: list[str] = []
    attributes: list[dict[str, Any]] = []
    reading.tag(name, [tag.attrib["label"] for tag in image.iterfind("tag") if "label" in tag.attrib])
    for number, element in sorted(enumerate(image, start=1), key=lambda entry: _place(entry[1])):
        if element.tag == "tag":
            continue
        make = _MAKERS.get(element.tag)
        if make is None:
            reading.leave_out(_OTHERS.get(element.tag, f"of kind {element.tag}"))
            continue
        with reading.each(f"{name}, {element.tag} {number}"):
            label = label_in(element.get("label"))
            crops.append(make(element, shape))
            labels.append(label)
            told = {each.get("name", ""): _value(each.text or "") for each in element.iterfind("attribute")}
            attributes.append(reading.attributes(told))
            if element.tag in ("box", "ellipse"):
                reading.take("boxes" if element.tag == "box" else "ellipses")
    reading.add(name, packed(crops, shape), labels, attributes)


def _place(element: Element) -> int:
    try:
        return int(element.get("z_order", "0"))
    except ValueError:
        return 0


def _mask(element: Element, shape: tuple[int, int]) -> Crop:
    left, top, width, height = (int(float(element.attrib[key])) for key in ("left", "top", "width", "height"))
    runs = [int(part) for part in element.attrib["rle"].split(",")]
    if sum(runs) != width * height or min(runs) < 0:
        raise InputError(f"the runs of a mask add up to {sum(runs)} pixels, but its box has {width * height}")
    if left < 0 or top < 0 or left + width > shape[1] or top + height > shape[0]:
        raise InputError(f"a mask reaches out of its image of {shape[1]}x{shape[0]}")
    pixels = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return top, left, pixels.reshape(height, width)


def _polygon(element: Element, shape: tuple[int, int]) -> Crop:
    points = [[float(value) for value in point.split(",")] for point in element.attrib["points"].split(";")]
    return polygon([ring_of(points)], shape)


def _box(element: Element, shape: tuple[int, int]) -> Crop:
    left, top, right, bottom = (float(element.attrib[key]) for key in ("xtl", "ytl", "xbr", "ybr"))
    turn = float(element.get("rotation", "0"))
    return polygon([centred_rectangle(left, top, right - left, bottom - top, turn)], shape)


def _ellipse(element: Element, shape: tuple[int, int]) -> Crop:
    x, y, across, down = (float(element.attrib[key]) for key in ("cx", "cy", "rx", "ry"))
    return ellipse(x, y, across, down, float(element.get("rotation", "0")), shape)


_MAKERS = {"mask": _mask, "polygon": _polygon, "box": _box, "ellipse": _ellipse}

_OTHERS = {"polyline": "polylines", "points": "points", "cuboid": "cuboids", "skeleton": "skeletons"}


class _Plain(ElementTree.TreeBuilder):
    """Refuses a document type, which may make a short file a long one, in whatever encoding it stands."""

    def doctype(self, name: str, public: str | None, system: str | None) -> None:
        """Called by the parser."""
        raise InputError("has a document type, which CVAT does not write and tamis does not read")


def _parsed(path: Path) -> Element:
    try:
        root = ElementTree.fromstring(path.read_bytes(), ElementTree.XMLParser(target=_Plain()))
    except ElementTree.ParseError as error:
        raise InputError(f"{path}: is no XML, or damaged ({error})") from error
    if root.tag != "annotations":
        raise InputError(f"{path}: is no export of CVAT for images: it has no <annotations>")
    return root
