"""Datumaro JSON: run lengths as in COCO; polygons are read too."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tamis.formats.coco_file import the_json
from tamis.formats.outlines import filled
from tamis.formats.record import Dataset, Names, Shapes, collected
from tamis.mask import Masks
from tamis.results.files import write_json


def write(dataset: Dataset, out: Path, tolerance: float = 0.0) -> None:
    """Write `annotations/default.json`."""
    numbers = {label: number for number, label in enumerate(dataset.labels)}
    items = []
    for image in dataset.images:
        annotations = [
            {
                "id": number,
                "type": "mask",
                "attributes": {},
                "group": number,
                "label_id": numbers[label],
                "z_order": 0,
                "rle": {"counts": rle["counts"].decode(), "size": rle["size"]},
            }
            for number, (rle, label) in enumerate(zip(image.masks.coco(), image.labels, strict=True), start=1)
        ]
        items.append(
            {
                "id": image.name.rpartition(".")[0],
                "annotations": annotations,
                "attr": {},
                "image": {"path": image.name, "size": list(image.shape)},
            }
        )
    labels = [{"name": label, "parent": "", "attributes": []} for label in dataset.labels]
    categories = {"label": {"labels": labels, "attributes": []}}
    content = {"dm_format_version": "1.0", "media_type": 2, "infos": {}, "categories": categories, "items": items}
    write_json(out / "annotations" / "default.json", content, indent=None)


def read(path: Path, images: Shapes) -> tuple[Dataset, list[str]]:
    """Read a file, or the one in a folder: its masks and polygons; other shapes are passed over.

    Polygons of the same group and label are one mask.

    Raises:
        InputError: a mask is damaged, or an image has another size.
    """
    content = json.loads(the_json(path).read_bytes())
    labels = [str(label["name"]) for label in content["categories"]["label"]["labels"]]
    names = Names(images)
    found: list[tuple[str, Masks, Sequence[str]]] = []
    for item in content["items"]:
        image = item.get("image") or {}
        size = image.get("size")
        name = names.find(image.get("path") or item["id"], None if size is None else (int(size[0]), int(size[1])))
        if name is None:
            continue
        masks: dict[Any, Masks] = {}
        for number, annotation in enumerate(item["annotations"]):
            if annotation["type"] not in ("mask", "polygon"):
                continue
            label = labels[annotation["label_id"]]
            group = annotation.get("group") or 0
            if annotation["type"] == "mask":
                masks[label, number] = Masks.from_coco([annotation["rle"]], images[name])
                continue
            key = label, f"group {group}" if group else number
            ring = np.asarray(annotation["points"], np.float64).reshape(-1, 2)
            pixels = filled([ring], images[name])
            masks[key] = Masks.from_dense([pixels | masks[key][0] if key in masks else pixels])
        together = Masks.concatenate([Masks.none(images[name]), *masks.values()])
        found.append((name, together, [label for label, _ in masks]))
    return collected(labels, found), names.unknown
