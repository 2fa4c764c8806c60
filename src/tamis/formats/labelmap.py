"""Label maps: for each image a 16-bit PNG that holds the number of a mask in every pixel, and what the numbers mean.

Without `labelmap.json` the numbers are taken for classes, each named by its number.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tamis.errors import InputError
from tamis.formats.picture import read_numbers
from tamis.formats.record import Dataset, Names, Shapes, collected, require_distinct_stems
from tamis.image import write_image
from tamis.mask import Masks, label_map, masks_from_labels
from tamis.results.files import write_json

INDEX = "labelmap.json"


def write(dataset: Dataset, out: Path, tolerance: float = 0.0) -> None:
    """Write `NAME.png` for every image and `labelmap.json`; of masks that overlap the smaller lies on top.

    Raises:
        InputError: more than 65,535 masks on an image, or two images differ in nothing but their suffix.
    """
    stems = require_distinct_stems(dataset, out)
    index = []
    for image in dataset.images:
        numbers = label_map(image.masks)
        if numbers.dtype != np.uint16:
            raise InputError(f"{image.name}: {len(image.masks)} masks do not fit a 16-bit label map; use coco")
        file = f"{stems[image.name]}.png"
        write_image(out / file, numbers)
        labels = {str(number): label for number, label in enumerate(image.labels, start=1)}
        index.append({"file_name": image.name, "labelmap": file, "labels": labels})
    write_json(out / INDEX, {"labels": list(dataset.labels), "images": index})


def read(path: Path, images: Shapes) -> tuple[Dataset, list[str]]:
    """Read a folder of PNGs.

    Raises:
        InputError: a map has another size than its image.
    """
    folder = path if path.is_dir() else path.parent
    names = Names(images)
    found: list[tuple[str, Masks, Sequence[str]]] = []
    listed: list[str] = []
    if (folder / INDEX).is_file():
        content = json.loads((folder / INDEX).read_bytes())
        listed = [str(label) for label in content["labels"]]
        entries = [(entry["file_name"], entry["labelmap"], entry["labels"]) for entry in content["images"]]
    else:
        files = sorted(folder.rglob("*.png")) if path.is_dir() else [path]
        entries = [(file.relative_to(folder).as_posix(), file.relative_to(folder).as_posix(), None) for file in files]
    for image, file, labels in entries:
        numbers = read_numbers(folder, file)
        name = names.find(image, (numbers.shape[0], numbers.shape[1]))
        if name is not None:
            masks, values = masks_from_labels(numbers)
            found.append(
                (name, masks, [str(value) if labels is None else labels[str(value)] for value in values.tolist()])
            )
    return collected(listed, found), names.unknown
