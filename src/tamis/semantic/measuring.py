"""Measuring a network on a dataset, and pictures of what it says."""

from collections.abc import Callable, Iterable

import cv2
import numpy as np
import torch
from torch import nn

from tamis.arrays import ImageArray
from tamis.semantic.data.class_tables import Palette
from tamis.semantic.data.dataset import IGNORE, BrokenFileError, BrokenFiles, Pixels, SemanticDataset, read_sample
from tamis.semantic.data.label_picture import coloured_labels
from tamis.semantic.inference import InferenceSettings, predict
from tamis.semantic.metrics import Confusion, confusion, nothing_yet

SHOWN = 4
"""Images in a picture of predictions."""
SHOWN_WIDTH = 320
TINT = 0.55
"""Share of the colour of a class in an overlay."""


def measure(
    network: nn.Module,
    dataset: SemanticDataset,
    settings: InferenceSettings,
    device: torch.device,
    indices: Iterable[int] | None = None,
    broken: BrokenFiles | None = None,
    on_image: Callable[[int], None] = lambda index: None,
) -> Confusion:
    """Compare the answers of a network with the labels of a dataset, at the labels' own size.

    Args:
        network: in the mode for inference.
        dataset: with as many classes.
        settings: how images are looked at.
        device: where the network is.
        indices: which samples; all by default.
        broken: gets the samples that cannot be read, which are then left out; without it they are errors.
        on_image: called after each.

    Raises:
        InputError: a file cannot be read, or labels do not fit.
    """
    total = nothing_yet(len(dataset.classes))
    for index in range(len(dataset)) if indices is None else indices:
        try:
            image, label = read_sample(dataset, index)
        except BrokenFileError as error:
            if broken is None:
                raise
            broken.note(index, error)
            continue
        total += confusion(predict(network, image, settings, device), label, len(dataset.classes))
        on_image(index)
    return total


def tinted(image: Pixels, label: Pixels, palette: Palette) -> ImageArray:
    """An image with its classes in their colours over it; ignored pixels stay as they are.

    Args:
        image: (H, W, 3) uint8 BGR.
        label: (H, W) uint8 class indices, 255 where ignored.
        palette: (C, 3) uint8 RGB.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    ground = image[:, :, ::-1]
    share = np.where(label == IGNORE, 0, TINT).astype(np.float32)[..., None]
    return np.asarray(
        (ground + (coloured_labels(label, palette) - ground.astype(np.float32)) * share).round(), np.uint8
    )


def picture_of_predictions(
    network: nn.Module, dataset: SemanticDataset, settings: InferenceSettings, device: torch.device
) -> ImageArray:
    """A sheet: for each of some images, evenly spaced over a dataset, the image, its labels and the prediction.

    Images that cannot be read are left out; without any the sheet is blank.
    """
    rows = []
    for index in np.linspace(0, len(dataset) - 1, min(SHOWN, len(dataset))).astype(int):
        try:
            image, label = read_sample(dataset, int(index))
        except BrokenFileError:
            continue  # named where the dataset is measured
        answer = predict(network, image, settings, device)
        tiles = [image[:, :, ::-1], coloured_labels(label, dataset.palette), coloured_labels(answer, dataset.palette)]
        height = round(image.shape[0] * SHOWN_WIDTH / image.shape[1])
        rows.append(
            np.concatenate(
                [cv2.resize(tile, (SHOWN_WIDTH, height), interpolation=cv2.INTER_AREA) for tile in tiles], axis=1
            )
        )
    return np.concatenate(rows) if rows else np.full((1, 3 * SHOWN_WIDTH, 3), 255, np.uint8)
