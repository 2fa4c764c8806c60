"""Label Studio JSON: brush masks in its own run lengths; polygons, rectangles and ellipses are read too.

A brush is the RGBA picture of the mask, row by row, 0 and 255, packed into bits: 32 for the number of values, 5 for the
bits of a value less 1, 4 × 4 for the four sizes less 1 that a length may be written in; then blocks. A block is a bit
(1 for a run), 2 for which of the sizes, the length less 1, and one value, or as many as the length says.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import MaskArray
from tamis.errors import InputError
from tamis.formats.coco_file import the_json
from tamis.formats.json_file import read_json
from tamis.formats.labelstudio_names import Interface, interface_of, names_of
from tamis.formats.names import Names, Shapes
from tamis.formats.outlines import Crop, ellipse, packed, polygon, rectangle, ring_of
from tamis.formats.reading import Loaded, Reading, label_in
from tamis.formats.record import Dataset
from tamis.results.files import write_bytes, write_json

SIZES = (3, 4, 8, 16)
"""Bits of the lengths that we write."""


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
        for number in range(len(image.labels)):
            for name, value in image.attributes_of(number).items():
                about = {key: results[number][key] for key in ("id", "to_name", "original_width", "original_height")}
                results.append({**about, "from_name": name, **_said(value)})
        if image.tags:
            results.append({"from_name": "tags", "to_name": "image", **_chosen(list(image.tags))})
        tasks.append({"data": {"image": image.name}, "annotations": [{"result": results}]})
    write_json(out / "tasks.json", tasks, indent=None)
    labels = "".join(f"    <Label value={quoteattr(label)}/>\n" for label in dataset.labels)
    view = f'<View>\n  <Image name="image" value="$image"/>\n  <BrushLabels name="label" toName="image">\n{labels}'
    write_bytes(out / "labels.xml", f"{view}  </BrushLabels>\n{_controls(dataset)}</View>\n".encode())


def _said(value: Any) -> dict[str, Any]:
    """An attribute as the result of a control for a region."""
    if isinstance(value, bool):
        return _chosen(["yes" if value else "no"])
    if isinstance(value, int | float):
        return {"type": "number", "value": {"number": value}}
    return _chosen([value])


def _chosen(choices: list[str]) -> dict[str, Any]:
    return {"type": "choices", "value": {"choices": choices}}


def _controls(dataset: Dataset) -> str:
    """The parts of the labelling interface that ask for attributes and tags."""
    parts: dict[str, str] = {}
    for label, kinds in dataset.kinds.items():
        for name, kind in kinds.items():
            when = f'name={quoteattr(name)} toName="image" perRegion="true" whenLabelValue={quoteattr(label)}'
            choices = kind if isinstance(kind, list) else ["yes", "no"] if kind == "yes/no" else []
            if kind == "number":
                parts[name] = f"  <Number {when}/>\n"
            elif choices:
                inner = "".join(f"    <Choice value={quoteattr(each)}/>\n" for each in choices)
                parts[name] = f"  <Choices {when}>\n{inner}  </Choices>\n"
            else:
                parts[name] = f"  <TextArea {when}/>\n"
    tags = dict.fromkeys(tag for image in dataset.images for tag in image.tags)
    if tags:
        inner = "".join(f"    <Choice value={quoteattr(tag)}/>\n" for tag in tags)
        parts["tags"] = f'  <Choices name="tags" toName="image" choice="multiple">\n{inner}  </Choices>\n'
    return "".join(parts.values())


def _attributes(results: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """What controls say of regions, by the id of the region."""
    found: dict[str, dict[str, Any]] = {}
    for result in results:
        value, region, name = result.get("value") or {}, result.get("id"), result.get("from_name")
        if region is None or name is None:
            continue
        region = str(region)
        if result.get("type") == "number" and isinstance(value.get("number"), int | float):
            found.setdefault(region, {})[name] = value["number"]
        elif result.get("type") in ("choices", "textarea"):
            said = value.get("choices") or value.get("text") or []
            if said:
                text = str(said[0] if isinstance(said, list) else said)
                found.setdefault(region, {})[name] = {"yes": True, "no": False}.get(text, text)
    return found


def read(path: Path, images: Shapes) -> Loaded:
    """Read an export, or the one in a folder: of each task the finished annotation, or its first prediction.

    Of several that are finished the one marked as ground truth counts, otherwise the last; cancelled ones never do.

    Raises:
        InputError: an image has another size.
    """
    return _read(path, images, _the_finished)


def read_all(path: Path, images: Shapes) -> Loaded:
    """The same, with every annotation of a task that was not cancelled.

    Raises:
        InputError: an image has another size.
    """
    return _read(path, images, lambda finished: finished)


def _the_finished(finished: list[Any]) -> list[Any]:
    marked = [drawn for drawn in finished if drawn.get("ground_truth")]
    return (marked or finished)[-1:]


def _read(path: Path, images: Shapes, choose: Callable[[list[Any]], list[Any]]) -> Loaded:
    tasks = read_json(the_json(path))
    if isinstance(tasks, Mapping):
        tasks = [tasks]
    interface = interface_of(path)
    reading = Reading(Names.of_images(images, ()))
    drawn: list[tuple[str, list[Mapping[str, Any]]]] = []
    for number, task in enumerate(tasks, start=1):
        called = f"task {task.get('id', number)}" if isinstance(task, Mapping) else f"task {number}"
        if not isinstance(task, Mapping) or not isinstance(task.get("data"), Mapping):
            reading.problem(f"{called} has no data; export as JSON, not as JSON-MIN")
            continue
        for address, results in _by_image(task, _chosen_results(task, choose, reading, called), interface).items():
            if address is None:
                reading.problem(f"{called} does not say which image its results are of")
            else:
                drawn.append((address, results))
    called_by = names_of(address for address, _ in drawn)
    reading.names = Names.of_images(images, called_by.values())
    found = [_read_results(called_by[address], results, reading) for address, results in drawn]
    reading.note_repeated(name for name in found if name)
    return reading.done(interface.labels)


def _by_image(
    task: Mapping[str, Any], results: Sequence[Mapping[str, Any]], interface: Interface
) -> dict[str | None, list[Mapping[str, Any]]]:
    """The results of a task by the address of their image, for one task may show several, or several pages."""
    places = [(str(each.get("to_name", "")), each.get("item_index") or 0) for each in results]
    shapes = [place for place, each in zip(places, results, strict=True) if _kind(each) in _MAKERS]
    usual = shapes[0] if shapes else ("", 0)
    found: dict[str | None, list[Mapping[str, Any]]] = {} if results else {interface.address(task["data"], "", 0): []}
    for place, each in zip(places, results, strict=True):
        address = interface.address(task["data"], *(place if place in shapes else usual))
        found.setdefault(address, []).append(each)
    return found


def _chosen_results(
    task: Mapping[str, Any], choose: Callable[[list[Any]], list[Any]], reading: Reading, called: str
) -> list[Mapping[str, Any]]:
    """The results of a task that count."""
    drawn = [each for each in task.get("annotations") or task.get("completions") or [] if isinstance(each, Mapping)]
    finished = [each for each in drawn if not each.get("was_cancelled")]
    guesses = [] if drawn else [each for each in task.get("predictions") or [] if isinstance(each, Mapping)]
    chosen = choose(finished) if finished else guesses[:1]
    if guesses:
        reading.take("first predictions of a task")
    if len(finished) < len(drawn):
        reading.leave_out("cancelled annotations", len(drawn) - len(finished))
    if finished and len(chosen) < len(finished):
        kind = "further annotations of the same task (--annotations all takes them)"
        reading.leave_out(kind, len(finished) - len(chosen))
    results = [result for each in chosen for result in each.get("result") or []]
    whole = [each for each in results if isinstance(each, Mapping) and isinstance(each.get("value", {}), Mapping)]
    if strange := len(results) - len(whole):
        reading.problem(f"{called}: {strange} results are no objects")
    return whole


def _read_results(said: str, results: Sequence[Mapping[str, Any]], reading: Reading) -> str | None:
    """Read what was drawn on one image; its name if it has a mask."""
    sides = next((found for r in results if (found := _sides(r))), None)
    name = reading.names.find(said, sides)
    if name is None:
        return None
    shape = reading.names.shape(name)
    # A region may have its labels in a result of its own.
    apart = {r.get("id"): r["value"].get("labels") for r in results if r.get("type") == "labels" and r.get("id")}
    shapes = {str(r.get("id")) for r in results if _kind(r) in _MAKERS}
    about = {region: told for region, told in _attributes(results).items() if region in shapes}
    attributes: list[Mapping[str, Any]] = []
    for result in results:
        is_tag = result.get("type") == "choices" and result.get("from_name") == "tags"
        if is_tag and str(result.get("id")) not in shapes:
            reading.tag(name, (result.get("value") or {}).get("choices") or [])
    crops: list[Crop] = []
    labels: list[str] = []
    for number, result in enumerate(results, start=1):
        kind = _kind(result)
        if kind not in _MAKERS:
            region = str(result.get("id"))
            mine = region in shapes and (kind == "labels" or result.get("from_name") in about.get(region, {}))
            if not (mine or (result.get("type") == "choices" and result.get("from_name") == "tags")):
                reading.leave_out(f"of kind {result.get('type')}")
            continue
        with reading.each(f"{said}, result {result.get('id', number)}"):
            value = result["value"]
            theirs = value.get(result["type"]) or value.get("labels") or apart.get(result.get("id")) or [None]
            label = label_in(theirs[0])
            if (_sides(result) or shape) != shape:
                raise InputError("is of an image of another size than the others")
            if result.get("image_rotation"):
                raise InputError("was drawn while the image was turned, and where that is cannot be known")
            crops.append(_MAKERS[kind](value, shape))
            labels.append(label)
            attributes.append(reading.attributes(about.get(str(result.get("id")), {})))
            if len(theirs) > 1:
                reading.leave_out("further labels of the same region", len(theirs) - 1)
            if kind in ("rectangle", "ellipse"):
                reading.take(f"{kind}s")
    reading.add(name, packed(crops, shape), labels, attributes)
    return name if labels else None


def _sides(result: Mapping[str, Any]) -> tuple[int, int] | None:
    """Height and width of the image, as a result says."""
    height, width = result.get("original_height"), result.get("original_width")
    return (int(height), int(width)) if height and width else None


def _kind(result: Any) -> str:
    return str(result.get("type") or "").removesuffix("labels") or str(result.get("type"))


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


def _brush(value: Any, shape: tuple[int, int]) -> Crop:
    if value.get("format") != "rle":
        raise InputError(f"a brush of the format {value.get('format')} cannot be read")
    return 0, 0, decode_brush(value["rle"], shape)


def _polygon(value: Any, shape: tuple[int, int]) -> Crop:
    return polygon([ring_of(value["points"]) * _percent(shape)], shape)


def _rectangle(value: Any, shape: tuple[int, int]) -> Crop:
    (x, y), (width, height) = (
        np.array([value[first], value[second]], np.float64) * _percent(shape)
        for first, second in (("x", "y"), ("width", "height"))
    )
    return polygon([rectangle(x, y, width, height, float(value.get("rotation") or 0))], shape)


def _ellipse(value: Any, shape: tuple[int, int]) -> Crop:
    (x, y), (across, down) = (
        np.array([value[first], value[second]], np.float64) * _percent(shape)
        for first, second in (("x", "y"), ("radiusX", "radiusY"))
    )
    return ellipse(x, y, across, down, float(value.get("rotation") or 0), shape)


_MAKERS = {"brush": _brush, "polygon": _polygon, "rectangle": _rectangle, "ellipse": _ellipse}


def _percent(shape: tuple[int, int]) -> tuple[float, float]:
    return shape[1] / 100, shape[0] / 100
