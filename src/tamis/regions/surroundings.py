"""What is around every pixel: colours as they are and blurred, slopes and ridges of lightness."""

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ImageArray

SCALES = (1.0, 2.5, 6.0, 15.0)
"""Pixels, of the blurs through which colours are seen."""

EDGES = (1.0, 2.0, 4.0)
"""The same, through which edges are."""

CHANNELS = 3 * (1 + len(SCALES)) + 3 * len(EDGES)


def surroundings(photo: ImageArray) -> NDArray[np.float32]:
    """(H, W, CHANNELS) float32 of an image (H, W, 3) uint8 RGB: CIELAB in twentieths, and edges of the lightness."""
    import cv2

    lab = cv2.cvtColor(photo.astype(np.float32) / 255, cv2.COLOR_RGB2LAB) / np.float32(20)
    parts = [lab, *(cv2.GaussianBlur(lab, (0, 0), sigma) for sigma in SCALES)]
    for sigma in EDGES:
        light = cv2.GaussianBlur(lab[..., 0], (0, 0), sigma) * np.float32(sigma / 2)
        across, down = cv2.Sobel(light, cv2.CV_32F, 1, 0), cv2.Sobel(light, cv2.CV_32F, 0, 1)
        xx, yy = cv2.Sobel(light, cv2.CV_32F, 2, 0), cv2.Sobel(light, cv2.CV_32F, 0, 2)
        root = np.hypot((xx - yy) / 2, cv2.Sobel(light, cv2.CV_32F, 1, 1))
        parts.append(np.stack([np.hypot(across, down), (xx + yy) / 2 + root, (xx + yy) / 2 - root], axis=-1))
    return np.concatenate(parts, axis=-1)
