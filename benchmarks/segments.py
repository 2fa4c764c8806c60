"""Overlapping masks as a proposal generator makes them: moved and merged segments of photographs."""

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tamis.arrays import MaskArray

SHAPE = (768, 1024)


def overlapping_masks(n: int, seed: int, shape: tuple[int, int] = SHAPE) -> tuple[MaskArray, str]:
    """(N, H, W) bool, and where they come from.

    Segments of at least 0.2 % of the image are drawn at random, each in 1 to 8 versions moved by up to 12 pixels, every
    third merged with another segment. They come from BSDS500's validation images where the environment variable
    TAMIS_DATA names the folder that holds them, else from random Voronoi cells with ragged borders.
    """
    rng = np.random.default_rng(seed)
    root = Path(os.environ.get("TAMIS_DATA", "")) / "bsds500" / "segments" / "val"
    files = sorted(root.glob("*.png")) if "TAMIS_DATA" in os.environ else []
    masks = np.empty((n, *shape), np.bool_)
    filled = 0
    while filled < n:
        labels = stretched(_read(files[rng.integers(len(files))]) if files else cells(rng), shape)
        values, areas = np.unique(labels, return_counts=True)
        values = values[areas >= 0.002 * labels.size]
        for value in rng.choice(values, min(len(values), 8), replace=False):
            for _ in range(min(int(rng.integers(1, 9)), n - filled)):
                mask = labels == value
                if rng.random() < 1 / 3:
                    mask |= labels == rng.choice(values)
                masks[filled] = _moved(mask, *rng.integers(-12, 13, 2).tolist())
                filled += 1
    return masks, "moved and merged segments of BSDS500 (validation)" if files else "moved and merged synthetic cells"


def _read(file: Path) -> NDArray[np.integer]:
    with Image.open(file) as image:
        labels: NDArray[np.integer] = np.asarray(image)
    return labels


def cells(rng: np.random.Generator) -> NDArray[np.integer]:
    """(321, 481) labels of the nearest of some points, the borders ragged by a few pixels."""
    rows, columns = np.mgrid[:321, :481] + rng.normal(0, 1.5, (2, 321, 481))
    points = rng.random((int(rng.integers(8, 40)), 2)) * (321, 481)
    distance = (rows - points[:, 0, None, None]) ** 2 + (columns - points[:, 1, None, None]) ** 2
    labels: NDArray[np.integer] = np.argmin(distance, axis=0)
    return labels


def stretched(labels: NDArray[np.integer], shape: tuple[int, int]) -> NDArray[np.integer]:
    """Labels in another size, each pixel that of the nearest one above and left."""
    rows, columns = (np.arange(new) * old // new for new, old in zip(shape, labels.shape, strict=True))
    found: NDArray[np.integer] = labels[np.ix_(rows, columns)]
    return found


def _moved(mask: MaskArray, down: int, right: int) -> MaskArray:
    """The mask moved; what leaves the image is lost."""
    height, width = mask.shape
    out = np.zeros_like(mask)
    out[max(down, 0) : height + min(down, 0), max(right, 0) : width + min(right, 0)] = mask[
        max(-down, 0) : height + min(-down, 0), max(-right, 0) : width + min(-right, 0)
    ]
    return out
