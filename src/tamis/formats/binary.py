"""One black and white PNG for each mask, and a list of them."""

import json
from collections.abc import Sequence
from pathlib import Path

from tamis.errors import InputError
from tamis.formats.picture import read_numbers
from tamis.formats.record import Dataset, Names, Shapes, collected
from tamis.image import write_image
from tamis.mask import Masks
from tamis.results.files import write_json

INDEX = "masks.json"


def write(dataset: Dataset, out: Path, tolerance: float = 0.0) -> None:
    """Write `IMAGE/0001.png` and so on, 255 inside and 0 outside, and `masks.json`."""
    index = []
    for image in dataset.images:
        entries = []
        for number, (mask, label) in enumerate(zip(image.masks, image.labels, strict=True), start=1):
            file = f"{image.name}/{number:04}.png"
            write_image(out / file, mask)
            entries.append({"file": file, "label": label})
        height, width = image.shape
        index.append({"file_name": image.name, "width": width, "height": height, "masks": entries})
    write_json(out / INDEX, {"labels": list(dataset.labels), "images": index})


def read(path: Path, images: Shapes) -> tuple[Dataset, list[str]]:
    """Read a folder with `masks.json`.

    Raises:
        InputError: a picture is missing, or of another size than its image.
    """
    folder = path if path.is_dir() else path.parent
    file = folder / INDEX
    if not file.is_file():
        raise InputError(f"{file}: is missing; it says which picture is the mask of what")
    content = json.loads(file.read_bytes())
    names = Names(images)
    found: list[tuple[str, Masks, Sequence[str]]] = []
    for entry in content["images"]:
        shape = int(entry["height"]), int(entry["width"])
        name = names.find(entry["file_name"], shape)
        if name is not None:
            pictures = (read_numbers(folder, mask["file"]) != 0 for mask in entry["masks"])
            found.append((name, Masks.from_dense(pictures, shape), [str(mask["label"]) for mask in entry["masks"]]))
    return collected([str(label) for label in content["labels"]], found), names.unknown
