"""How a photograph comes to the square that a model sees, and its masks back: padded (SAM) or squashed (SAM 2).

Held against the original packages, segment-anything 1.0 and sam2 1.1, by the tests. A model sees `side` × `side` pixels
and answers with `low` × `low` logits.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ImageArray

OUTSIDE = np.float32(-10)
"""The logit of what is surely not in a mask."""


class Geometry(Protocol):
    """One way into the square and back."""

    @property
    def side(self) -> int:
        """Pixels along each side of the square."""
        ...

    def square(self, image: ImageArray) -> NDArray[np.float32]:
        """(3, side, side) float32, normalised, for an (H, W, 3) uint8 RGB image."""
        ...

    def points(self, points: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.float32]:
        """(..., 2) float32 (x, y) in the square for points in pixels of an image of (height, width) `shape`.

        The models count from pixel centres: what tamis calls (.5, .5), the middle of the first pixel, is their (0, 0).
        As their own programs do, the point is scaled in their convention.
        """
        ...

    def full(self, logits: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.float32]:
        """(H, W) float32 logits at the original size for (low, low), by bilinear interpolation."""
        ...

    def own(self, logits: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.float32]:
        """(N, h, w) float32 for (N, low, low): what of the model's own resolution covers the image."""
        ...

    def low(self, logits: NDArray[np.float32], size: int) -> NDArray[np.float32]:
        """(size, size) float32 for (H, W) logits of the image: the way of a mask into a model."""
        ...


@dataclass(frozen=True)
class Padded:
    """The longer side becomes `side`, and black is added below or to the right: SAM and SAM-HQ.

    Attributes:
        side: of the square.
        mean: of the three channels, 0 to 255.
        std: of the three channels, 0 to 255.
    """

    side: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def inside(self, shape: tuple[int, int]) -> tuple[int, int]:
        """(height, width) of the image within the square."""
        scale = self.side / max(shape)
        height, width = (max(1, int(length * scale + 0.5)) for length in shape)
        return height, width

    def square(self, image: ImageArray) -> NDArray[np.float32]:
        """Resized in 8 bits by Pillow's bilinear filter, normalised, then padded: padding is 0, not black."""
        from PIL import Image

        height, width = self.inside((image.shape[0], image.shape[1]))
        small = Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR)
        square = np.zeros((3, self.side, self.side), np.float32)
        square[:, :height, :width] = _normalised(np.asarray(small, np.float32), self.mean, self.std)
        return square

    def points(self, points: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.float32]:
        """Scaled by the ratio of the sizes, each side by its own since both are whole numbers of pixels."""
        height, width = self.inside(shape)
        return np.asarray((points - 0.5) * (width / shape[1], height / shape[0]), np.float32)

    def full(self, logits: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.float32]:
        """First to the square, then without the padding to the original size."""
        height, width = self.inside(shape)
        return _resized(_resized(logits, (self.side, self.side))[:height, :width], shape)

    def own(self, logits: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.float32]:
        """Cut out of the square, a pixel of the answer for each one that the image touches."""
        height, width = self.inside(shape)
        cell = self.side / logits.shape[-1]
        size = int(np.ceil(height / cell)), int(np.ceil(width / cell))
        parts = [_resized(_resized(low, (self.side, self.side))[:height, :width], size) for low in logits]
        return np.stack(parts) if parts else np.zeros((0, *size), np.float32)

    def low(self, logits: NDArray[np.float32], size: int) -> NDArray[np.float32]:
        """Padded with what is surely outside."""
        import cv2

        height, width = self.inside((logits.shape[0], logits.shape[1]))
        square = np.full((self.side, self.side), OUTSIDE, np.float32)
        square[:height, :width] = _resized(logits, (height, width))
        return np.asarray(cv2.resize(square, (size, size), interpolation=cv2.INTER_AREA), np.float32)


@dataclass(frozen=True)
class Squashed:
    """Both sides become `side`, whatever their ratio: SAM 2, EdgeTAM and SAM 3.

    Attributes:
        side: of the square.
        mean: of the three channels, 0 to 255.
        std: of the three channels, 0 to 255.
    """

    side: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def square(self, image: ImageArray) -> NDArray[np.float32]:
        """Resized in floating point by Pillow's bilinear filter, which is torch's with antialiasing.

        SAM 3's own program rounds to 8 bits in between: half a grey level of difference at most.
        """
        from PIL import Image

        channels = [
            np.asarray(
                Image.fromarray(image[..., channel].astype(np.float32)).resize(
                    (self.side, self.side), Image.Resampling.BILINEAR
                )
            )
            for channel in range(3)
        ]
        return _normalised(np.stack(channels, axis=-1), self.mean, self.std)

    def points(self, points: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.float32]:
        """Scaled by the ratio of the sizes."""
        return np.asarray((points - 0.5) * (self.side / shape[1], self.side / shape[0]), np.float32)

    def full(self, logits: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.float32]:
        """At once to the original size."""
        return _resized(logits, shape)

    def own(self, logits: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.float32]:
        """As they are: the answer covers the image."""
        return logits

    def low(self, logits: NDArray[np.float32], size: int) -> NDArray[np.float32]:
        """By averaging."""
        import cv2

        return np.asarray(cv2.resize(logits, (size, size), interpolation=cv2.INTER_AREA), np.float32)


def _normalised(
    pixels: NDArray[np.float32], mean: tuple[float, float, float], std: tuple[float, float, float]
) -> NDArray[np.float32]:
    """(3, h, w) for (h, w, 3) of 0 to 255."""
    normal = (pixels - np.array(mean, np.float32)) / np.array(std, np.float32)
    return np.ascontiguousarray(normal.transpose(2, 0, 1), np.float32)


def _resized(values: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.float32]:
    """Bilinear without antialiasing, as torch's interpolate with align_corners=False."""
    import cv2

    return np.asarray(cv2.resize(values, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR), np.float32)
