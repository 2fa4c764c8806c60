"""LabelMe JSON: a file for each image, each mask as a picture of its box; polygons are read too."""

import base64
import binascii
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from tamis.arrays import MaskArray
from tamis.errors import InputError
from tamis.formats.outlines import filled
from tamis.formats.record import Dataset, Names, Shapes, collected, require_distinct_stems
from tamis.mask import Masks
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


def read(path: Path, images: Shapes) -> tuple[Dataset, list[str]]:
    """Read a file, or all below a folder; shapes other than masks and polygons are passed over.

    Polygons with the same `group_id` and label are one mask.

    Raises:
        InputError: a mask is damaged, or an image has another size.
    """
    names = Names(images)
    found: list[tuple[str, Masks, Sequence[str]]] = []
    for file in sorted(path.rglob("*.json")) if path.is_dir() else [path]:
        content = json.loads(file.read_bytes())
        sides = content.get("imageHeight"), content.get("imageWidth")  # old files do not say
        stem = file.relative_to(path).with_suffix("").as_posix() if path.is_dir() else file.stem
        # The path of the file tells apart images of the same name in several folders.
        beside = f"{stem.rpartition('/')[0]}/{content['imagePath']}".lstrip("/")
        said = None if None in sides else (int(sides[0]), int(sides[1]))
        name = names.find(beside if beside in images else content["imagePath"], said)
        if name is None:
            continue
        shape = images[name]
        masks: dict[Any, MaskArray] = {}
        for number, entry in enumerate(content["shapes"]):
            kind = entry.get("shape_type") or "polygon"
            if kind not in ("mask", "polygon"):
                continue
            group = entry.get("group_id")
            key = (str(entry["label"]), number if group is None or kind == "mask" else f"group {group}")
            pixels = _mask(entry, shape, file) if kind == "mask" else filled([_ring(entry)], shape)
            masks[key] = masks[key] | pixels if key in masks else pixels
        found.append((name, Masks.from_dense(masks.values(), shape), [label for label, _ in masks]))
    return collected([], found), names.unknown


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


def _ring(entry: Any) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.asarray(entry["points"], np.float64).reshape(-1, 2)


def _mask(entry: Any, shape: tuple[int, int], file: Path) -> MaskArray:
    (left, top), (right, bottom) = ((int(x), int(y)) for x, y in entry["points"])
    try:
        with Image.open(io.BytesIO(base64.b64decode(entry["mask"], validate=True))) as picture:
            wanted = right - left + 1, bottom - top + 1
            inside = left >= 0 and top >= 0 and right < shape[1] and bottom < shape[0]
            if picture.size != wanted or not inside:
                raise InputError(
                    f"{file}: a mask of {picture.width}x{picture.height} does not fit its box or its image"
                )
            pixels = np.asarray(picture.convert("L")) > 0
    except (binascii.Error, UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError) as error:
        raise InputError(f"{file}: a mask is damaged ({error})") from error
    mask = np.zeros(shape, np.bool_)
    mask[top : bottom + 1, left : right + 1] = pixels
    return mask
