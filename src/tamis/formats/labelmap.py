"""Label maps: for each image a 16-bit PNG that holds the number of a mask in every pixel, and what the numbers mean.

Without `labelmap.json` the numbers are taken for classes, each named by its number.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tamis.errors import InputError
from tamis.formats.json_file import read_json
from tamis.formats.names import Names, Shapes
from tamis.formats.picture import read_numbers
from tamis.formats.reading import Loaded, Reading, label_in
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
    files = sorted(folder.rglob("*.[pP][nN][gG]")) if path.is_dir() else [path]
    stems = {file.relative_to(folder).as_posix(): file.relative_to(folder).with_suffix("").as_posix() for file in files}
    reading = Reading(Names.of_files(images, stems.values()))
    for file, stem in stems.items():
        _read_map(folder, file, stem, str, reading)
    return reading.done()


def _listed(folder: Path, content: Any, images: Shapes) -> Loaded:
    entries = [entry for entry in content["images"] if isinstance(entry, dict) and entry.get("file_name")]
    reading = Reading(Names.of_images(images, [str(entry["file_name"]) for entry in entries]))
    if nameless := len(content["images"]) - len(entries):
        reading.problem(f"{nameless} images without a file_name")
    distinct = reading.distinct(str(entry["file_name"]) for entry in entries)
    for entry in entries:
        if str(entry["file_name"]) in distinct:
            labels = entry.get("labels")
            called = (labels if isinstance(labels, dict) else {}).get
            _read_map(folder, str(entry.get("labelmap", "")), str(entry["file_name"]), called, reading)
    return reading.done([str(label) for label in content["labels"]])


def _read_map(folder: Path, file: str, said: str, called: Callable[[str], Any], reading: Reading) -> None:
    """The masks of a map, each by what its number is called; a number that is called nothing is told."""
    numbers = None
    with reading.each(file):
        numbers = read_numbers(folder, file)
    name = None if numbers is None else reading.names.find(said, (numbers.shape[0], numbers.shape[1]))
    if numbers is None or name is None:
        return
    masks, values = masks_from_labels(numbers)
    for i, value in enumerate(values.tolist()):
        with reading.each(f"{file}, mask {value}"):
            reading.add(name, masks[i : i + 1], [label_in(called(str(value)))])
