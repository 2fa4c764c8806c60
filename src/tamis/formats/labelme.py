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
from tamis.formats.outlines import Crop, Ring, ellipse, packed, polygon, rectangle, united
from tamis.formats.reading import Loaded, Reading
from tamis.formats.record import Dataset, require_distinct_stems
from tamis.results.files import write_json


def write(dataset: Dataset, out: Path, tolerance: float = 0.0) -> None:
    """Write `NAME.json` for every image.

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


def read(path: Path, images: Shapes) -> Loaded:
    """Read a file, or all below a folder: masks, polygons, rectangles and circles; other shapes are counted.

    Polygons with the same `group_id` and label are one mask.

    Raises:
        InputError: an image has another size.
    """
    files = sorted(path.rglob("*.json")) if path.is_dir() else [path]
    contents: list[tuple[Path, str, dict[str, Any]]] = []
    for file in files:
        try:
            content = read_json(file)
        except ValueError as error:
            raise InputError(f"{file}: is no LabelMe JSON, or damaged ({error})") from error
        content.pop("imageData", None)  # the picture itself, which may be large
        folder = file.relative_to(path).parent.as_posix() if path.is_dir() else "."
        contents.append((file, _image_of(str(content["imagePath"]), folder, images), content))
    reading = Reading(Names.of_images(images, [said for _, said, _ in contents]))
    for file, said, content in contents:
        height, width = content.get("imageHeight"), content.get("imageWidth")  # old files do not say
        shape = None if height is None or width is None else (int(height), int(width))
        name = reading.names.find(said, shape)
        if name is not None:
            _read_shapes(file, content["shapes"], name, reading)
    return reading.done()


def _image_of(path: str, folder: str, images: Shapes) -> str:
    """The name of the image of a file: beside it, or, where that is none of the images, as it says."""
    beside = posixpath.normpath(f"{folder}/{path}".replace("\\", "/"))
    return path if path in images and beside not in images else beside


def _read_shapes(file: Path, entries: Sequence[Mapping[str, Any]], name: str, reading: Reading) -> None:
    shape = reading.names.shape(name)
    found: dict[tuple[str, Any], list[Crop]] = {}
    for number, entry in enumerate(entries, start=1):
        kind = entry.get("shape_type") or "polygon"
        if kind not in ("mask", "polygon", "rectangle", "circle", "rotation", "oriented_rectangle"):
            reading.leave_out(f"of kind {kind}")
            continue
        group = entry.get("group_id") if kind == "polygon" else None
        try:
            crop = _mask(entry, shape) if kind == "mask" else _drawn(kind, _ring(entry), shape)
            found.setdefault((str(entry["label"]), number if group is None else f"group {group}"), []).append(crop)
        except (InputError, KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
            reading.problem(f"{file.name}, shape {number}: {_said(error)}")
            continue
        if kind not in ("mask", "polygon"):
            reading.take("circles" if kind == "circle" else "rectangles")
    masks = packed((united(crops, shape) for crops in found.values()), shape)
    reading.add(name, masks, [label for label, _ in found])


def _said(error: Exception) -> str:
    return f"has no {error.args[0]}" if isinstance(error, KeyError) else str(error)


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


def _ring(entry: Mapping[str, Any]) -> Ring:
    return np.asarray(entry["points"], np.float64).reshape(-1, 2)


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
