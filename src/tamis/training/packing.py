"""All photographs and maps of a training in a few small files, for carrying to another machine."""

import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tamis.datasets.supervision import Kind
from tamis.errors import InputError
from tamis.results.files import replacing
from tamis.training.photographs import Int16Map, Photograph

QUALITY = 75
"""Of the photographs, stored as WebP."""

MOST_BYTES = 60 * 2**20
"""Of a file: some ways to carry it take no more at a time."""

READERS = 8
"""Threads that decode."""

ZIP_OVERHEAD = 512
"""Bytes of a photograph in the lists of a file, generously."""


def write_packs(
    file: Path,
    training: Mapping[str, Iterable[Photograph]],
    validation: Sequence[Photograph],
    quality: int = QUALITY,
    most_bytes: int = MOST_BYTES,
) -> list[Path]:
    """Write photographs (WebP) and maps (PNG) into files of a bounded size: NAME.pack, NAME.2.pack and so on.

    Args:
        file: the first of them.
        training: by data set.
        validation: photographs never trained on.
        quality: of WebP, 1 to 100.
        most_bytes: of a file; a single photograph may exceed it.

    Returns:
        the files; each can be read without the others.
    """
    files: list[Path] = []
    parts: list[tuple[dict[str, object], dict[str, bytes]]] = []
    size = 0

    def flush() -> None:
        name = file if not files else file.with_name(f"{file.stem}.{len(files) + 1}{file.suffix}")
        with replacing(name) as stream, zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as pack:
            for number, (_, contents) in enumerate(parts):
                for suffix, content in contents.items():
                    pack.writestr(f"{number}{suffix}", content)
            pack.writestr("index.json", json.dumps([entry for entry, _ in parts]))
        files.append(name)
        parts.clear()

    for part, photographs in (*training.items(), ("", validation)):
        for photograph in photographs:
            contents = _contents(photograph, quality)
            added = sum(map(len, contents.values())) + ZIP_OVERHEAD * (1 + len(contents))
            if parts and size + added > most_bytes:
                flush()
                size = 0
            size += added
            entry: dict[str, object] = {
                "validation": not part,
                "dataset": photograph.dataset,
                "name": photograph.name,
                "kind": photograph.kind.value,
                "maps": len(photograph.maps),
            }
            parts.append((entry, contents))
    flush()
    return files


def read_packs(files: Sequence[Path]) -> tuple[dict[str, list[Photograph]], list[Photograph]]:
    """The training photographs by data set, and those for validation, decoded by several threads.

    Raises:
        InputError: a file is missing or no pack.
    """
    training: dict[str, list[Photograph]] = {}
    validation: list[Photograph] = []
    for file in files:
        if not zipfile.is_zipfile(file):
            raise InputError(f"{file} is not a pack of training photographs")
        with zipfile.ZipFile(file) as pack, ThreadPoolExecutor(READERS) as pool:
            index = json.loads(pack.read("index.json"))
            contents = [
                (entry, pack.read(f"{number}.webp"), [pack.read(f"{number}_{k}.png") for k in range(entry["maps"])])
                for number, entry in enumerate(index)
            ]
            for entry, photograph in zip(index, pool.map(lambda each: _photograph(*each), contents), strict=True):
                (validation if entry["validation"] else training.setdefault(entry["dataset"], [])).append(photograph)
    return training, validation


def _contents(photograph: Photograph, quality: int) -> dict[str, bytes]:
    """The files of a photograph by what comes after its number."""
    pixels = cv2.cvtColor(photograph.image, cv2.COLOR_RGB2BGR).astype(np.uint8)
    contents = {".webp": _encoded(".webp", pixels, [cv2.IMWRITE_WEBP_QUALITY, quality])}
    for k, labels in enumerate(photograph.maps):
        shifted = (labels + 1).astype(np.uint16)
        narrow = shifted.astype(np.uint8) if shifted.max() < 256 else shifted
        contents[f"_{k}.png"] = _encoded(".png", narrow, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    return contents


def _photograph(entry: dict[str, Any], image: bytes, maps: list[bytes]) -> Photograph:
    pixels = np.ascontiguousarray(_decoded(image)[:, :, ::-1], dtype=np.uint8)
    labels = tuple(_labels(each) for each in maps)
    return Photograph(entry["dataset"], entry["name"], Kind(entry["kind"]), pixels, labels)


def _encoded(suffix: str, pixels: NDArray[np.integer], options: Sequence[int]) -> bytes:
    done, data = cv2.imencode(suffix, pixels, options)
    if not done:
        raise InputError(f"an image of shape {pixels.shape} could not be written as {suffix}")
    return data.tobytes()


def _decoded(data: bytes) -> NDArray[np.integer]:
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)).astype(np.uint16)


def _labels(data: bytes) -> Int16Map:
    return _decoded(data).astype(np.int16) - np.int16(1)
