"""YOLO segmentation: for each image a text file, for each mask a line of class and outline.

An outline is x and y as shares of width and height. Parts and holes are joined to one line (`tamis.formats.outlines`).
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tamis.errors import InputError
from tamis.formats.names import Names, Shapes
from tamis.formats.outlines import Crop, joined, packed, polygon, rings_of
from tamis.formats.pixels import put_image
from tamis.formats.reading import Loaded, Reading
from tamis.formats.record import SPLITS, Dataset, require_distinct_stems
from tamis.results.files import write_bytes

FAMILY = "yolo"
"""Formats that number labels alike."""

_OUTSIDE = 1.5
"""How far from the middle corners may lie: people draw a little over the edge, but whoever wrote pixels is far away."""


READABLE = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff")
"""Suffixes that trainers of this format read; the first is what others become."""


def write(dataset: Dataset, out: Path, tolerance: float = 0.0) -> None:
    """Write `data.yaml` and `labels/NAME.txt` for every image; with a split `labels/train/NAME.txt` and so on.

    `images/` has the images in the same folders, if they are wanted. There is no `path` in `data.yaml`: the folder that
    it lies in is meant, wherever that is.

    Raises:
        InputError: two images differ in nothing but their suffix.
    """
    stems = require_distinct_stems(dataset, out)
    import yaml

    numbers = dataset.numbered(FAMILY, 0)
    for image in dataset.images:
        height, width = image.shape
        lines = []
        for mask, label in zip(image.masks, image.labels, strict=True):
            outline = joined(rings_of(mask, tolerance)) / (width, height)
            # Nine digits bring whole pixels of any image back to within a thousandth.
            lines.append(" ".join([str(numbers[label]), *(f"{value:.9g}" for value in outline.ravel())]))
        file = out / "labels" / image.split / f"{stems[image.name]}.txt"
        write_bytes(file, "".join(f"{line}\n" for line in lines).encode())
        if dataset.pixels != "none" and dataset.folder is not None:
            put_image(dataset.folder / image.name, out / "images" / image.split / image.name, dataset.pixels, READABLE)
    there = {split: f"images/{split}" for split in dataset.splits} or {"train": "images", "val": "images"}
    there.setdefault("val", there.get("test") or next(iter(there.values())))  # trainers insist on one
    there.setdefault("train", there["val"])
    folders = {split: there[split] for split in SPLITS if split in there}
    content = {**folders, "names": {number: label for label, number in numbers.items()}}
    text = yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=1 << 20)
    write_bytes(out / "data.yaml", text.encode())


def read(path: Path, images: Shapes) -> Loaded:
    """Read a folder with `data.yaml` and text files below it; lines of boxes are left out.

    Raises:
        InputError: there is no list of names.
    """
    folder = path if path.is_dir() else path.parent
    labels = _labels(path if path.is_file() else folder / "data.yaml")
    base = folder / "labels" if (folder / "labels").is_dir() else folder
    files = {_stem(file.relative_to(base), folder): file for file in sorted(base.rglob("*.txt"))}
    reading = Reading(Names.of_files(images, files))
    for stem, file in files.items():
        name = reading.names.find(stem)
        if name is not None:
            _read_lines(file, name, labels, reading)
    reading.note_namesakes(labels.values())
    numbers: dict[str, int] = {}
    for number, label in labels.items():
        numbers.setdefault(label, number)
    return reading.done(labels.values(), {FAMILY: numbers})


def _stem(file: Path, folder: Path) -> str:
    """What an image is called, without its suffix: the folder of a split is no part of its name."""
    split, *below = file.parts
    inner = below and split in SPLITS and (folder / "images" / split).is_dir()
    return Path(*below if inner else file.parts).as_posix().removesuffix(".txt")


def _read_lines(file: Path, name: str, labels: Mapping[int, str], reading: Reading) -> None:
    shape = reading.names.shape(name)
    crops: list[Crop] = []
    theirs: list[str] = []
    for number, line in enumerate(file.read_text(encoding="utf-8-sig").splitlines(), start=1):
        kind, *values = line.split() or [""]
        if not kind:
            continue
        if len(values) in (4, 5):
            reading.leave_out("boxes")
            continue
        try:
            place = float(kind)  # Ultralytics reads 1.0 as 1
            corners = np.array(values, np.float64)
        except ValueError:
            place, corners = -1.0, np.zeros(0)
        if not place.is_integer() or len(corners) < 6 or len(corners) % 2 or not np.isfinite(corners).all():
            reading.problem(f"{file.name}, line {number}: expected a class and x y of three corners or more")
        elif np.abs(corners - 0.5).max() > _OUTSIDE:
            reading.problem(
                f"{file.name}, line {number}: corners are shares of width and height from 0 to 1, not pixels"
            )
        elif int(place) not in labels:
            reading.problem(f"{file.name}, line {number}: the class {int(place)} is not in data.yaml")
        else:
            crops.append(polygon([_snapped(corners.reshape(-1, 2) * shape[::-1])], shape))
            theirs.append(labels[int(place)])
    reading.add(name, packed(crops, shape), theirs)


def _snapped(
    ring: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Corners that were whole pixels before they became shares are whole again."""
    whole = np.round(ring)
    return np.where(np.abs(ring - whole) < 2e-3, whole, ring)


def _labels(file: Path) -> dict[int, str]:
    """`names` of a data.yaml, by number: a mapping or a list."""
    import yaml

    try:
        # Every value as it is written: `no` and `1.0` are names, not a truth value and a number.
        content = yaml.load(file.read_text(encoding="utf-8-sig"), Loader=yaml.BaseLoader)
    except FileNotFoundError:
        raise InputError(f"{file}: is missing; it says what the classes are called") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: is no YAML ({' '.join(str(error).split())[:200]})") from error
    names = content.get("names") if isinstance(content, dict) else None
    if isinstance(names, list):
        names = dict(enumerate(names))
    if not isinstance(names, dict) or not all(isinstance(name, str) for name in names.values()):
        raise InputError(f"{file}: has no list or mapping 'names' of what the classes are called")
    try:
        found = {int(number): " ".join(name.split()) for number, name in names.items()}
    except ValueError as error:
        raise InputError(f"{file}: the classes must be numbered ({error})") from error
    return dict(sorted(found.items()))
