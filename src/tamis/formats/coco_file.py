"""COCO JSON of a dataset: run lengths, which keep every pixel; polygons are read too."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tamis.errors import InputError
from tamis.formats.coco import CocoImage, annotations_of, dataset_of
from tamis.formats.json_file import read_json
from tamis.formats.names import Names, Shapes
from tamis.formats.outlines import Crop, packed, polygon, ring_of
from tamis.formats.reading import Attributes, Loaded, Reading
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
    content = read_json(the_json(path))
    if isinstance(content, list):
        raise InputError("is a list of results, which says neither what images nor what categories are called")
    return parsed(content, images)


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
    entries = [entry for entry in content["images"] if isinstance(entry, Mapping) and _name(entry)]
    reading = Reading(Names.of_images(images, map(_name, entries)))
    if nameless := len(content["images"]) - len(entries):
        reading.problem(f"{nameless} images without a file_name")
    found = _found(entries, content["annotations"], reading)
    crowds = 0
    waiting: dict[str, tuple[list[Crop | Masks], list[str], list[Attributes]]] = {}
    for place, annotation in enumerate(content["annotations"], start=1):
        if not isinstance(annotation, Mapping):
            reading.problem(f"annotation number {place} is no object")
            continue
        called = f"annotation {annotation.get('id', f'number {place}')}"
        image_id, category = _id(annotation.get("image_id")), _id(annotation.get("category_id"))
        if image_id not in found:
            reading.problem(f"{called} is of the image {image_id}, which the file does not list")
            continue
        name = found[image_id]
        if name is None:
            continue
        segmentation = annotation.get("segmentation")
        if not segmentation:
            reading.leave_out(_kind(annotation))
            continue
        if category not in categories:
            reading.problem(f"{called} has the category {category}, which the file does not list")
            continue
        with reading.each(called):
            mask = shape_of(segmentation, reading.names.shape(name))
            crowds += annotation.get("iscrowd") in (1, True)
            masks, labels, attributes = waiting.setdefault(name, ([], [], []))
            masks.append(mask)
            attributes.append(reading.attributes(annotation.get("attributes")))
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
    if not isinstance(segmentation, list):
        raise InputError("a segmentation is run lengths or a list of polygons")
    flat = not isinstance(segmentation[0], list)
    pairs = not flat and len(segmentation) > 2 and all(_is_corner(part) for part in segmentation)
    return polygon([ring_of(part) for part in ([segmentation] if flat or pairs else segmentation)], shape)


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


def _is_corner(part: Any) -> bool:
    """Whether a part is x and y of a single corner, which encloses nothing by itself."""
    return isinstance(part, list) and len(part) == 2 and not isinstance(part[0], list)


def _found(entries: Iterable[Mapping[str, Any]], annotations: Iterable[Any], reading: Reading) -> dict[str, str | None]:
    """The project's image of each id, None where there is none, or nobody can know which."""
    used = {_id(each.get("image_id")) for each in annotations if isinstance(each, Mapping)}
    names: dict[str, str] = {}
    found: dict[str, str | None] = {}
    for entry in entries:
        number, said = _id(entry.get("id")), _name(entry)
        with reading.each(f"the image {said}"):
            shape = _shape(entry)
            found[number] = None
        if number not in found:
            continue
        name = reading.names.find(said, shape)
        if names.setdefault(number, said) != said:
            reading.problem(f"{names[number]} and {said} have the same id {number}, and get no mask")
            name = None
        found[number] = name
        if name is not None and isinstance(entry.get("tags"), list):
            reading.tag(name, entry["tags"])
    distinct = reading.distinct(said for number, said in names.items() if number in used and found[number])
    return {number: name if names[number] in distinct else None for number, name in found.items()}


def _shape(entry: Mapping[str, Any]) -> tuple[int, int] | None:
    height, width = entry.get("height"), entry.get("width")
    return None if height is None or width is None else (int(height), int(width))


def _kind(annotation: Mapping[str, Any]) -> str:
    """What an annotation without a segmentation is, in the plural."""
    if annotation.get("keypoints"):
        return "keypoints"
    if annotation.get("segments_info"):
        return "pictures of panoptic segments"
    return "captions" if annotation.get("caption") else "boxes without a mask"


def _together(shapes: Iterable[Crop | Masks], size: tuple[int, int]) -> Masks:
    """Masks of one image in order."""
    masks = [shape if isinstance(shape, Masks) else packed([shape], size) for shape in shapes]
    return Masks.concatenate([Masks.none(size), *masks])


def _categories(entries: Iterable[Mapping[str, Any]]) -> tuple[dict[str, str], dict[str, int]]:
    """Names of categories by their id as text, in the order of their numbers, and the numbers of the names."""
    listed = [(_number(entry["id"]), str(entry["name"])) for entry in entries if entry["name"] is not None]
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


def _number(value: Any) -> Any:
    """An id as it is; tables write 1.0 for 1."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _id(value: Any) -> str:
    return str(_number(value))


def _name(entry: Mapping[str, Any]) -> str:
    return str(entry.get("file_name") or entry.get("coco_url") or "")
