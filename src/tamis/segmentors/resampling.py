"""Bilinear resizing in the two conventions of torch, by numpy and OpenCV, for networks with and without torch."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


def resized(values: Array, size: tuple[int, int]) -> Array:
    """(..., h, w) → (..., *size) without antialiasing, pixel centres aligned: `align_corners=False` of torch.

    Args:
        values: float32, at most three dimensions.
        size: (height, width).
    """
    import cv2

    if values.shape[-2:] == size:
        return values
    planes = values.reshape(-1, *values.shape[-2:])
    made = np.empty((len(planes), *size), np.float32)
    for plane, target in zip(planes, made, strict=True):
        target[:] = cv2.resize(plane, (size[1], size[0]), interpolation=cv2.INTER_LINEAR)
    return made.reshape(*values.shape[:-2], *size)


def resized_by_corners(values: Array, size: tuple[int, int]) -> Array:
    """(..., h, w) → (..., *size), corner pixels on corner pixels: `align_corners=True` of torch."""
    height, width = values.shape[-2:]
    return sampled(values, _steps(height, size[0]), _steps(width, size[1]))


def sampled(values: Array, rows: NDArray[Any], columns: NDArray[Any]) -> Array:
    """(..., H, W) bilinear values at rows (H,) × columns (W,), counted from pixel centres and kept inside.

    With rows and columns of bin centres this is RoIAlign (`aligned=True`) with one sample in each bin.
    """
    above, below, down = _neighbours(rows, values.shape[-2])
    before, after, right = _neighbours(columns, values.shape[-1])
    lines = values[..., above, :] * (1 - down)[:, None] + values[..., below, :] * down[:, None]
    return np.asarray(lines[..., before] * (1 - right) + lines[..., after] * right, np.float32)


def _steps(before: int, after: int) -> Array:
    if after == 1:
        return np.zeros(1, np.float32)
    return np.arange(after, dtype=np.float32) * np.float32((before - 1) / (after - 1))


def _neighbours(places: NDArray[Any], length: int) -> tuple[NDArray[np.intp], NDArray[np.intp], Array]:
    inside = np.clip(places, 0, length - 1)
    first = np.minimum(inside.astype(np.intp), max(length - 2, 0))
    return first, np.minimum(first + 1, length - 1), (inside - first).astype(np.float32)
