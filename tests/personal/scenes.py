"""Two things on grounds of their own: what is there in one image is there in others, elsewhere."""

import numpy as np

from tamis.arrays import ImageArray, MaskArray

SIDE = 192


def scene(kind: str, seed: int, ground: tuple[int, int, int] = (60, 110, 70)) -> tuple[ImageArray, MaskArray]:
    """(192, 192, 3) uint8 and the thing's mask: a striped red `ball`, a blue `box` with dots, or `nothing`."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    image = np.empty((SIDE, SIDE, 3))
    image[:] = ground
    image += rng.normal(0, 2, (SIDE, SIDE, 1))
    y, x = rng.uniform(70, SIDE - 70, 2)
    mask: MaskArray = np.zeros((SIDE, SIDE), bool)
    if kind == "ball":
        mask = (rows - y) ** 2 + (columns - x) ** 2 < 42**2
        stripes = ((columns - x) // 9).astype(int) % 2 == 0
        image[mask] = np.where(stripes[..., None], (225, 50, 40), (250, 220, 210))[mask]
    elif kind == "box":
        mask = (np.abs(rows - y) < 36) & (np.abs(columns - x) < 48)
        dots = ((rows - y) % 16 - 8) ** 2 + ((columns - x) % 16 - 8) ** 2 < 16
        image[mask] = np.where(dots[..., None], (250, 240, 90), (40, 60, 190))[mask]
    return np.clip(image, 0, 255).astype(np.uint8), mask
