"""COCO JSON of a dataset: run lengths, which keep every pixel; polygons are read too."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tamis.errors import InputError
from tamis.formats.coco import CocoImage, annotations_of, dataset_of
from tamis.formats.json_file import read_json
from tamis.formats.names import Names, Shapes
from tamis.formats.outlines import Crop, packed, polygon
from tamis.formats.reading import Attributes, Loaded, Reading, plain_values
from tamis.formats.record import Dataset, ImageRecord
from tamis.mask import Masks
from tamis.results.files import write_json

FILE = "annotations.json"

FAMILY = "coco"
"""Formats that number labels alike."""


def write(dataset: Dataset, out: Path, tolerance: float = 0.0) -> None:
    """Write `annotations.json`."""
    write_json(out / FILE, described(dataset), indent=None)


def read(path: Path, images: Shapes) -> Loaded:
    """Read a COCO file, or the one in a folder; an annotation that is no more than a box is left out.

    Raises:
        InputError: an image has another size.
    """
    return parsed(read_json(the_json(path)), images)


def described(dataset: Dataset) -> dict[str, Any]:
    """The dataset as COCO has it: images numbered from 1, categories as they were, or from 1."""
    numbers = dataset.numbered(FAMILY, 1)
    images = [
        CocoImage(
            image.name,
            image.shape,
            annotations_of(image.masks, [_fields(image, i, numbers[label]) for i, label in enumerate(image.labels)]),
        )
        for image in dataset.images
    ]
    content = dataset_of(images, {"description": "made by tamis"})
    for entry, image in zip(content["images"], dataset.images, strict=True):
        if image.tags:
            entry["tags"] = list(image.tags)
    content["categories"] = [{"id": number, "name": label, "supercategory": ""} for label, number in numbers.items()]
    return content


def _fields(image: ImageRecord, mask: int, category: int) -> dict[str, Any]:
    """What an annotation has besides its mask; `attributes` are an extension that CVAT knows too."""
    attributes = image.attributes_of(mask)
    return {"category_id": category, **({"attributes": dict(attributes)} if attributes else {})}


def parsed(content: Mapping[str, Any], images: Shapes) -> Loaded:
    """A dataset from COCO's JSON."""
    categories, numbers = _categories(content["categories"])
    said = {str(entry["id"]): _name(entry) for entry in content["images"]}
    reading = Reading(Names.of_images(images, said.values()))
    found: dict[str, str | None] = {}
    for entry in content["images"]:
        sides = entry.get("height"), entry.get("width")
        shape = None if None in sides else (int(sides[0]), int(sides[1]))
        found[str(entry["id"])] = name = reading.names.find(_name(entry), shape)
        if name is not None and isinstance(entry.get("tags"), list):
            reading.tag(name, [str(tag) for tag in entry["tags"]])
    crowds = 0
    waiting: dict[str, tuple[list[Crop | Masks], list[str], list[Attributes]]] = {}
    for place, annotation in enumerate(content["annotations"], start=1):
        called = f"annotation {annotation.get('id', f'number {place}')}"
        image_id, category = str(annotation.get("image_id")), str(annotation.get("category_id"))
        if image_id not in found:
            reading.problem(f"{called} is of the image {image_id}, which the file does not list")
            continue
        name = found[image_id]
        if name is None:
            continue
        segmentation = annotation.get("segmentation")
        if not segmentation:
            reading.leave_out("keypoints" if annotation.get("keypoints") else "boxes without a mask")
            continue
        if category not in categories:
            reading.problem(f"{called} has the category {category}, which the file does not list")
            continue
        try:
            mask = shape_of(segmentation, reading.names.shape(name))
        except (InputError, TypeError, ValueError, OverflowError, LookupError) as error:
            reading.problem(f"{called}: {error}")
            continue
        crowds += annotation.get("iscrowd") in (1, True)
        masks, labels, attributes = waiting.setdefault(name, ([], [], []))
        masks.append(mask)
        attributes.append(plain_values(annotation.get("attributes")))
        labels.append(categories[category])
    for name, (masks, labels, attributes) in waiting.items():
        reading.add(name, _together(masks, reading.names.shape(name)), labels, attributes)
    if crowds:
        several = f"{crowds} annotations are crowds" if crowds > 1 else "1 annotation is a crowd"
        reading.note(f"{several} (iscrowd), and from now on objects like others")
    reading.note_namesakes(categories.values())
    return reading.done(categories.values(), {FAMILY: numbers})


def shape_of(segmentation: Any, shape: tuple[int, int]) -> Crop | Masks:
    """One mask of an image (height, width) from run lengths, compressed or not, or from polygons."""
    if isinstance(segmentation, Mapping):
        return Masks.from_coco([segmentation], shape)
    flat = bool(segmentation) and not isinstance(segmentation[0], list | tuple)
    rings = []
    for part in [segmentation] if flat else segmentation:
        if len(part) % 2:
            raise InputError(f"a polygon has x and y of each corner, but this one {len(part)} numbers")
        rings.append(np.asarray(part, np.float64).reshape(-1, 2))
    return polygon(rings, shape)


def the_json(path: Path) -> Path:
    """A file as it is; of a folder its only JSON file.

    Raises:
        InputError: there is none, or more than one.
    """
    if not path.is_dir():
        return path
    found = sorted(path.glob("*.json")) or sorted(path.glob("annotations/*.json"))
    if len(found) != 1:
        raise InputError(f"{path}: holds {len(found)} JSON files; name the one to read")
    return found[0]


def _together(shapes: Iterable[Crop | Masks], size: tuple[int, int]) -> Masks:
    """Masks of one image in order."""
    masks = [shape if isinstance(shape, Masks) else packed([shape], size) for shape in shapes]
    return Masks.concatenate([Masks.none(size), *masks])


def _categories(entries: Iterable[Mapping[str, Any]]) -> tuple[dict[str, str], dict[str, int]]:
    """Names of categories by their id as text, in the order of their numbers, and the numbers of the names."""
    listed = [(entry["id"], str(entry["name"])) for entry in entries]
    ids = Counter(str(number) for number, _ in listed)
    if twice := [number for number, count in ids.items() if count > 1]:
        raise InputError(f"two categories have the id {twice[0]}; give one of them another")
    if all(isinstance(number, int) for number, _ in listed):
        listed.sort(key=lambda entry: entry[0])
    numbers: dict[str, int] = {}
    for number, name in listed:
        if isinstance(number, int):
            numbers.setdefault(name, number)
    return {str(number): name for number, name in listed}, numbers


def _name(entry: Mapping[str, Any]) -> str:
    return str(entry.get("file_name") or entry["coco_url"])
