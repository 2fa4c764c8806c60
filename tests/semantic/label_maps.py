"""Small datasets of label maps, made for the tests."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def picture(seed: int, size: tuple[int, int] = (40, 60)) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 of soft noise."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (5, 6, 3), dtype=np.uint8))
    return np.asarray(small.resize(size[::-1], Image.Resampling.BICUBIC), dtype=np.uint8)


def stripes(values: Sequence[int], size: tuple[int, int] = (40, 60)) -> NDArray[np.uint8]:
    """(H, W) uint8: upright stripes of equal width."""
    columns = np.arange(size[1]) * len(values) // size[1]
    return np.tile(np.array(values, np.uint8)[columns], (size[0], 1))


def write_pair(image: Path, label: Path, values: Sequence[int], seed: int = 0) -> None:
    """An image and its label map."""
    for path, pixels in ((image, picture(seed)), (label, stripes(values))):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)


def write_folders(root: Path, maps: dict[str, Sequence[Sequence[int]]], classes: str = "road\ncar\nsky\n") -> Path:
    """A dataset of the layout `folders`: for each split the values of the stripes of its label maps."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "classes.txt").write_text(classes)
    for split, values in maps.items():
        for number, stripe in enumerate(values):
            name = f"{split}{number:02}.png"
            write_pair(root / "images" / split / name, root / "labels" / split / name, stripe, number)
    return root
