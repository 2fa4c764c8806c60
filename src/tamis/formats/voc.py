"""Pascal VOC: for each image a palette PNG of classes and one of objects, and the names of the classes.

`SegmentationClass/NAME.png`, `SegmentationObject/NAME.png`, `labelmap.txt` and `ImageSets/Segmentation/default.txt`;
0 is the background, and 255 what belongs to nothing.
"""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tamis.errors import InputError
from tamis.formats.picture import read_numbers
from tamis.formats.record import Dataset, Names, Shapes, collected, require_distinct_stems
from tamis.mask import Masks, label_map, masks_from_labels
from tamis.results.files import write_bytes

NOTHING = 255
"""The number of pixels that count neither as an object nor as background."""


def write(dataset: Dataset, out: Path, tolerance: float = 0.0) -> None:
    """Write the folders; of masks that overlap the smaller lies on top.

    Raises:
        InputError: more classes, or objects on an image, than 8 bits can tell apart.
    """
    stems = require_distinct_stems(dataset, out)
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
    palette = _palette().reshape(-1, 3).tolist()
    names = ["background", *dataset.labels]
    lines = [f"{label}:{','.join(map(str, palette[number]))}::" for number, label in enumerate(names)]
    write_bytes(
        out / "labelmap.txt", "".join(f"{line}\n" for line in ["# label:color_rgb:parts:actions", *lines]).encode()
    )
    listed = "".join(f"{stem}\n" for stem in stems.values())
    write_bytes(out / "ImageSets" / "Segmentation" / "default.txt", listed.encode())


def read(path: Path, images: Shapes) -> tuple[Dataset, list[str]]:
    """Read a folder; without pictures of objects every class of an image is one mask.

    Raises:
        InputError: there are no pictures of classes, or one has another size than its image.
    """
    classes_folder = path / "SegmentationClass"
    if not classes_folder.is_dir():
        raise InputError(f"{path}: has no folder SegmentationClass; is this Pascal VOC?")
    labels, colours = _labels(path / "labelmap.txt")
    standard = _codes(_palette().reshape(-1, 3).tolist())
    names = Names(images)
    found: list[tuple[str, Masks, Sequence[str]]] = []
    for file in sorted(classes_folder.rglob("*.png")):
        stem = file.relative_to(classes_folder).as_posix()
        classes = read_numbers(classes_folder, stem, {**standard, **colours})
        name = names.find(stem, (classes.shape[0], classes.shape[1]))
        if name is None:
            continue
        objects = classes
        if (path / "SegmentationObject" / stem).is_file():
            objects = read_numbers(path / "SegmentationObject", stem, standard)
        if objects.shape != classes.shape:
            raise InputError(f"{stem}: its pictures of classes and of objects have different sizes")
        masks, _ = masks_from_labels(np.where(objects == NOTHING, 0, objects))
        kinds = [_most(classes[mask]) for mask in masks]
        kept = np.array([0 < kind < NOTHING for kind in kinds], bool)
        their_labels = [labels.get(kind, f"class {kind}") for kind in kinds if 0 < kind < NOTHING]
        found.append((name, masks[kept], their_labels))
    return collected([label for number, label in labels.items() if number], found), names.unknown


def _most(values: NDArray[np.integer]) -> int:
    return int(np.bincount(values.ravel()).argmax())


def _labels(file: Path) -> tuple[dict[int, str], dict[int, int]]:
    """Names of class numbers, in the order of a labelmap.txt, and the numbers of colours that it gives.

    Without one, numbers have to do.
    """
    if not file.is_file():
        return {}, {}
    lines = file.read_text(encoding="utf-8").splitlines()
    # A name may hold colons; what follows it are colour, parts and actions.
    entries = [line.rsplit(":", 3) for line in lines if line.strip() and not line.startswith("#")]
    colours = {number: entry[1].split(",") for number, entry in enumerate(entries) if entry[1].count(",") == 2}
    codes = _codes([[int(part) for part in colour] for colour in colours.values()])
    return (
        {number: entry[0] for number, entry in enumerate(entries)},
        dict(zip(codes, colours, strict=True)) if len(codes) == len(colours) else {},
    )


def _codes(colours: Sequence[Sequence[int]]) -> dict[int, int]:
    """What each colour is the number of, by 65536 red + 256 green + blue."""
    return {65536 * red + 256 * green + blue: number for number, (red, green, blue) in enumerate(colours)}


def _png(pixels: NDArray[np.uint8]) -> bytes:
    picture = Image.fromarray(pixels, mode="L").convert("P")
    picture.frombytes(pixels.tobytes())
    picture.putpalette(_palette().tolist())
    content = io.BytesIO()
    picture.save(content, format="PNG")
    return content.getvalue()


def _palette() -> NDArray[np.uint8]:
    """(768,) the colours of VOC: the bits of the number, three by three, from the top of red, green and blue down."""
    numbers = np.arange(256)
    colours = np.zeros((256, 3), np.uint8)
    for place in range(8):
        for channel in range(3):
            bit = (numbers >> (3 * place + channel)) & 1
            colours[:, channel] |= (bit << (7 - place)).astype(np.uint8)
    return colours.ravel()
