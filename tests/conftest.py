"""Shared fixtures: small images made on the fly, and the folder of real ones where there is one."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tamis.arrays import ImageArray, MaskArray


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder that TAMIS_DATA names."""
    place = os.environ.get("TAMIS_DATA")
    if not place:
        pytest.skip("real images: set TAMIS_DATA to their folder")
    return Path(place)


@pytest.fixture(scope="session")
def golden(data: Path) -> Path:
    """The peers' own numbers, beside the real images."""
    place = data.parent / "golden"
    if not place.is_dir():
        pytest.skip(f"golden values: no folder {place}")
    return place


@pytest.fixture(scope="session")
def scene() -> tuple[ImageArray, MaskArray]:
    """A red disc on a noisy green ground, 96 × 128, and the disc's mask."""
    rows, columns = np.mgrid[:96, :128]
    disc: MaskArray = (rows - 50) ** 2 + (columns - 40) ** 2 < 25**2
    image = np.where(disc[..., None], (200, 40, 40), (40, 120, 60))
    noise = np.random.default_rng(0).integers(-6, 7, image.shape)
    return (image + noise).astype(np.uint8), disc


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    """Save an array as an image file of the test's own folder: save("a.png", array) → its path."""

    def write(name: str, pixels: Any, **options: Any) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path, **options)
        return path

    return write


@pytest.fixture
def photograph(save: Callable[..., Path], scene: tuple[ImageArray, MaskArray]) -> Path:
    """The scene as a JPEG file."""
    return save("photo.jpg", scene[0], quality=95)
