"""Training crops: a piece of a photograph, warped, with its label map, boundary target and clicks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ImageArray
from tamis.training.photographs import Int16Map, Kind, Photograph

LEAST_CELLS = 6
"""A mask needs as many cells of stride 4 in a crop to be clicked."""


@dataclass(frozen=True, slots=True)
class CropOptions:
    """How crops are drawn."""

    size: int = 192
    """Side in pixels, a multiple of 32."""
    scales: tuple[float, float] = (0.6, 1.35)
    """Log-uniform magnification."""
    aspect: float = 0.15
    """Log of the largest stretch of x against y."""
    rotation: float = 0.35
    """Radians, in a quarter of the crops."""
    clicks: int = 24
    """Clicks per crop."""
    background: float = 0.2
    """Share of clicks outside the object where there is only one."""
    background_weight: float = 0.25
    """What these clicks weigh in the loss."""
    paste: float = 0.0
    """Chance that an object of another photograph is pasted in."""


class Crop(NamedTuple):
    """One training example; S is the side in pixels, K the number of clicks."""

    image: ImageArray
    """(S, S, 3) uint8."""
    labels: Int16Map
    """(S/4, S/4) int16: −1 unknown, 0 no mask, 1.. masks."""
    boundary: NDArray[np.float32]
    """(S/2, S/2): the share of annotators who drew a border here."""
    boundary_weight: NDArray[np.float32]
    """(S/2, S/2): 0 where nothing is known."""
    cells: NDArray[np.int64]
    """(K,) flat index of the clicked cells."""
    masks: NDArray[np.int16]
    """(K,) label of the clicked masks."""
    weights: NDArray[np.float32]
    """(K,) what each click weighs."""


def draw_crop(photograph: Photograph, rng: np.random.Generator, options: CropOptions) -> Crop:
    """A random crop of a photograph with something to click in it."""
    crop = _draw(photograph, rng, options)
    for _ in range(4):
        if crop.weights.max() == 1:
            break
        crop = _draw(photograph, rng, options)
    return crop


def _draw(photograph: Photograph, rng: np.random.Generator, options: CropOptions) -> Crop:
    size = options.size
    matrix = _random_affine(photograph.image.shape[:2], rng, options)
    image = cv2.warpAffine(photograph.image, matrix, (size, size), borderMode=cv2.BORDER_REFLECT_101).astype(np.uint8)
    several = photograph.kind is Kind.PARTITION and len(photograph.maps) > 1
    maps = [
        cv2.warpAffine(
            m, matrix, (size, size), flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=(-1,)
        ).astype(np.int16)
        for m in photograph.maps
    ]
    chosen = maps[int(rng.integers(len(maps)))] if several else maps[0]
    borders, known = zip(*(borders_of(m) for m in maps), strict=True)
    boundary = np.asarray(np.mean(borders, axis=0), dtype=np.float32)
    weight = np.min(known, axis=0).astype(np.float32)
    if photograph.kind is not Kind.PARTITION:
        # Inside and outside an object there are borders that nobody drew: only the drawn ones are known.
        weight = weight * np.float32(0.3) * (boundary > 0)
    labels = chosen[2::4, 2::4].copy()
    cells, masks, weights = draw_clicks(labels, photograph.kind, rng, options)
    return Crop(image, labels, boundary, weight.astype(np.float32), cells, masks, weights)


def _random_affine(shape: Sequence[int], rng: np.random.Generator, options: CropOptions) -> NDArray[np.float64]:
    """The (2, 3) matrix from photograph to crop, for cv2.warpAffine."""
    height, width = shape[0], shape[1]
    scale = float(np.exp(rng.uniform(*np.log(options.scales))))
    stretch = float(np.exp(rng.uniform(-options.aspect, options.aspect) / 2))
    angle = float(rng.uniform(-options.rotation, options.rotation)) if rng.random() < 0.25 else 0.0
    flip = -1.0 if rng.random() < 0.5 else 1.0
    cosine, sine = np.cos(angle), np.sin(angle)
    linear = np.array([[cosine, -sine], [sine, cosine]]) @ np.diag([scale * stretch * flip, scale / stretch])
    half = options.size / 2
    middle = []
    for side, pixels in ((width, half / (scale * stretch)), (height, half * stretch / scale)):
        low, high = min(pixels, side / 2), max(side - pixels, side / 2)
        # A tenth beyond the border: objects that leave the picture are to be known too.
        middle.append(rng.uniform(low - 0.1 * pixels, high + 0.1 * pixels))
    offset = np.array([half, half]) - linear @ np.array(middle)
    return np.concatenate([linear, offset[:, None]], axis=1)


def borders_of(labels: Int16Map) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Where a map changes, one pixel wide, dilated 2×2 and max-pooled to stride 2; and where that is known.

    Args:
        labels: (S, S) int16, −1 unknown.

    Returns:
        (S/2, S/2) float32 of 0 and 1, and (S/2, S/2) bool.

    >>> borders_of(np.array([[1, 1, 1, 2]] * 4, np.int16))[0].tolist()
    [[0.0, 1.0], [0.0, 1.0]]
    """
    change = np.zeros(labels.shape, np.uint8)
    change[:, :-1] = labels[:, :-1] != labels[:, 1:]
    change[:-1] |= labels[:-1] != labels[1:]
    unknown = (labels < 0).astype(np.uint8)
    change = cv2.dilate(change, np.ones((2, 2), np.uint8)).astype(np.uint8)
    unknown = cv2.dilate(unknown, np.ones((3, 3), np.uint8)).astype(np.uint8)
    size = labels.shape[0] // 2, labels.shape[1] // 2
    pooled = change.reshape(size[0], 2, size[1], 2).max(axis=(1, 3))
    blind = unknown.reshape(size[0], 2, size[1], 2).max(axis=(1, 3))
    return (pooled * (1 - blind)).astype(np.float32), blind == 0


def draw_clicks(
    labels: Int16Map, kind: Kind, rng: np.random.Generator, options: CropOptions
) -> tuple[NDArray[np.int64], NDArray[np.int16], NDArray[np.float32]]:
    """K clicks: a mask uniformly among those with enough cells, then a cell of it uniformly.

    Without any mask to click, all weights are 0.
    """
    count = options.clicks
    flat = labels.ravel()
    order = np.argsort(flat, kind="stable")
    values, starts, sizes = np.unique(flat[order], return_index=True, return_counts=True)
    clickable = np.flatnonzero((values > 0) & (sizes >= LEAST_CELLS))
    background = np.flatnonzero((values == 0) & (sizes >= LEAST_CELLS))
    if not clickable.size:
        return np.zeros(count, np.int64), np.ones(count, np.int16), np.zeros(count, np.float32)
    chosen = clickable[rng.integers(clickable.size, size=count)]
    weights = np.ones(count, np.float32)
    if kind is Kind.SINGLE and background.size:
        outside = rng.random(count) < options.background
        chosen = np.where(outside, background[0], chosen)
        weights = np.where(outside, options.background_weight, weights).astype(np.float32)
    within = (rng.random(count) * sizes[chosen]).astype(np.int64)
    return order[starts[chosen] + within], values[chosen].astype(np.int16), weights
