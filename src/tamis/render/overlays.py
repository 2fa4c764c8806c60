"""Pictures of results for people to look at."""

import colorsys
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ImageArray, LabelArray, MaskArray, ProbabilityArray
from tamis.clicks import Click
from tamis.mask import Masks, boundaries, label_map

ROWS_AT_ONCE = 256
"""Rows painted together: bounds memory on huge images."""


def overlay(image: ImageArray, masks: Masks, strength: float = 0.55) -> ImageArray:
    """An image with every mask in a colour of its own, smaller masks on top, and thin outlines.

    Args:
        image: (H, W, 3) uint8 RGB.
        masks: of the same size; the same masks in the same order get the same colours.
        strength: 0 shows the image, 1 flat colours.
    """
    return painted(image, label_map(masks), strength)


def painted(image: ImageArray, labels: LabelArray, strength: float = 0.55) -> ImageArray:
    """The same of a label map (H, W): 0 where there is no mask, otherwise the number of a mask, from 1."""
    colours = np.concatenate([np.zeros((1, 3)), palette(int(labels.max()))]).astype(np.float32)
    result = np.empty_like(image)
    for first in range(0, len(image), ROWS_AT_ONCE):
        rows = slice(first, first + ROWS_AT_ONCE)
        ground = image[rows].astype(np.float32)
        share = np.float32(strength) * (labels[rows] > 0)[..., None]
        result[rows] = (ground + (colours[labels[rows]] - ground) * share).round()
    result[boundaries(labels)] = 255
    return result


def cut_out(image: ImageArray, mask: MaskArray, clicks: Sequence[Click] = ()) -> ImageArray:
    """An image whose mask keeps its colours while the rest fades, with the outline and the clicks drawn.

    Args:
        image: (H, W, 3) uint8 RGB.
        mask: (H, W) bool.
        clicks: drawn as dots, green where positive and red where negative.
    """
    import cv2

    grey = image.mean(axis=2, keepdims=True)
    shown = np.where(mask[..., None], image, 0.35 * grey + 130).astype(np.uint8)
    size = max(image.shape[:2])
    border = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    if size > 1000:
        border = cv2.dilate(border, np.ones((size // 500, size // 500), np.uint8))
    shown[border > 0] = (255, 140, 0)
    for click in clicks:
        row, column = click.pixel
        radius = max(4, size // 90)
        cv2.circle(shown, (column, row), radius, (255, 255, 255), -1, cv2.LINE_AA)
        colour = (20, 160, 60) if click.positive else (210, 40, 40)
        cv2.circle(shown, (column, row), max(2, radius * 2 // 3), colour, -1, cv2.LINE_AA)
    return shown


def outlined(picture: ImageArray, mask: MaskArray) -> ImageArray:
    """A picture (H, W, 3) with the outline of a mask (H, W) in blue."""
    import cv2

    width = max(2, max(mask.shape) // 250)
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    return np.asarray(cv2.drawContours(picture.copy(), contours, -1, (40, 110, 230), width), dtype=np.uint8)


def heat(probability: ProbabilityArray) -> NDArray[np.uint8]:
    """(H, W) uint8: a probability of 1 as 255."""
    return np.asarray(np.round(np.clip(probability, 0, 1) * 255), dtype=np.uint8)


def palette(count: int) -> NDArray[np.uint8]:
    """(count, 3) uint8 RGB: colours that stay apart; the first ones do not depend on how many there are."""
    # Steps of the golden angle never fall together; lightness and saturation alternate so that neighbours differ too.
    colours = [
        colorsys.hsv_to_rgb((0.58 + i * 0.618034) % 1, (0.85, 0.6, 0.75)[i % 3], (0.95, 1.0, 0.75)[i // 3 % 3])
        for i in range(count)
    ]
    return np.round(np.array(colours).reshape(count, 3) * 255).astype(np.uint8)
