"""YOLO segmentation: for each image a text file, for each mask a line of class and outline.

An outline is x and y as shares of width and height. Parts and holes are joined to one line (`tamis.formats.outlines`).
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tamis.errors import InputError
from tamis.formats.outlines import filled, joined, rings_of
from tamis.formats.record import Dataset, Names, Shapes, collected, require_distinct_stems
from tamis.mask import Masks
from tamis.results.files import write_bytes


def write(dataset: Dataset, out: Path, tolerance: float = 0.0) -> None:
    """Write `data.yaml` and `labels/NAME.txt` for every image.

    Raises:
        InputError: two images differ in nothing but their suffix.
    """
    stems = require_distinct_stems(dataset, out)
    numbers = {label: number for number, label in enumerate(dataset.labels)}
    for image in dataset.images:
        height, width = image.shape
        lines = []
        for mask, label in zip(image.masks, image.labels, strict=True):
            outline = joined(rings_of(mask, tolerance)) / (width, height)
            # Nine digits bring whole pixels of any image back to within a thousandth.
            lines.append(" ".join([str(numbers[label]), *(f"{value:.9g}" for value in outline.ravel())]))
        write_bytes(out / "labels" / f"{stems[image.name]}.txt", "".join(f"{line}\n" for line in lines).encode())
    quoted = [f"  {number}: {_quoted(label)}\n" for label, number in numbers.items()]
    head = "path: .\ntrain: images\nval: images\nnames:\n"
    write_bytes(out / "data.yaml", (head + "".join(quoted)).encode())


def read(path: Path, images: Shapes) -> tuple[Dataset, list[str]]:
    """Read a folder with `data.yaml` and text files below it.

    Raises:
        InputError: there is no list of names, or a line is no outline.
    """
    folder = path if path.is_dir() else path.parent
    labels = _labels(path if path.is_file() else folder / "data.yaml")
    names = Names(images)
    found: list[tuple[str, Masks, Sequence[str]]] = []
    base = folder / "labels" if (folder / "labels").is_dir() else folder
    for file in sorted(base.rglob("*.txt")):
        name = names.find(file.relative_to(base).with_suffix("").as_posix())
        if name is None:
            continue
        masks, their_labels = [], []
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
            if not line.strip():
                continue
            kind, *values = line.split()
            if len(values) < 6 or len(values) % 2 or not kind.isdigit() or int(kind) not in labels:
                raise InputError(
                    f"{file}, line {number}: expected a class of data.yaml and x y of three corners or more"
                )
            ring = np.array(values, np.float64).reshape(-1, 2) * images[name][::-1]
            masks.append(filled([_snapped(ring)], images[name]))
            their_labels.append(labels[int(kind)])
        found.append((name, Masks.from_dense(masks, images[name]), their_labels))
    return collected(labels.values(), found), names.unknown


def _snapped(
    ring: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Corners that were whole pixels before they became shares are whole again."""
    whole = np.round(ring)
    return np.where(np.abs(ring - whole) < 2e-3, whole, ring)


def _labels(file: Path) -> dict[int, str]:
    """`names` of a data.yaml: a mapping or a list, in block or in flow style."""
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"{file}: is missing; it says what the classes are called") from None
    lines = text.splitlines()
    start = next((i for i, line in enumerate(lines) if line.startswith("names:")), None)
    if start is None:
        raise InputError(f"{file}: has no line 'names:'")
    flow = lines[start].removeprefix("names:").strip()
    if flow.startswith("["):
        return dict(enumerate(_unquoted(part) for part in flow.strip("[]").split(",")))
    found: dict[int, str] = {}
    for line in lines[start + 1 :]:
        if line.strip() and not line.startswith((" ", "-", "\t")):
            break
        entry = line.strip()
        if entry.startswith("- "):
            found[len(found)] = _unquoted(entry[2:])
        elif ":" in entry:
            key, _, value = entry.partition(":")
            found[int(key)] = _unquoted(value)
    return found


def _quoted(label: str) -> str:
    """A double-quoted scalar, which in YAML is written as in JSON."""
    import json

    return json.dumps(label, ensure_ascii=True)


def _unquoted(value: str) -> str:
    import json

    value = value.strip()
    if value.startswith('"'):
        return str(json.loads(value))
    return value[1:-1].replace("''", "'") if value.startswith("'") and value.endswith("'") else value
