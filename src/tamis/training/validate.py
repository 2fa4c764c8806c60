"""mIoU@1 during training: one uniform random click per mask, threshold .5, at the photograph's resolution."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from tamis.arrays import ImageArray, MaskArray, ProbabilityArray
from tamis.clicks import random_click
from tamis.segmentors.embedded_sizes import WORKING_SIZE, working_shape
from tamis.training.networks import PixelNetwork, click_logits
from tamis.training.photographs import Photograph

LEAST_PIXELS = 256
"""Masks smaller than 16 × 16 pixels are skipped, as in the published protocol."""

Answer = Callable[[tuple[int, int]], ProbabilityArray]
"""From a clicked (row, column) to (H, W) probabilities."""
Encode = Callable[[ImageArray], Answer]


class PixelAnswers:
    """Answers of the pixel network alone, at stride 4, enlarged bilinearly."""

    def __init__(self, network: PixelNetwork, device: torch.device, size: int = WORKING_SIZE) -> None:
        self.network, self.device, self.size = network, device, size

    def __call__(self, image: ImageArray) -> Answer:
        """Encode an image; the result answers clicks."""
        shape = image.shape[0], image.shape[1]
        height, width = working_shape(shape, self.size)
        small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        pixels = torch.from_numpy(small).to(self.device).permute(2, 0, 1)[None].float().div(255)
        with torch.no_grad():
            outputs = self.network(pixels.contiguous(memory_format=torch.channels_last))

        def answer(pixel: tuple[int, int]) -> ProbabilityArray:
            row, column = pixel[0] * (height // 4) // shape[0], pixel[1] * (width // 4) // shape[1]
            cell = torch.tensor([[row * (width // 4) + column]], device=self.device)
            with torch.no_grad():
                logits = click_logits(outputs, self.network.margin, cell).view(height // 4, width // 4)
            enlarged = cv2.resize(logits.float().cpu().numpy(), shape[::-1], interpolation=cv2.INTER_LINEAR)
            return np.asarray(1 / (1 + np.exp(-enlarged)), dtype=np.float32)

        return answer


def masks_of(photograph: Photograph) -> Iterator[MaskArray]:
    """Every mask of at least 256 pixels of every annotator."""
    for labels in photograph.maps:
        values, counts = np.unique(labels, return_counts=True)
        for value in values[(values > 0) & (counts >= LEAST_PIXELS)]:
            yield labels == value


def click_ious(encode: Encode, photograph: Photograph, repeats: int, seed: int = 0) -> NDArray[np.float64]:
    """(masks × repeats,) IoU of one random click each; the clicks depend on seed and name of the photograph alone."""
    answer = encode(photograph.image)
    rng = np.random.default_rng([seed, *photograph.name.encode()])
    scores = []
    for mask in masks_of(photograph):
        for _ in range(repeats):
            predicted = answer(random_click(mask, rng).pixel) > 0.5
            scores.append(np.count_nonzero(predicted & mask) / np.count_nonzero(predicted | mask))
    return np.array(scores)


def measure(encode: Encode, photographs: Sequence[Photograph], repeats: int = 3, seed: int = 0) -> dict[str, float]:
    """Mean IoU per data set, over all its masks and repeats, and their mean over data sets as `miou`."""
    scores: dict[str, list[NDArray[np.float64]]] = {}
    for photograph in photographs:
        scores.setdefault(photograph.dataset, []).append(click_ious(encode, photograph, repeats, seed))
    means = {name: round(float(np.concatenate(each).mean()), 4) for name, each in scores.items()}
    return {"miou": round(float(np.mean(list(means.values()))), 4), **means}


def picture_of_clicks(encode: Encode, photographs: Sequence[Photograph], file: Path, seed: int = 0) -> None:
    """A sheet: per photograph one row of it and the answers of three clicks, clicked pixel marked, mask tinted."""
    rng = np.random.default_rng(seed)
    rows = []
    for photograph in photographs:
        answer = encode(photograph.image)
        tiles = [photograph.image]
        for _ in range(3):
            pixel = int(rng.integers(photograph.image.shape[0])), int(rng.integers(photograph.image.shape[1]))
            inside = answer(pixel)[:, :, None]
            tinted = photograph.image * (0.35 + 0.65 * inside) + inside * np.array([0, 60, 0])
            tile = np.clip(tinted, 0, 255).astype(np.uint8)
            tiles.append(cv2.circle(tile, (pixel[1], pixel[0]), 4, (255, 0, 0), -1).astype(np.uint8))
        rows.append(np.concatenate([cv2.resize(tile, (224, 168)) for tile in tiles], axis=1))
    cv2.imwrite(str(file), np.concatenate(rows)[:, :, ::-1])
