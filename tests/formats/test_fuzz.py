"""Damaged files of every format: what can be read of them, or a sentence, and never more time or memory than usual."""

import contextlib
import json
import os
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tamis.errors import InputError
from tamis.formats.record import Dataset, ImageRecord
from tamis.formats.registry import FORMATS, export, loaded
from tamis.mask import Masks

TRIES = int(os.environ.get("TAMIS_FUZZ", "200"))
"""Damages in all; `make fuzz` makes ten thousand."""

NAMES = [form.name for form in FORMATS]


def small() -> Dataset:
    masks = np.zeros((2, 12, 17), bool)
    masks[0, 1:10, 2:12], masks[0, 4:7, 5:9], masks[1, 10:, 12:] = True, False, True
    first = ImageRecord("a.jpg", Masks.from_dense(masks), ("cat", "dog"))
    return Dataset(("cat", "dog"), (first, ImageRecord("sub/b.png", Masks.from_dense(masks[:1]), ("dog",))))


SHAPES = {"a.jpg": (12, 17), "sub/b.png": (12, 17)}


def require_sound(path: Path, name: str) -> None:
    """Whatever is read is whole, and whatever is said is one line."""
    with contextlib.suppress(InputError):
        found = loaded(path, name, SHAPES)
        for image in found.dataset.images:
            assert image.shape == SHAPES[image.name]
            assert len(image.labels) == len(image.masks)
            assert image.masks.areas.all()
        assert not any("\n" in sentence for sentence in found.sentences())
        return
    try:
        loaded(path, name, SHAPES)
    except InputError as error:
        sentence = str(error)
        assert "\n" not in sentence
        assert str(path) in sentence or "." in sentence


@pytest.mark.parametrize("name", NAMES)
def test_bytes_at_random(name: str, tmp_path: Path) -> None:
    export(small(), name, tmp_path)
    chance = random.Random(f"bytes of {name}")
    files = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    for _ in range(max(8, TRIES // 2 // len(NAMES))):
        file = chance.choice(files)
        whole = file.read_bytes()
        damaged = bytearray(whole)
        for _ in range(chance.randrange(1, 4)):
            place = chance.randrange(len(damaged) or 1)
            damaged[place : place + chance.choice((0, 1, 1, 4))] = chance.choice(
                (b"\0", b"9", b"-", b'"', b"{", b"\xff", b"")
            )
        file.write_bytes(damaged if chance.random() < 0.8 else damaged[: chance.randrange(len(damaged) + 1)])
        require_sound(tmp_path, name)
        file.write_bytes(whole)


STRANGE: list[Any] = [
    None,
    True,
    -1,
    0,
    1e308,
    float("inf"),
    float("nan"),
    2**70,
    "",
    "x",
    "\ud800",
    [],
    {},
    [[]],
    [1],
    "1",
]


JSONS = ["coco", "coco-polygons", "lvis", "labelstudio", "labelme", "datumaro", "masks", "labelmap"]


@pytest.mark.parametrize("name", JSONS)
def test_values_at_random(name: str, tmp_path: Path) -> None:
    export(small(), name, tmp_path)
    chance = random.Random(f"values of {name}")
    files = sorted(tmp_path.rglob("*.json"))
    for _ in range(max(8, TRIES // 2 // len(JSONS))):
        file = chance.choice(files)
        whole = file.read_bytes()
        content = json.loads(whole)
        place: Any = content
        for _ in range(12):
            inner = [
                value
                for value in (place.values() if isinstance(place, dict) else place)
                if isinstance(value, dict | list) and value
            ]
            if not inner or chance.random() < 0.25:
                break
            place = chance.choice(inner)
        key = chance.choice(list(place)) if isinstance(place, dict) else chance.randrange(len(place))
        if chance.random() < 0.25:
            del place[key]
        else:
            place[key] = chance.choice(STRANGE)
        file.write_text(json.dumps(content))
        require_sound(tmp_path, name)
        file.write_bytes(whole)
