"""LabelMe JSON: a file for each image, each mask as a picture of its box; polygons and other shapes are read too."""

import base64
import binascii
import io
import posixpath
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from tamis.arrays import MaskArray
from tamis.errors import InputError
from tamis.formats.json_file import read_json
from tamis.formats.names import Names, Shapes
from tamis.formats.outlines import Crop, Ring, ellipse, packed, polygon, rectangle, ring_of, united
from tamis.formats.reading import Loaded, Reading, label_in
from tamis.formats.record import Dataset, require_distinct_stems
from tamis.results.files import write_bytes, write_json

LABELS = "labels.txt"

_KINDS = {
    "mask": "",
    "polygon": "",
    "rectangle": "rectangles",
    "rotation": "rectangles",
    "oriented_rectangle": "rectangles",
    "quadrilateral": "quadrilaterals",
    "circle": "circles",
}
"""Shapes that are taken, those of X-AnyLabeling too, and what they are called where they were no masks."""


def write(dataset: Dataset, out: Path, tolerance: float = 0.0) -> None:
    """Write `NAME.json` for every image, and `labels.txt`, which LabelMe takes with `--labels`.

    Raises:
        InputError: two images differ in nothing but their suffix.
    """
    stems = require_distinct_stems(dataset, out)
    for image in dataset.images:
        height, width = image.shape
        shapes = [_shape(mask, label) for mask, label in zip(image.masks, image.labels, strict=True)]
        content: dict[str, Any] = {
            "version": "5.5.0",
            "flags": {},
            "shapes": shapes,
            "imagePath": image.name.rpartition("/")[2],
            "imageData": None,
            "imageHeight": height,
            "imageWidth": width,
        }
        write_json(out / f"{stems[image.name]}.json", content)
    write_bytes(out / LABELS, "".join(f"{label}\n" for label in dataset.labels).encode())


def read(path: Path, images: Shapes) -> Loaded:
    """Read a file, or all below a folder: masks, polygons, rectangles and circles; other shapes are counted.

    Polygons with the same `group_id` and label are one mask.

    Raises:
        InputError: an image has another size.
    """
    files = sorted(path.rglob("*.[jJ][sS][oO][nN]")) if path.is_dir() else [path]
    contents: list[tuple[Path, str, dict[str, Any]]] = []
    strange: list[str] = []
    for file in files:
        try:
            content = read_json(file)
            said = label_in(content["imagePath"])
            content["shapes"] = list(content["shapes"])
        except (InputError, ValueError, LookupError, TypeError, RecursionError) as error:
            if not path.is_dir():
                raise InputError(f"{file}: is no LabelMe JSON, or damaged ({error})") from error
            strange.append(f"{file.relative_to(path).as_posix()} is no LabelMe JSON, or damaged")
            continue
        content.pop("imageData", None)  # the picture itself, which may be large
        folder = file.relative_to(path).parent.as_posix() if path.is_dir() else "."
        contents.append((file, _image_of(said, folder, images), content))
    reading = Reading(Names.of_images(images, [said for _, said, _ in contents]))
    for sentence in strange:
        reading.problem(sentence)
    taken = []
    for file, said, content in contents:
        height, width = content.get("imageHeight"), content.get("imageWidth")  # old files do not say
        shape = None if height is None or width is None else (int(height), int(width))
        name = reading.names.find(said, shape)
        if name is not None:
            taken += [name] * bool(content["shapes"])
            _read_shapes(file, content["shapes"], name, reading)
            flags = content.get("flags")
            reading.tag(name, [flag for flag, on in flags.items() if on is True] if isinstance(flags, dict) else [])
    reading.note_repeated(taken)
    return reading.done(_listed(path / LABELS))


def _listed(file: Path) -> list[str]:
    """The labels of a list, without those that LabelMe has for what is none; empty without a list."""
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    return [line.strip() for line in lines if line.strip() and line.strip() not in ("__ignore__", "_background_")]


def _image_of(path: str, folder: str, images: Shapes) -> str:
    """The name of the image of a file: beside it, or, where that is none of the images, as it says."""
    beside = posixpath.normpath(f"{folder}/{path}".replace("\\", "/"))
    return path if path in images and beside not in images else beside


def _read_shapes(file: Path, entries: Sequence[Mapping[str, Any]], name: str, reading: Reading) -> None:
    shape = reading.names.shape(name)
    found: dict[tuple[str, Any], list[Crop]] = {}
    for number, entry in enumerate(entries, start=1):
        with reading.each(f"{file.name}, shape {number}"):
            kind = entry.get("shape_type") or "polygon"
            if kind not in _KINDS:
                reading.leave_out(f"of kind {kind}")
                continue
            label = label_in(entry.get("label"))
            group = entry.get("group_id") if kind == "polygon" else None
            crop = _mask(entry, shape) if kind == "mask" else _drawn(kind, ring_of(entry["points"]), shape)
            found.setdefault((label, number if group is None else f"group {group}"), []).append(crop)
            if _KINDS[kind]:
                reading.take(_KINDS[kind])
            if entry.get("description") or (isinstance(entry.get("flags"), dict) and any(entry["flags"].values())):
                reading.leave_out("descriptions and flags of shapes")
    masks = packed((united(crops, shape) for crops in found.values()), shape)
    reading.add(name, masks, [label for label, _ in found])


def _drawn(kind: str, ring: Ring, shape: tuple[int, int]) -> Crop:
    if kind == "circle":
        (x, y), edge = ring[0], ring[1]
        radius = float(np.hypot(*(edge - ring[0])))
        return ellipse(x, y, radius, radius, 0, shape)
    if kind == "rectangle" and len(ring) == 2:
        (left, top), (right, bottom) = ring.min(axis=0), ring.max(axis=0)
        ring = rectangle(left, top, right - left, bottom - top)
    return polygon([ring], shape)


def _shape(mask: MaskArray, label: str) -> dict[str, Any]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, bottom, left, right = (int(edge) for edge in (rows[0], rows[-1], columns[0], columns[-1]))
    content = io.BytesIO()
    Image.fromarray(mask[top : bottom + 1, left : right + 1].astype(np.uint8) * 255).save(content, format="PNG")
    return {
        "label": label,
        "points": [[left, top], [right, bottom]],
        "group_id": None,
        "description": "",
        "shape_type": "mask",
        "flags": {},
        "mask": base64.b64encode(content.getvalue()).decode(),
    }


def _mask(entry: Mapping[str, Any], shape: tuple[int, int]) -> Crop:
    (left, top), (right, bottom) = ((int(x), int(y)) for x, y in entry["points"])
    try:
        with Image.open(io.BytesIO(base64.b64decode(entry["mask"], validate=True)), formats=["PNG"]) as picture:
            wanted = right - left + 1, bottom - top + 1
            inside = left >= 0 and top >= 0 and right < shape[1] and bottom < shape[0]
            if picture.size != wanted or not inside:
                raise InputError(f"a mask of {picture.width}x{picture.height} does not fit its box or its image")
            pixels = np.asarray(picture.convert("L")) > 0
    except (binascii.Error, UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError) as error:
        raise InputError(f"a mask is damaged ({error})") from error
    return top, left, pixels
