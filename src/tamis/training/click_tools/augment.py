"""The augmentations of SegNext's training, with masks that stay where the image is.

Source: `train_augmentator` of uncbiag/SegNext, segnext/models/default/plainvit_base1024_cocolvis_sax2.py. There every
step resamples image and masks once more, and OpenCV's nearest neighbour takes the pixel to the upper left, so that
masks move by up to a pixel towards the lower right, which ClickSEG's authors report to matter. Here all steps are one
map of the plane: the image is read along it bilinearly, and each mask at the pixel that holds the point.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ImageArray
from tamis.training.click_tools.scene import Scene

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How far an image may be changed.

    Attributes:
        scale: of the image, which blurs it; the frame undoes its size.
        turns: whether it may be mirrored and turned by quarters.
        shift: of its sides.
        rotate: degrees.
        brightness: added, as a share of white.
        contrast: the factor less one.
        colour: grey levels added to each channel.
        often: probability of shift and rotation, of brightness and contrast, and of the colours.
    """

    scale: tuple[float, float] = (0.75, 1.40)
    turns: bool = True
    shift: float = 0.03
    rotate: float = 3.0
    brightness: tuple[float, float] = (-0.25, 0.25)
    contrast: tuple[float, float] = (-0.15, 0.40)
    colour: float = 10.0
    often: float = 0.75


def augmented(scene: Scene, side: int, how: Augmentation, rng: np.random.Generator) -> Scene:
    """A changed copy whose longer side is `side`, in the upper left of a square of zeros.

    Args:
        scene: of any size.
        side: of the square.
        how: far.
        rng: source of randomness.
    """
    blurred, (height, width) = _blurred(scene.image, rng.uniform(*how.scale)), scene.image.shape[:2]
    back, shape = inverse_map((height, width), side, how, rng)
    image = read_along(blurred, back, shape, (height, width))
    image = _coloured(image, how, rng)
    layers = tuple(nearest_along(layer, back, shape) for layer in scene.layers)
    unknown = None if scene.unknown is None else framed(nearest_along(scene.unknown, back, shape), side)
    return replace(
        scene,
        image=framed(image, side),
        layers=tuple(framed(layer, side) for layer in layers),
        unknown=unknown,
    )


def inverse_map(
    shape: tuple[int, int], side: int, how: Augmentation, rng: np.random.Generator
) -> tuple[Matrix, tuple[int, int]]:
    """(3, 3) from points of the changed image to points of the original, and the changed image's (height, width).

    Points are (x, y, 1) with the origin at the corner of the first pixel, so that a pixel's centre is at halves.
    """
    height, width = shape
    forward = np.eye(3)
    if how.turns and rng.random() < 0.5:
        across, down = ((1, 0), (0, 1), (1, 1))[rng.integers(3)]
        forward = _matrix(-1 if across else 1, 0, width * across, 0, -1 if down else 1, height * down) @ forward
    if how.turns and rng.random() < 0.5:
        for _ in range(int(rng.integers(4))):  # anticlockwise: (x, y) → (y, width - x)
            forward = _matrix(0, 1, 0, -1, 0, width) @ forward
            height, width = width, height
    if rng.random() < how.often:
        angle = np.deg2rad(rng.uniform(-how.rotate, how.rotate))
        cosine, sine = np.cos(angle), np.sin(angle)
        x, y = width / 2, height / 2
        to_x, to_y = x + rng.uniform(-how.shift, how.shift) * width, y + rng.uniform(-how.shift, how.shift) * height
        turned = _matrix(cosine, sine, 0, -sine, cosine, 0)
        forward = _matrix(1, 0, to_x, 0, 1, to_y) @ turned @ _matrix(1, 0, -x, 0, 1, -y) @ forward
    ratio = side / max(height, width)
    final = (side, max(1, round(width * ratio))) if height > width else (max(1, round(height * ratio)), side)
    forward = _matrix(final[1] / width, 0, 0, 0, final[0] / height, 0) @ forward
    return np.asarray(np.linalg.inv(forward)), final


def read_along(image: ImageArray, back: Matrix, shape: tuple[int, int], of: tuple[int, int]) -> ImageArray:
    """(h, w, 3) uint8: the image, which may be the original of size `of` resized, along a map; black outside."""
    import cv2

    resized = _matrix(image.shape[1] / of[1], 0, 0, 0, image.shape[0] / of[0], 0)
    # OpenCV counts from pixel centres.
    counted = _matrix(1, 0, -0.5, 0, 1, -0.5) @ resized @ back @ _matrix(1, 0, 0.5, 0, 1, 0.5)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(image, counted[:2], (shape[1], shape[0]), flags=flags), np.uint8)


def nearest_along(values: NDArray[Any], back: Matrix, shape: tuple[int, int]) -> NDArray[Any]:
    """(h, w): of each pixel's centre the value of the pixel that holds it in the original; 0 outside."""
    x, y = np.arange(shape[1]) + 0.5, np.arange(shape[0]) + 0.5
    columns = back[0, 0] * x[None] + back[0, 1] * y[:, None] + back[0, 2]
    rows = back[1, 0] * x[None] + back[1, 1] * y[:, None] + back[1, 2]
    height, width = values.shape
    inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    row = np.clip(rows, 0, height - 1).astype(np.intp)
    column = np.clip(columns, 0, width - 1).astype(np.intp)
    return np.where(inside, values[row, column], np.zeros((), values.dtype))


def framed(values: NDArray[Any], side: int) -> NDArray[Any]:
    """In the upper left of a square of zeros."""
    made = np.zeros((side, side, *values.shape[2:]), values.dtype)
    made[: values.shape[0], : values.shape[1]] = values
    return made


def _blurred(image: ImageArray, scale: float) -> ImageArray:
    import cv2

    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def _coloured(image: ImageArray, how: Augmentation, rng: np.random.Generator) -> ImageArray:
    changed = image.astype(np.float32)
    if rng.random() < how.often:
        factor, more = 1 + rng.uniform(*how.contrast), 255 * rng.uniform(*how.brightness)
        changed = np.clip(changed * factor + more, 0, 255)
    if rng.random() < how.often:
        changed = np.clip(changed + rng.uniform(-how.colour, how.colour, 3), 0, 255)
    return changed.astype(np.uint8)


def _matrix(a: float, b: float, c: float, d: float, e: float, f: float) -> Matrix:
    return np.array([[a, b, c], [d, e, f], [0, 0, 1]], np.float64)
