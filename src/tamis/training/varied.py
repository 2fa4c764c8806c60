"""Another look at a photograph: a part of it, mirrored, turned, in other colours, compressed anew.

Stage A knows the photographs it learned from, and is surer of them than of others. What stage B reads of a look that
stage A never had is nearer to what it will read of a new photograph.
"""

from dataclasses import replace

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from tamis.arrays import ImageArray
from tamis.training.crops import vary_colours
from tamis.training.photographs import Photograph

PART = 0.65
"""Share of the looks that show a part."""

LEAST = 0.5
"""Of the sides of a photograph: no part is shorter, but for what follows."""

STRETCHED = 0.15
"""Logarithm by which one side of a part is longer and the other shorter, at most."""

TURNED = {"bsds500": 0.5}
"""Share of the looks at a data set that are turned by right angles, or upside down in a mirror: where stage A has seen
every photograph hundreds of times from all other sides."""

TURNED_OTHERS = 0.1

COLOURED, COMPRESSED = 0.8, 0.3
"""Shares of the looks whose colours vary, and that have been a JPEG file."""

JPEG = (35, 90)
"""Its quality."""


def varied(photograph: Photograph, rng: np.random.Generator) -> Photograph:
    """A look at a photograph that depends on `rng` alone; its maps follow it."""
    arrays = _part([photograph.image, *photograph.maps], rng)
    if rng.random() < 0.5:
        arrays = [each[:, ::-1] for each in arrays]
    if rng.random() < TURNED.get(photograph.dataset, TURNED_OTHERS):
        turns = int(rng.integers(4))
        arrays = [np.rot90(each, turns) if turns else each[::-1] for each in arrays]
    image, *maps = (np.ascontiguousarray(each) for each in arrays)
    if rng.random() < COLOURED:
        image = _recoloured(image, rng)
    if rng.random() < COMPRESSED:
        image = _compressed(image, int(rng.integers(*JPEG)))
    return replace(photograph, image=image, maps=tuple(maps))


def _part(arrays: list[NDArray[np.integer]], rng: np.random.Generator) -> list[NDArray[np.integer]]:
    """The same part of some arrays (H, W, …), or all of them."""
    if rng.random() >= PART:
        return arrays
    lengths = np.array(arrays[0].shape[:2])
    stretch = np.exp(rng.uniform(-STRETCHED, STRETCHED) * np.array([1, -1]))
    sides = np.clip(lengths * rng.uniform(LEAST, 1) * stretch, 1, lengths).astype(int)
    top, left = rng.integers(lengths - sides + 1)
    return [each[top : top + sides[0], left : left + sides[1]] for each in arrays]


def _recoloured(image: ImageArray, rng: np.random.Generator) -> ImageArray:
    chance = torch.Generator().manual_seed(int(rng.integers(2**31)))
    pixels = torch.from_numpy(image).permute(2, 0, 1)[None] / 255
    coloured = vary_colours(pixels, chance)[0].permute(1, 2, 0) * 255
    return np.ascontiguousarray(coloured.round().numpy().astype(np.uint8))


def _compressed(image: ImageArray, quality: int) -> ImageArray:
    _, file = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(file, cv2.IMREAD_COLOR), np.uint8)
