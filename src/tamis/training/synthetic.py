"""Scenes made up, with exact masks: textured shapes on a textured ground."""

import cv2
import numpy as np

from tamis.arrays import ImageArray
from tamis.datasets.supervision import Kind
from tamis.training.photographs import Int16Map, Photograph


def synthetic_photographs(count: int) -> list[Photograph]:
    """So many scenes, always the same."""
    return [synthetic_photograph(np.random.default_rng(number), name=str(number)) for number in range(count)]


def synthetic_photograph(rng: np.random.Generator, size: int = 256, shapes: int = 6, name: str = "") -> Photograph:
    """Between one and `shapes` smooth shapes over each other, each with its own colours and texture.

    Args:
        rng: source of randomness.
        size: side in pixels.
        shapes: at most.
        name: of the photograph.
    """
    image = _texture(rng, size)
    labels: Int16Map = np.ones((size, size), np.int16)
    for label in range(2, 2 + int(rng.integers(1, shapes + 1))):
        inside = _shape(rng, size)
        image = np.where(inside[:, :, None], _texture(rng, size), image)
        labels = np.where(inside, np.int16(label), labels).astype(np.int16)
    noisy = cv2.GaussianBlur(image, (3, 3), 0) + rng.normal(0, rng.uniform(0, 8), image.shape)
    pixels: ImageArray = np.clip(noisy, 0, 255).astype(np.uint8)
    return Photograph("synthetic", name, Kind.PARTITION, pixels, (labels,))


def _texture(rng: np.random.Generator, size: int) -> np.ndarray:
    """(size, size, 3) float32: smooth noise of one of several grains between two colours, under a slope of light."""
    grain = int(rng.choice([3, 6, 12, 32]))
    noise = cv2.resize(rng.random((grain, grain)).astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC)
    first, second = rng.uniform(0, 255, 3), rng.uniform(0, 255, 3)
    second = first + (second - first) * rng.uniform(0.05, 0.5)
    slope = 1 + rng.uniform(-0.3, 0.3) * np.linspace(-1, 1, size)[:, None]
    return ((first + (second - first) * noise[:, :, None]) * slope[:, :, None]).astype(np.float32)


def _shape(rng: np.random.Generator, size: int) -> np.ndarray:
    """(size, size) bool: a star-shaped outline with a few waves, filled."""
    angles = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    radius = np.ones_like(angles)
    for waves in range(1, 6):
        radius += rng.normal(0, 0.25 / waves) * np.cos(waves * angles + rng.uniform(0, 2 * np.pi))
    radius = np.clip(radius, 0.2, 2) * size * rng.uniform(0.06, 0.3)
    stretch = np.exp(rng.uniform(-0.6, 0.6))
    x = rng.uniform(0, size) + radius * np.cos(angles) * stretch
    y = rng.uniform(0, size) + radius * np.sin(angles) / stretch
    mask = np.zeros((size, size), np.uint8)
    cv2.fillPoly(mask, [np.stack([x, y], axis=1).astype(np.int32)], (1,))
    return mask > 0
