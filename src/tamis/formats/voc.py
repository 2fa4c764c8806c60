"""Pascal VOC: for each image a palette PNG of classes and one of objects, and the names of the classes.

`SegmentationClass/NAME.png`, `SegmentationObject/NAME.png`, `labelmap.txt` and `ImageSets/Segmentation/default.txt`,
with a split also `train.txt`, `val.txt`, `test.txt` and `trainval.txt`, and `JPEGImages/NAME.jpg` if wanted; 0 is the
background, and 255 what belongs to nothing.
"""

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tamis.errors import InputError
from tamis.formats.names import Names, Shapes
from tamis.formats.picture import read_picture
from tamis.formats.pixels import put_image
from tamis.formats.reading import Loaded, Reading
from tamis.formats.record import Dataset, require_distinct_stems
from tamis.formats.voc_classes import NOTHING, Classes, class_list, object_numbers, palette
from tamis.mask import Masks, label_map, masks_from_labels
from tamis.results.files import write_bytes


def write(dataset: Dataset, out: Path, tolerance: float = 0.0) -> None:
    """Write the folders; of masks that overlap the smaller lies on top.

    Raises:
        InputError: more classes, or objects on an image, than 8 bits can tell apart.
    """
    stems = require_distinct_stems(dataset, out)
    if dataset.pixels != "none" and dataset.folder is not None:
        for image in dataset.images:
            target = out / "JPEGImages" / f"{stems[image.name]}{Path(image.name).suffix}"
            put_image(dataset.folder / image.name, target, dataset.pixels, (".jpg",))
    if len(dataset.labels) >= NOTHING:
        raise InputError(f"{len(dataset.labels)} labels are more than the 254 of Pascal VOC; use coco")
    numbers = {label: number for number, label in enumerate(dataset.labels, start=1)}
    for image in dataset.images:
        if len(image.masks) >= NOTHING:
            raise InputError(f"{image.name}: {len(image.masks)} masks are more than the 254 of Pascal VOC; use coco")
        objects = label_map(image.masks).astype(np.uint8)
        classes = np.array([0, *(numbers[label] for label in image.labels)], np.uint8)[objects]
        for folder, pixels in (("SegmentationClass", classes), ("SegmentationObject", objects)):
            write_bytes(out / folder / f"{stems[image.name]}.png", _png(pixels))
    colours = palette().reshape(-1, 3).tolist()
    names = ["background", *dataset.labels]
    lines = [f"{label}:{','.join(map(str, colours[number]))}::" for number, label in enumerate(names)]
    write_bytes(
        out / "labelmap.txt", "".join(f"{line}\n" for line in ["# label:color_rgb:parts:actions", *lines]).encode()
    )
    lists = {split: [image for image in dataset.images if image.split == split] for split in dataset.splits}
    if lists:
        lists["trainval"] = [image for image in dataset.images if image.split != "test"]
    for name, images in {"default": dataset.images, **lists}.items():
        listed = "".join(f"{stems[image.name]}\n" for image in images)
        write_bytes(out / "ImageSets" / "Segmentation" / f"{name}.txt", listed.encode())


def read(path: Path, images: Shapes) -> Loaded:
    """Read a folder; without pictures of objects every class of an image is one mask.

    Where a picture is in colour or has a palette, its colours say which class a pixel is, in whatever order; where it
    is grey, or has a palette of greys, its numbers do, in the order of `labelmap.txt`.

    Raises:
        InputError: there are no pictures of classes, or one has another size than its image.
    """
    classes_folder = path / "SegmentationClass"
    if not classes_folder.is_dir():
        raise InputError(f"{path}: has no folder SegmentationClass; is this Pascal VOC?")
    classes = class_list(path / "labelmap.txt")
    files = [file.relative_to(classes_folder).as_posix() for file in sorted(classes_folder.rglob("*.[pP][nN][gG]"))]
    reading = Reading(Names.of_files(images, [file[:-4] for file in files]))
    for file in files:
        numbers = None
        with reading.each(f"SegmentationClass/{file}"):
            numbers = classes.numbers_in(read_picture(classes_folder, file))
        name = None if numbers is None else reading.names.find(file[:-4], (numbers.shape[0], numbers.shape[1]))
        if numbers is not None and name is not None:
            with reading.each(f"SegmentationObject/{file}"):
                _read_objects(path / "SegmentationObject", file, numbers, classes, name, reading)
    return reading.done(classes.names)


def _read_objects(
    folder: Path, file: str, numbers: NDArray[Any], classes: Classes, name: str, reading: Reading
) -> None:
    """The masks of an image: an object each, and of each class what belongs to no object."""
    objects = object_numbers(read_picture(folder, file)) if (folder / file).is_file() else numbers
    if objects.shape != numbers.shape:
        raise InputError("its pictures of classes and of objects have different sizes")
    masks, _ = masks_from_labels(np.where(objects == NOTHING, 0, objects))
    kinds = [_most(numbers[mask]) for mask in masks]
    kept = np.array([0 < kind < NOTHING for kind in kinds], bool)
    if not kept.all():
        reading.leave_out("objects without a class", int((~kept).sum()))
    rest, values = masks_from_labels(np.where((objects == 0) & (numbers < NOTHING), numbers, 0))
    if len(rest):
        reading.take("areas of a class that belong to no object", len(rest))
    labels = [classes.name(kind) for kind in [*(kind for kind in kinds if 0 < kind < NOTHING), *values.tolist()]]
    reading.add(name, Masks.concatenate([masks[kept], rest]), labels)


def _most(values: NDArray[np.integer]) -> int:
    return int(np.bincount(values.ravel()).argmax())


def _png(pixels: NDArray[np.uint8]) -> bytes:
    picture = Image.fromarray(pixels, mode="L").convert("P")
    picture.frombytes(pixels.tobytes())
    picture.putpalette(palette().tolist())
    content = io.BytesIO()
    picture.save(content, format="PNG")
    return content.getvalue()
