"""All photographs and maps of a training in one small file, for carrying to another machine."""

import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from tamis.errors import InputError
from tamis.training.photographs import Int16Map, Kind, Photograph

QUALITY = 75
"""Of the photographs, stored as WebP."""


def write_pack(
    file: Path, training: Mapping[str, Iterable[Photograph]], validation: Sequence[Photograph], quality: int = QUALITY
) -> int:
    """Write photographs (WebP) and maps (PNG) into one file and return its size in bytes."""
    index: list[dict[str, object]] = []
    partial = file.with_name(file.name + ".partial")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as pack:
        for part, photographs in (*training.items(), ("", validation)):
            for photograph in photographs:
                number = len(index)
                pixels = cv2.cvtColor(photograph.image, cv2.COLOR_RGB2BGR).astype(np.uint8)
                pack.writestr(f"{number}.webp", _encoded(".webp", pixels, [cv2.IMWRITE_WEBP_QUALITY, quality]))
                for k, labels in enumerate(photograph.maps):
                    shifted = (labels + 1).astype(np.uint16)
                    narrow = shifted.astype(np.uint8) if shifted.max() < 256 else shifted
                    pack.writestr(f"{number}_{k}.png", _encoded(".png", narrow, [cv2.IMWRITE_PNG_COMPRESSION, 9]))
                index.append(
                    {
                        "validation": not part,
                        "dataset": photograph.dataset,
                        "name": photograph.name,
                        "kind": photograph.kind.value,
                        "maps": len(photograph.maps),
                    }
                )
        pack.writestr("index.json", json.dumps(index))
    partial.replace(file)
    return file.stat().st_size


def read_pack(file: Path) -> tuple[dict[str, list[Photograph]], list[Photograph]]:
    """The training photographs by data set, and those for validation.

    Raises:
        InputError: the file is missing or no pack.
    """
    if not zipfile.is_zipfile(file):
        raise InputError(f"{file} is not a pack of training photographs")
    training: dict[str, list[Photograph]] = {}
    validation: list[Photograph] = []
    with zipfile.ZipFile(file) as pack:
        for number, entry in enumerate(json.loads(pack.read("index.json"))):
            image = _decoded(pack.read(f"{number}.webp"))[:, :, ::-1].astype(np.uint8)
            maps = tuple(_labels(pack.read(f"{number}_{k}.png")) for k in range(entry["maps"]))
            photograph = Photograph(entry["dataset"], entry["name"], Kind(entry["kind"]), image, maps)
            (validation if entry["validation"] else training.setdefault(entry["dataset"], [])).append(photograph)
    return training, validation


def _encoded(suffix: str, pixels: NDArray[np.integer], options: Sequence[int]) -> bytes:
    done, data = cv2.imencode(suffix, pixels, options)
    if not done:
        raise InputError(f"an image of shape {pixels.shape} could not be written as {suffix}")
    return data.tobytes()


def _decoded(data: bytes) -> NDArray[np.integer]:
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)).astype(np.uint16)


def _labels(data: bytes) -> Int16Map:
    return _decoded(data).astype(np.int16) - np.int16(1)
