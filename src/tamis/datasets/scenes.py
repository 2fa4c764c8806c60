"""Small scenes with exact masks, made up by a seeded generator."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ImageArray, MaskArray
from tamis.datasets.protocol import Target


@dataclass(frozen=True)
class Scene:
    """A picture of textured shapes on a textured ground.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        labels: (H, W) uint8, 0 for the ground, then one for each shape, in the order in which they cover each other.
    """

    image: ImageArray
    labels: NDArray[np.uint8]

    @property
    def shapes(self) -> list[int]:
        """The labels of shapes that can be seen."""
        return [int(label) for label in np.unique(self.labels) if label]

    def mask(self, label: int) -> MaskArray:
        """(H, W) bool, what can be seen of a shape."""
        return np.asarray(self.labels == label)


@dataclass(frozen=True)
class ExpectedSample:
    """What a reader must find.

    Attributes:
        name: of the sample.
        targets: its targets, in the order in which they are read.
        image: (H, W, 3) uint8 RGB, before it was compressed.
    """

    name: str
    targets: tuple[Target, ...]
    image: ImageArray


def make_scene(generator: np.random.Generator, shape: tuple[int, int] = (72, 96), count: int = 4) -> Scene:
    """A scene: discs, rings, boxes and triangles of different colours and stripes, and a noisy ground.

    Args:
        generator: where chance comes from; the same state gives the same scene.
        shape: (H, W) in pixels.
        count: of shapes; later ones cover earlier ones, which stay visible.
    """
    labels = np.zeros(shape, np.uint8)
    label = 0
    while label < count:
        covered = labels.copy()
        covered[_shape(generator, shape, kind=label % 4)] = label + 1
        # A shape that hides another, or hides itself beyond the border, is drawn anew.
        if all((covered == k).sum() >= 16 for k in range(label + 2)):
            labels, label = covered, label + 1
    return Scene(_painted(generator, labels, count), labels)


def make_scenes(count: int, seed: int = 0) -> list[Scene]:
    """Scenes of different sizes, upright and lying; the same seed gives the same scenes."""
    generator = np.random.default_rng(seed)
    return [make_scene(generator, ((72, 96), (96, 72), (80, 80))[k % 3], count=2 + k % 4) for k in range(count)]


def _shape(generator: np.random.Generator, shape: tuple[int, int], kind: int) -> MaskArray:
    height, width = shape
    rows, columns = np.mgrid[:height, :width]
    y, x = generator.uniform(0.2, 0.8) * height, generator.uniform(0.2, 0.8) * width
    size = generator.uniform(0.12, 0.24) * min(shape)
    distance = np.hypot(rows - y, columns - x)
    if kind == 0:
        return np.asarray(distance < size)
    if kind == 1:
        return np.asarray((np.abs(rows - y) < size) & (np.abs(columns - x) < 1.4 * size))
    if kind == 2:
        return np.asarray((distance < 1.3 * size) & (distance > 0.6 * size))
    return np.asarray((rows < y + size) & (rows > y - size + 2 * np.abs(columns - x)))


def _painted(generator: np.random.Generator, labels: NDArray[np.uint8], count: int) -> ImageArray:
    rows, columns = np.mgrid[: labels.shape[0], : labels.shape[1]]
    colours = generator.uniform(40, 215, (count + 1, 3))
    angles, waves = generator.uniform(0, np.pi, count + 1), generator.uniform(0.3, 1.2, count + 1)
    phase = (np.cos(angles)[labels] * rows + np.sin(angles)[labels] * columns) * waves[labels]
    light = 24 * np.sin(phase) + generator.normal(0, 4, labels.shape)
    return np.asarray(np.clip(colours[labels] + light[..., None], 0, 255), np.uint8)
