"""Label maps: for each image a 16-bit PNG that holds the number of a mask in every pixel, and what the numbers mean.

Without `labelmap.json` the numbers are taken for classes, each named by its number.
"""

from pathlib import Path
from typing import Any

import numpy as np

from tamis.errors import InputError
from tamis.formats.json_file import read_json
from tamis.formats.names import Names, Shapes
from tamis.formats.picture import read_numbers
from tamis.formats.reading import Loaded, Reading
from tamis.formats.record import Dataset, require_distinct_stems
from tamis.image import write_image
from tamis.mask import label_map, masks_from_labels
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


def read(path: Path, images: Shapes) -> Loaded:
    """Read a folder of PNGs.

    Raises:
        InputError: a map has another size than its image.
    """
    folder = path if path.is_dir() else path.parent
    if (folder / INDEX).is_file():
        return _listed(folder, read_json(folder / INDEX), images)
    files = sorted(folder.rglob("*.png")) if path.is_dir() else [path]
    stems = {file.relative_to(folder).as_posix(): file.relative_to(folder).with_suffix("").as_posix() for file in files}
    reading = Reading(Names.of_files(images, stems.values()))
    for file, stem in stems.items():
        numbers = read_numbers(folder, file)
        name = reading.names.find(stem, (numbers.shape[0], numbers.shape[1]))
        if name is not None:
            masks, values = masks_from_labels(numbers)
            reading.add(name, masks, [str(value) for value in values.tolist()])
    return reading.done()


def _listed(folder: Path, content: Any, images: Shapes) -> Loaded:
    reading = Reading(Names.of_images(images, [str(entry["file_name"]) for entry in content["images"]]))
    for entry in content["images"]:
        numbers = read_numbers(folder, entry["labelmap"])
        name = reading.names.find(str(entry["file_name"]), (numbers.shape[0], numbers.shape[1]))
        if name is not None:
            masks, values = masks_from_labels(numbers)
            reading.add(name, masks, [str(entry["labels"][str(value)]) for value in values.tolist()])
    return reading.done([str(label) for label in content["labels"]])
