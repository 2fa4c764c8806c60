"""A small dataset for tests of training: two coloured things on a ground, in the layout `folders`."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from tamis.semantic.recipes import RECIPES, Recipe

CLASSES = ("ground", "disc", "box")
COLOURS = ((60, 120, 40), (40, 40, 200), (200, 80, 40))
SIZE = (48, 64)


def write_scenes(root: Path, classes: tuple[str, ...] = CLASSES, labelled: bool = True, train: int = 5) -> Path:
    """Write images and label maps; without `labelled` every pixel is to be ignored."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "classes.txt").write_text("\n".join(classes) + "\n")
    rng = np.random.default_rng(0)
    for split, count in (("train", train), ("val", 3)):
        for folder in ("images", "labels"):
            (root / folder / split).mkdir(parents=True)
        for number in range(count):
            label = np.zeros(SIZE, np.uint8)
            cv2.circle(label, (int(rng.integers(10, 54)), int(rng.integers(10, 38))), 9, 1, -1)
            corner = int(rng.integers(0, 44)), int(rng.integers(0, 28))
            cv2.rectangle(label, corner, (corner[0] + 18, corner[1] + 14), 2, -1)
            image = np.array(COLOURS, np.uint8)[label] + rng.integers(0, 30, (*SIZE, 3)).astype(np.uint8)
            cv2.imwrite(str(root / "images" / split / f"{number}.png"), image)
            cv2.imwrite(str(root / "labels" / split / f"{number}.png"), label if labelled else label * 0 + 255)
    return root


SMALL: Recipe = replace(
    RECIPES["small"], backbone="convnext-t", sizes={"depths": [1, 1, 1, 1], "hidden_sizes": [8, 8, 12, 12]}, width=8,
    crop=32, scale=(64, 48), most=1.0, half=False, batch=2, per_device=2, steps=6, warmup=2, validate_every=6,
    save_every=2, lr=1e-3,
)  # fmt: skip
"""A recipe whose steps take some hundredths of a second."""
