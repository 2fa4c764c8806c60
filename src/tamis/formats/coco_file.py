"""COCO JSON of a dataset: run lengths, which keep every pixel; polygons are read too."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tamis.errors import InputError
from tamis.formats.coco import CocoImage, annotations_of, dataset_of
from tamis.formats.outlines import filled
from tamis.formats.record import Dataset, Names, Shapes, collected
from tamis.mask import Masks
from tamis.results.files import write_json

FILE = "annotations.json"


def write(dataset: Dataset, out: Path, tolerance: float = 0.0) -> None:
    """Write `annotations.json`."""
    write_json(out / FILE, described(dataset), indent=None)


def read(path: Path, images: Shapes) -> tuple[Dataset, list[str]]:
    """Read a COCO file, or the one in a folder.

    Raises:
        InputError: an image has another size, or an annotation is none.
    """
    return parsed(json.loads(the_json(path).read_bytes()), images)


def described(dataset: Dataset) -> dict[str, Any]:
    """The dataset as COCO has it: categories and images numbered from 1."""
    numbers = {label: number for number, label in enumerate(dataset.labels, start=1)}
    images = [
        CocoImage(
            image.name,
            image.shape,
            annotations_of(image.masks, [{"category_id": numbers[label]} for label in image.labels]),
        )
        for image in dataset.images
    ]
    content = dataset_of(images, {"description": "made by tamis"})
    content["categories"] = [{"id": number, "name": label, "supercategory": ""} for label, number in numbers.items()]
    return content


def parsed(content: Mapping[str, Any], images: Shapes) -> tuple[Dataset, list[str]]:
    """A dataset from COCO's JSON."""
    categories = {category["id"]: str(category["name"]) for category in content["categories"]}
    names = Names(images)
    entries: dict[Any, tuple[str | None, tuple[int, int]]] = {}
    for entry in content["images"]:
        shape = int(entry["height"]), int(entry["width"])
        entries[entry["id"]] = names.find(entry.get("file_name") or entry["coco_url"], shape), shape
    found: list[tuple[str, Masks, Sequence[str]]] = []
    for annotation in content["annotations"]:
        name, shape = entries[annotation["image_id"]]
        if name is not None and annotation.get("segmentation"):  # an annotation may be no more than a box
            mask = mask_of(annotation["segmentation"], shape)
            found.append((name, mask, [categories[annotation["category_id"]]]))
    return collected(categories.values(), found), names.unknown


def mask_of(segmentation: Any, shape: tuple[int, int]) -> Masks:
    """One mask from run lengths, compressed or not, or from polygons."""
    if isinstance(segmentation, Mapping):
        return Masks.from_coco([segmentation], shape)
    import numpy as np

    rings = [np.asarray(part, np.float64).reshape(-1, 2) for part in segmentation]
    return Masks.from_dense(filled(rings, shape)[None])


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
