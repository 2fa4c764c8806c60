"""Datumaro JSON: run lengths as in COCO; polygons, boxes and ellipses are read too."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from tamis.formats.coco_file import the_json
from tamis.formats.json_file import read_json
from tamis.formats.names import Names, Shapes
from tamis.formats.outlines import Crop, centred_rectangle, ellipse, packed, polygon, ring_of, united
from tamis.formats.reading import Loaded, Reading, label_at
from tamis.formats.record import Dataset
from tamis.mask import Masks
from tamis.results.files import write_json


def write(dataset: Dataset, out: Path, tolerance: float = 0.0) -> None:
    """Write `annotations/default.json`."""
    numbers = {label: number for number, label in enumerate(dataset.labels)}
    stems = Counter(_stem(image.name).casefold() for image in dataset.images)
    stems.update(image.name.casefold() for image in dataset.images)
    items = []
    for image in dataset.images:
        annotations = [
            {
                "id": number,
                "type": "mask",
                "attributes": dict(image.attributes_of(number - 1)),
                "group": number,
                "label_id": numbers[label],
                "z_order": 0,
                "rle": {"counts": rle["counts"].decode(), "size": rle["size"]},
            }
            for number, (rle, label) in enumerate(zip(image.masks.coco(), image.labels, strict=True), start=1)
        ]
        items.append(
            {
                # Items are found by their id: a.jpg and a.png keep their suffixes.
                "id": image.name if stems[_stem(image.name).casefold()] > 1 else _stem(image.name),
                "annotations": annotations,
                "attr": {"tags": list(image.tags)} if image.tags else {},
                "image": {"path": image.name, "size": list(image.shape)},
            }
        )
    labels = [{"name": label, "parent": "", "attributes": []} for label in dataset.labels]
    categories = {"label": {"labels": labels, "attributes": []}}
    content = {"dm_format_version": "1.0", "media_type": 2, "infos": {}, "categories": categories, "items": items}
    write_json(out / "annotations" / "default.json", content, indent=None)


def read(path: Path, images: Shapes) -> Loaded:
    """Read a file, or the one in a folder: its masks, polygons, boxes and ellipses; other shapes are counted.

    Polygons of the same group and label are one mask.

    Raises:
        InputError: an image has another size.
    """
    content = read_json(the_json(path))
    labels = [str(label["name"]) for label in content["categories"]["label"]["labels"]]
    items = [item for item in content["items"] if isinstance(item, Mapping) and _name(item)]
    reading = Reading(Names.of_images(images, [_name(item) for item in items]))
    if nameless := len(content["items"]) - len(items):
        reading.problem(f"{nameless} items without an id and a path")
    distinct = reading.distinct(_name(item) for item in items if item.get("annotations"))
    for item in items:
        size = (item.get("image") or {}).get("size")
        name = reading.names.find(_name(item), None if size is None else (int(size[0]), int(size[1])))
        if name is None:
            continue
        tags = (item.get("attr") or {}).get("tags")
        if isinstance(tags, list):
            reading.tag(name, tags)
        if item.get("annotations") and _name(item) in distinct:
            _read_item(item, name, labels, reading)
    reading.note_namesakes(labels)
    return reading.done(labels)


def _stem(name: str) -> str:
    return PurePosixPath(name).with_suffix("").as_posix()


def _read_item(item: Mapping[str, Any], name: str, labels: Sequence[str], reading: Reading) -> None:
    shape = reading.names.shape(name)
    masks: dict[tuple[str, Any], list[Crop] | Masks] = {}
    attributes: dict[tuple[str, Any], dict[str, Any]] = {}
    annotations = [each for each in item["annotations"] if isinstance(each, Mapping)]
    if strange := len(item["annotations"]) - len(annotations):
        reading.problem(f"{strange} annotations of {name} are no objects")
    drawn = {each.get("group") for each in annotations if each.get("type") in ("mask", "polygon")}
    for number, annotation in enumerate(annotations):
        kind = annotation.get("type")
        if kind == "bbox" and annotation.get("group") and annotation["group"] in drawn:
            reading.leave_out("boxes around masks")
            continue
        if kind not in ("mask", "polygon", "bbox", "ellipse"):
            reading.leave_out(f"of kind {kind}")
            continue
        with reading.each(f"annotation {annotation.get('id', number)} of {name}"):
            label = label_at(labels, annotation["label_id"])
            if kind == "mask":
                masks[label, number] = Masks.from_coco([annotation["rle"]], shape)
                attributes[label, number] = reading.attributes(annotation.get("attributes"))
                continue
            group = annotation.get("group") or 0
            crop = _shape(annotation, kind, shape)
            key = label, f"group {group}" if group and kind == "polygon" else number
            there = masks.setdefault(key, [])
            assert isinstance(there, list)
            there.append(crop)
            if kind != "polygon":
                reading.take("boxes" if kind == "bbox" else "ellipses")
    parts = [found if isinstance(found, Masks) else packed([united(found, shape)], shape) for found in masks.values()]
    told = [attributes.get(key, {}) for key in masks]
    reading.add(name, Masks.concatenate([Masks.none(shape), *parts]), [label for label, _ in masks], told)


def _shape(annotation: Mapping[str, Any], kind: str, shape: tuple[int, int]) -> Crop:
    turn = float((annotation.get("attributes") or {}).get("rotation") or 0)
    if kind == "bbox":
        x, y, width, height = (float(value) for value in annotation["bbox"])
        return polygon([centred_rectangle(x, y, width, height, turn)], shape)
    if kind == "ellipse":
        left, top, right, bottom = (float(value) for value in annotation["points"])
        middle = (left + right) / 2, (top + bottom) / 2
        return ellipse(*middle, (right - left) / 2, (bottom - top) / 2, turn, shape)
    return polygon([ring_of(annotation["points"])], shape)


def _name(item: Mapping[str, Any]) -> str:
    return str((item.get("image") or {}).get("path") or item.get("id") or "")
