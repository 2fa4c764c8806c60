"""Encoded images on disk: what comes back is what was saved, or nothing."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tamis import Click
from tamis.arrays import ImageArray, MaskArray
from tamis.regions.encoded import EncodedRegions
from tamis.segmentors import load_segmentor
from tamis.segmentors.cache import EncodingCache, FromArrays, HasArrays, cache_folder

SHA = "ab" * 32


@dataclass(frozen=True)
class Tiny:
    """A segmentor of two regions: dark and bright."""

    name: str = "tiny"
    encoding_version: str = "1"
    weights_sha256: str = "w"

    def encode(self, image: ImageArray) -> EncodedRegions:
        bright = (image.mean(axis=2) > 127).astype(np.uint16)
        answers, ratings = np.full((1, 2, 2), 200, np.uint8), np.full((1, 2), 200, np.uint8)
        return EncodedRegions(image, bright, answers, np.ones((2, 3), np.float32), ratings)

    def from_arrays(self, image: ImageArray, arrays: Mapping[str, NDArray[Any]]) -> EncodedRegions:
        return EncodedRegions.from_arrays(image, arrays)


@pytest.fixture
def image() -> ImageArray:
    return np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)


def files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.npz"))


@pytest.mark.parametrize("name", ["embedded", "hierarchy"])
def test_the_same_clicks_get_the_same_masks(name: str, scene: tuple[ImageArray, MaskArray], tmp_path: Path) -> None:
    segmentor = load_segmentor(name)
    assert isinstance(segmentor, FromArrays)
    encoded = segmentor.encode(scene[0])
    assert isinstance(encoded, HasArrays)
    cache = EncodingCache(segmentor, tmp_path)
    assert cache.usable
    assert not cache.has(SHA)
    assert cache.load(SHA, scene[0]) is None
    assert cache.save(SHA, encoded)
    assert cache.has(SHA)
    again = EncodingCache(load_segmentor(name), tmp_path).load(SHA, scene[0])
    assert again is not None
    clicks = [Click(40, 50), Click(5, 5, positive=False)]
    assert np.array_equal(again.probability(clicks), encoded.probability(clicks))


def test_other_bytes_weights_or_versions_are_not_taken(image: ImageArray, tmp_path: Path) -> None:
    tiny = Tiny()
    EncodingCache(tiny, tmp_path).save(SHA, tiny.encode(image))
    assert EncodingCache(tiny, tmp_path).load(SHA, image) is not None
    assert EncodingCache(tiny, tmp_path).load("cd" * 32, image) is None
    for other in (
        replace(tiny, weights_sha256="x"),
        replace(tiny, encoding_version="2"),
        replace(tiny, name="other"),
    ):
        assert EncodingCache(other, tmp_path).load(SHA, image) is None


def test_a_file_under_a_wrong_name_is_not_trusted(image: ImageArray, tmp_path: Path) -> None:
    tiny, other = Tiny(), Tiny(weights_sha256="x")
    EncodingCache(tiny, tmp_path).save(SHA, tiny.encode(image))
    (mine,) = files(tmp_path)
    EncodingCache(other, tmp_path).save(SHA, other.encode(image))
    (its,) = set(files(tmp_path)) - {mine}
    mine.write_bytes(its.read_bytes())
    assert EncodingCache(tiny, tmp_path).load(SHA, image) is None
    assert not mine.exists()


def test_an_image_of_another_size_is_not_answered_by_it(image: ImageArray, tmp_path: Path) -> None:
    tiny = Tiny()
    cache = EncodingCache(tiny, tmp_path)
    cache.save(SHA, tiny.encode(image))
    encoded = cache.load(SHA, image[:10])
    assert encoded is None or encoded.shape == (10, 30)


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "text", "pickle"])
def test_damaged_files_are_thrown_away(image: ImageArray, tmp_path: Path, damage: str) -> None:
    tiny = Tiny()
    cache = EncodingCache(tiny, tmp_path)
    cache.save(SHA, tiny.encode(image))
    (path,) = files(tmp_path)
    content = bytearray(path.read_bytes())
    if damage == "flip":
        content[len(content) // 2] ^= 0xFF
    elif damage == "cut":
        content = content[: len(content) // 2]
    elif damage == "empty":
        content = bytearray()
    elif damage == "text":
        content = bytearray(b"this is no archive")
    if damage == "pickle":
        with path.open("wb") as file:
            np.savez(file, signature=np.array([{"evil": 1}], dtype=object))
    else:
        path.write_bytes(content)
    assert cache.load(SHA, image) is None
    assert not path.exists()


def test_every_flipped_byte_is_noticed_or_harmless(image: ImageArray, tmp_path: Path) -> None:
    tiny = Tiny()
    cache = EncodingCache(tiny, tmp_path)
    encoded = tiny.encode(image)
    cache.save(SHA, encoded)
    (path,) = files(tmp_path)
    content = path.read_bytes()
    for place in np.random.default_rng(1).integers(0, len(content), 150).tolist():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content[:place] + bytes([content[place] ^ 0x41]) + content[place + 1 :])
        found = cache.load(SHA, image)
        if found is not None:
            assert isinstance(found, EncodedRegions)
            for name, array in encoded.arrays().items():
                assert np.array_equal(found.arrays()[name], array), place


def test_the_least_recently_used_go_first(image: ImageArray, tmp_path: Path) -> None:
    tiny = Tiny()
    names = [f"{number:02}" * 32 for number in range(4)]
    cache = EncodingCache(tiny, tmp_path)
    for age, name in enumerate(names):
        before = set(files(tmp_path))
        cache.save(name, tiny.encode(image))
        (path,) = set(files(tmp_path)) - before
        os.utime(path, (1000 + age, 1000 + age))
    size = path.stat().st_size
    assert cache.load(names[0], image) is not None  # used now
    small = EncodingCache(tiny, tmp_path, max_bytes=int(3.5 * size))
    small.save("ff" * 32, tiny.encode(image))
    assert [small.has(name) for name in names] == [True, False, False, True]
    assert small.has("ff" * 32)


def test_what_cannot_be_written_down_is_not(image: ImageArray, tmp_path: Path) -> None:
    segmentor = load_segmentor("grabcut")
    cache = EncodingCache(segmentor, tmp_path)
    assert not cache.usable
    assert not cache.save(SHA, segmentor.encode(image))
    assert cache.load(SHA, image) is None
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_to_is_no_reason_to_stop(image: ImageArray, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    cache = EncodingCache(Tiny(), tmp_path / "file" / "cache")
    assert not cache.save(SHA, Tiny().encode(image))
    assert cache.load(SHA, image) is None


def test_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TAMIS_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path / "encodings"
    monkeypatch.delenv("TAMIS_CACHE")
    assert cache_folder().name == "encodings"
    assert "tamis" in cache_folder().parts
