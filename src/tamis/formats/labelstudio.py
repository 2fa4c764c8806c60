"""Label Studio JSON: brush masks in its own run lengths; polygons are read too.

A brush is the RGBA picture of the mask, row by row, 0 and 255, packed into bits: 32 for the number of values, 5 for the
bits of a value less 1, 4 × 4 for the four sizes less 1 that a length may be written in; then blocks. A block is a bit
(1 for a run), 2 for which of the sizes, the length less 1, and one value, or as many as the length says.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import quoteattr

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import MaskArray
from tamis.errors import InputError
from tamis.formats.coco_file import the_json
from tamis.formats.outlines import filled
from tamis.formats.record import Dataset, Names, Shapes, collected
from tamis.mask import Masks
from tamis.results.files import write_bytes, write_json

SIZES = (3, 4, 8, 16)
"""Bits of the lengths that we write."""

_UPLOADED = re.compile(r"^[0-9a-f]{8}-")


def write(dataset: Dataset, out: Path, tolerance: float = 0.0) -> None:
    """Write `tasks.json` to import, and `labels.xml`, the labelling interface that goes with it."""
    tasks: list[dict[str, Any]] = []
    for image in dataset.images:
        height, width = image.shape
        results = [
            {
                "id": f"{len(tasks)}-{number}",
                "type": "brushlabels",
                "from_name": "label",
                "to_name": "image",
                "original_width": width,
                "original_height": height,
                "image_rotation": 0,
                "value": {"format": "rle", "rle": encode_brush(mask), "brushlabels": [label]},
            }
            for number, (mask, label) in enumerate(zip(image.masks, image.labels, strict=True))
        ]
        tasks.append({"data": {"image": image.name}, "annotations": [{"result": results}]})
    write_json(out / "tasks.json", tasks, indent=None)
    labels = "".join(f"    <Label value={quoteattr(label)}/>\n" for label in dataset.labels)
    view = f'<View>\n  <Image name="image" value="$image"/>\n  <BrushLabels name="label" toName="image">\n{labels}'
    write_bytes(out / "labels.xml", f"{view}  </BrushLabels>\n</View>\n".encode())


def read(path: Path, images: Shapes) -> tuple[Dataset, list[str]]:
    """Read an export, or the one in a folder: the first annotation of each task, or its first prediction.

    Raises:
        InputError: a brush is damaged, or an image has another size.
    """
    names = Names(images)
    found: list[tuple[str, Masks, Sequence[str]]] = []
    for task in json.loads(the_json(path).read_bytes()):
        drawn = task.get("annotations") or task.get("completions") or task.get("predictions") or []
        results = [result for result in (drawn[0]["result"] if drawn else []) if _is_mask(result)]
        if not results:
            continue
        shape = int(results[0]["original_height"]), int(results[0]["original_width"])
        name = names.find(_image_name(task["data"]), shape)
        if name is not None:
            masks = [_mask(result, shape) for result in results]
            labels = [str(result["value"][result["type"]][0]) for result in results]
            found.append((name, Masks.from_dense(masks, shape), labels))
    return collected([], found), names.unknown


def encode_brush(mask: MaskArray) -> list[int]:
    """The bytes of a mask (H, W) as Label Studio has them."""
    flat = np.repeat(mask.ravel(), 4)
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    bounds = np.concatenate([[0], edges, [flat.size]])
    parts = [f"{flat.size:032b}", f"{7:05b}", *(f"{size - 1:04b}" for size in SIZES)]
    for start, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        value = "11111111" if flat[start] else "00000000"
        left = end - start
        while left:
            length = min(left, 1 << SIZES[-1])
            which = next(i for i, size in enumerate(SIZES) if length <= 1 << size)
            parts.append(f"1{which:02b}{length - 1:0{SIZES[which]}b}{value}")
            left -= length
    bits = np.frombuffer("".join(parts).encode(), np.uint8) - ord("0")
    return [int(byte) for byte in np.packbits(bits)]


def decode_brush(rle: Sequence[int], shape: tuple[int, int]) -> MaskArray:
    """(H, W) bool: the mask of Label Studio's bytes; a pixel is in the mask if it is more opaque than not.

    Raises:
        InputError: the bytes are cut off, or of an image of another size.
    """
    bits = np.unpackbits(np.array(rle, np.uint8))
    text = (bits + ord("0")).tobytes().decode()
    place = 0

    def number(count: int) -> int:
        nonlocal place
        place += count
        if place > len(text):
            raise InputError("a brush is cut off")
        return int(text[place - count : place], 2)

    total = number(32)
    if total != shape[0] * shape[1] * 4:
        raise InputError(f"a brush holds {total} values, but an image of {shape[1]}x{shape[0]} has four for each pixel")
    width = number(5) + 1
    sizes = [number(4) + 1 for _ in range(4)]
    values = np.empty(total, np.uint32)
    done = 0
    while done < total:
        is_run = number(1)
        length = number(sizes[number(2)]) + 1
        if done + length > total:
            raise InputError("a brush is damaged: it holds more than it says")
        if is_run:
            values[done : done + length] = number(width)
        else:
            values[done : done + length] = [number(width) for _ in range(length)]
        done += length
    opaque: NDArray[np.bool_] = values.reshape(*shape, 4)[..., 3] > (1 << width) // 2 - 1
    return opaque


def _is_mask(result: Any) -> bool:
    value = result.get("value", {})
    if result.get("type") == "brushlabels":
        return bool(value.get("format") == "rle")
    return bool(result.get("type") == "polygonlabels")


def _mask(result: Any, shape: tuple[int, int]) -> MaskArray:
    if result["type"] == "brushlabels":
        return decode_brush(result["value"]["rle"], shape)
    ring = np.asarray(result["value"]["points"], np.float64) * (shape[1] / 100, shape[0] / 100)
    return filled([ring], shape)


def _image_name(data: Any) -> str:
    """What the image was called before Label Studio took it over."""
    address = str(data.get("image") or next(iter(data.values())))
    parts = urlsplit(address)
    local = parse_qs(parts.query).get("d")
    if local:
        return local[0]
    name = address if parts.scheme == "" and not address.startswith("/data/") else unquote(parts.path)
    if address.startswith("/data/upload/"):
        return _UPLOADED.sub("", name.rpartition("/")[2])
    return name
