"""CVAT for images XML: masks; polygons are read too.

The run lengths of a mask go through the rows of its box and begin with background.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from tamis.arrays import MaskArray
from tamis.errors import InputError
from tamis.formats.outlines import filled
from tamis.formats.record import Dataset, Names, Shapes, collected
from tamis.mask import Masks
from tamis.results.files import write_bytes

FILE = "annotations.xml"

Element = ElementTree.Element


def write(dataset: Dataset, out: Path, tolerance: float = 0.0) -> None:
    """Write `annotations.xml` with a `mask` for every mask."""
    write_bytes(out / FILE, document(dataset, _mask_element))


def read(path: Path, images: Shapes) -> tuple[Dataset, list[str]]:
    """Read a file, or the one in a folder: its masks and polygons; other shapes are passed over.

    Raises:
        InputError: it is no XML, has a document type, or an image has another size.
    """
    path = path / FILE if path.is_dir() else path
    root = _parsed(path)
    names = Names(images)
    labels = [element.text or "" for element in root.iterfind("meta//labels/label/name")]
    found: list[tuple[str, Masks, Sequence[str]]] = []
    for image in root.iterfind("image"):
        shape = int(image.attrib["height"]), int(image.attrib["width"])
        name = names.find(image.attrib["name"], shape)
        shapes = list(_shapes(image, shape)) if name is not None else []
        if name is not None and shapes:
            found.append((name, Masks.from_dense([mask for mask, _ in shapes], shape), [label for _, label in shapes]))
    return collected(labels, found), names.unknown


def document(dataset: Dataset, element: Callable[[MaskArray, str], Element]) -> bytes:
    """The XML of a dataset, each mask as `element` makes it."""
    root = ElementTree.Element("annotations")
    ElementTree.SubElement(root, "version").text = "1.1"
    labels = ElementTree.SubElement(ElementTree.SubElement(ElementTree.SubElement(root, "meta"), "task"), "labels")
    for label in dataset.labels:
        ElementTree.SubElement(ElementTree.SubElement(labels, "label"), "name").text = label
    for number, image in enumerate(dataset.images):
        height, width = image.shape
        attributes = {"id": str(number), "name": image.name, "width": str(width), "height": str(height)}
        place = ElementTree.SubElement(root, "image", attributes)
        for mask, label in zip(image.masks, image.labels, strict=True):
            place.append(element(mask, label))
    ElementTree.indent(root)
    text: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
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


def _shapes(image: Element, shape: tuple[int, int]) -> Iterator[tuple[MaskArray, str]]:
    """Masks and their labels, in the order of z_order and then of the file."""
    elements = [element for element in image if element.tag in ("mask", "polygon")]
    for element in sorted(elements, key=lambda element: int(element.get("z_order", "0"))):
        made = _mask(element, shape) if element.tag == "mask" else _polygon(element, shape)
        yield made, element.attrib["label"]


def _mask(element: Element, shape: tuple[int, int]) -> MaskArray:
    left, top, width, height = (int(float(element.attrib[key])) for key in ("left", "top", "width", "height"))
    runs = [int(part) for part in element.attrib["rle"].split(",")]
    if sum(runs) != width * height or min(runs) < 0:
        raise InputError(f"the runs of a mask add up to {sum(runs)} pixels, but its box has {width * height}")
    if left < 0 or top < 0 or left + width > shape[1] or top + height > shape[0]:
        raise InputError(f"a mask reaches out of its image of {shape[1]}x{shape[0]}")
    mask = np.zeros(shape, np.bool_)
    pixels = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    mask[top : top + height, left : left + width] = pixels.reshape(height, width)
    return mask


def _polygon(element: Element, shape: tuple[int, int]) -> MaskArray:
    points = [[float(value) for value in point.split(",")] for point in element.attrib["points"].split(";")]
    return filled([np.asarray(points, np.float64).reshape(-1, 2)], shape)


def _parsed(path: Path) -> Element:
    content = path.read_bytes()
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise InputError(f"{path}: has a document type, which CVAT does not write and tamis does not read")
    try:
        root = ElementTree.fromstring(content)
    except ElementTree.ParseError as error:
        raise InputError(f"{path}: is no XML, or damaged ({error})") from error
    if root.tag != "annotations":
        raise InputError(f"{path}: is no export of CVAT for images: it has no <annotations>")
    return root
