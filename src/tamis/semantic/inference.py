"""From an image to a class for every pixel, as mmsegmentation's published figures are made.

Logits are always resized to the size of the original image before the largest is taken; taking it first and resizing
the classes would lose what lies between two pixels.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from tamis.errors import InputError
from tamis.semantic.data.dataset import Pixels
from tamis.semantic.data.pipeline import validation_resize
from tamis.semantic.data.transforms import normalise
from tamis.semantic.networks.losses import resized

SEVERAL_SCALES = (0.5, 0.75, 1.0, 1.25, 1.5, 1.75)
"""mmsegmentation's `ms+flip`; factors of the original image, not of the resized one."""


@dataclass(frozen=True, slots=True)
class InferenceSettings:
    """How an image is looked at."""

    scale: tuple[int, int] = (2048, 512)
    """Bounds for the long and the short side of the resized image."""
    mode: Literal["whole", "slide"] = "whole"
    window: int = 512
    """Of `slide`: pixels on each side."""
    stride: int = 341
    """Of `slide`: pixels from one window to the next."""
    divisor: int = 1
    """Sides are padded at the right and below to multiples of this, and the padding is cut off the logits."""
    several: bool = False
    """Whether to average over `SEVERAL_SCALES` and over mirrored images."""


def logits_of(network: nn.Module, image: Pixels, settings: InferenceSettings, device: torch.device) -> Tensor:
    """(C, H, W) float32 logits of an image at its own size, looked at once.

    Args:
        network: from (1, 3, h, w) images to (1, C, h', w') logits, in the mode for inference.
        image: (H, W, 3) uint8 BGR.
        settings: `several` is not used.
        device: where the network is.
    """
    return _once(network, image, validation_resize(image, settings.scale), settings, device)


def scores_of(network: nn.Module, image: Pixels, settings: InferenceSettings, device: torch.device) -> Tensor:
    """(C, H, W) float32 whose largest is the answer: logits, or with `several` the mean of soft-maxed logits."""
    if not settings.several:
        return logits_of(network, image, settings, device)
    height, width = image.shape[:2]
    total: Tensor | None = None
    for factor in SEVERAL_SCALES:
        small = validation_resize(image, (int(width * factor + 0.5), int(height * factor + 0.5)))
        for mirrored in (False, True):
            seen = np.ascontiguousarray(small[:, ::-1]) if mirrored else small
            logits = _once(network, image, seen, settings, device)
            share = (logits.flip(-1) if mirrored else logits).softmax(0)
            total = share if total is None else total + share
    assert total is not None
    return total / (2 * len(SEVERAL_SCALES))


def predict(network: nn.Module, image: Pixels, settings: InferenceSettings, device: torch.device) -> Pixels:
    """(H, W) uint8: the class of every pixel of an image."""
    answer: NDArray[np.uint8] = scores_of(network, image, settings, device).argmax(0).to(torch.uint8).cpu().numpy()
    return answer


@torch.no_grad()
def _once(network: nn.Module, image: Pixels, seen: Pixels, settings: InferenceSettings, device: torch.device) -> Tensor:
    height, width = seen.shape[:2]
    pixels = torch.from_numpy(normalise(seen))[None].to(device)
    padded = F.pad(pixels, (0, -width % settings.divisor, 0, -height % settings.divisor))
    if settings.mode == "whole":
        logits = whole(network, padded)
    else:
        logits = slide(network, padded, settings.window, settings.stride)
    return resized(logits[:, :, :height, :width], (image.shape[0], image.shape[1]))[0]


def whole(network: nn.Module, images: Tensor) -> Tensor:
    """(B, C, H, W) logits of (B, 3, H, W) images, seen in one piece."""
    return resized(network(images), (images.shape[-2], images.shape[-1]))


def slide(network: nn.Module, images: Tensor, window: int, stride: int) -> Tensor:
    """(B, C, H, W) logits of images seen through windows that overlap; where they do, the mean of their logits.

    Raises:
        InputError: windows so far apart that pixels between them are not seen.
    """
    if not 0 < stride <= window:
        raise InputError(f"a stride of {stride} for windows of {window} pixels leaves gaps: give at most {window}")
    height, width = images.shape[-2:]
    total: Tensor | None = None
    seen = images.new_zeros((1, 1, height, width))
    for top in window_starts(height, window, stride):
        for left in window_starts(width, window, stride):
            rows, columns = slice(top, min(top + window, height)), slice(left, min(left + window, width))
            logits = whole(network, images[:, :, rows, columns])
            if total is None:
                total = logits.new_zeros((len(images), logits.shape[1], height, width))
            total[:, :, rows, columns] += logits
            seen[:, :, rows, columns] += 1
    assert total is not None
    return total / seen


def window_starts(length: int, window: int, stride: int) -> list[int]:
    """Where windows begin along a side: every `stride` pixels, the last one moved back inside."""
    count = max(length - window + stride - 1, 0) // stride + 1
    return [max(min(i * stride, length - window), 0) for i in range(count)]
