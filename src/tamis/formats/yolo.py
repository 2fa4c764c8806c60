"""YOLO segmentation: for each image a text file, for each mask a line of class and outline.

An outline is x and y as shares of width and height. Parts and holes are joined to one line (`tamis.formats.outlines`).
"""

import posixpath
from collections import Counter
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

import numpy as np

from tamis.formats.names import Names, Shapes
from tamis.formats.outlines import Crop, joined, packed, polygon, rings_of
from tamis.formats.pixels import put_image
from tamis.formats.reading import Loaded, Reading
from tamis.formats.record import SPLITS, Dataset, require_distinct_stems
from tamis.formats.yolo_classes import ClassList, class_list
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
    """Read a folder with `data.yaml` and text files below it; lines of boxes and of keypoints are left out.

    Without `data.yaml` the only YAML file will do, or a list of classes, one a line: `classes.txt` or `obj.names`.

    Raises:
        InputError: there is no list of names.
    """
    folder = path if path.is_dir() else path.parent
    about = class_list(path if path.is_file() else folder)
    base = folder / "labels" if (folder / "labels").is_dir() else folder
    files = [file for file in sorted(base.rglob("*.txt")) if not _is_list(file, folder, images)]
    stems = _stems(files, folder, images)
    reading = Reading(Names.of_files(images, stems))
    for file, stem in zip(files, stems, strict=True):
        name = reading.names.find(stem)
        if name is not None:
            with reading.each(file.relative_to(folder).as_posix()):
                _read_lines(file, name, about, reading)
    reading.note_namesakes(about.labels.values())
    numbers: dict[str, int] = {}
    for number, label in about.labels.items():
        numbers.setdefault(label, number)
    return reading.done(about.labels.values(), {FAMILY: numbers})


def _is_list(file: Path, folder: Path, images: Shapes) -> bool:
    """Whether a text file beside the labels is about the dataset, and of no image."""
    names = "README*", "train", "val", "valid", "test", "autosplit_*"
    beside = file.parent == folder and any(fnmatch(file.stem, name) for name in names)
    return (beside or file.stem == "classes") and not any(
        posixpath.splitext(posixpath.basename(image))[0] == file.stem for image in images
    )


def _stems(files: Sequence[Path], folder: Path, images: Shapes) -> list[str]:
    """What the image of each file is called, without its suffix.

    In a project of a whole dataset an image lies in `images` where its file lies in `labels`. Otherwise the folder of a
    split is no part of the name, unless two splits have a file of that name.
    """
    known = {posixpath.splitext(image)[0] for image in images}
    names = []
    for file in files:
        parts = file.relative_to(folder).as_posix().removesuffix(".txt").split("/")
        place = max((i for i, part in enumerate(parts[:-1]) if part == "labels"), default=None)
        beside = "/".join(parts if place is None else [*parts[:place], "images", *parts[place + 1 :]])
        rest = parts if place is None else parts[:place] + parts[place + 1 :]
        inner = rest[0] in SPLITS and len(rest) > 1 and (folder / "images" / rest[0]).is_dir()
        names.append((beside, "/".join(rest), "/".join(rest[1:] if inner else rest)))
    counts = Counter(short for _, _, short in names)
    return [beside if beside in known else short if counts[short] == 1 else rest for beside, rest, short in names]


def _read_lines(file: Path, name: str, about: ClassList, reading: Reading) -> None:
    shape = reading.names.shape(name)
    labels = about.labels
    crops: list[Crop] = []
    theirs: list[str] = []
    for number, line in enumerate(file.read_text(encoding="utf-8-sig").splitlines(), start=1):
        kind, *values = line.split() or [""]
        if not kind:
            continue
        if len(values) in (4, 5):
            reading.leave_out("boxes")
            continue
        if about.keypoints and len(values) == 4 + about.keypoints:
            reading.leave_out("boxes with keypoints")
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
            reading.problem(f"{file.name}, line {number}: the class {int(place)} is not in {about.file.name}")
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
