"""One black and white PNG for each mask, and a list of them."""

from pathlib import Path

from tamis.errors import InputError
from tamis.formats.json_file import read_json
from tamis.formats.names import Names, Shapes
from tamis.formats.picture import read_numbers
from tamis.formats.reading import Loaded, Reading, label_in
from tamis.formats.record import Dataset
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


def read(path: Path, images: Shapes) -> Loaded:
    """Read a folder with `masks.json`.

    Raises:
        InputError: there is no list of masks, or an image has another size.
    """
    folder = path if path.is_dir() else path.parent
    file = folder / INDEX
    if not file.is_file():
        raise InputError(f"{file}: is missing; it says which picture is the mask of what")
    content = read_json(file)
    entries = [entry for entry in content["images"] if isinstance(entry, dict) and entry.get("file_name")]
    reading = Reading(Names.of_images(images, [str(entry["file_name"]) for entry in entries]))
    if nameless := len(content["images"]) - len(entries):
        reading.problem(f"{nameless} images without a file_name")
    distinct = reading.distinct(str(entry["file_name"]) for entry in entries)
    for entry in entries:
        said = str(entry["file_name"])
        shape = int(entry["height"]), int(entry["width"])
        name = reading.names.find(said, shape)
        if name is None or said not in distinct:
            continue
        reading.add(name, Masks.none(shape), [])
        for number, mask in enumerate(entry["masks"], start=1):
            with reading.each(f"mask {number} of {said}"):
                label = label_in(mask.get("label"))
                reading.add(name, Masks.from_dense([read_numbers(folder, mask["file"]) != 0], shape), [label])
    return reading.done([str(label) for label in content["labels"]])
