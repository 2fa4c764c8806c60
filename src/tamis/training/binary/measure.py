"""How good a network of one concept is on a test set: the table of the research's notes, and IoU."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from tamis.arrays import ImageArray, MaskArray
from tamis.datasets.protocol import Sample
from tamis.mask.iou import iou_of
from tamis.training.binary.data import read, squared, tensor_of

ALPHA, GAMMA = 0.25, 2.0
"""torchvision's defaults of `sigmoid_focal_loss` (Lin et al., ICCV 2017)."""

Answer = Callable[[Tensor], Tensor]
"""From (N, 3, H, W) images to (N, 1, H, W) logits."""


def focal_loss(logits: Tensor, wanted: Tensor) -> Tensor:
    """The mean of the sigmoid focal loss.

    Args:
        logits: any shape.
        wanted: the same shape, 0 or 1.
    """
    entropy = functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    right = torch.sigmoid(logits) * (2 * wanted - 1) + (1 - wanted)
    weight = ALPHA * wanted + (1 - ALPHA) * (1 - wanted)
    return (weight * (1 - right) ** GAMMA * entropy).mean()


@dataclass(frozen=True)
class BinaryScores:
    """Of one image.

    Attributes:
        loss: focal.
        mae, mse: of logits and the mask of 0 and 1, as the notes' table has them.
        mae_probability, mse_probability: of probabilities and the mask.
        iou: at threshold .5.
    """

    loss: float
    mae: float
    mse: float
    mae_probability: float
    mse_probability: float
    iou: float


def measured(logits: Tensor, wanted: MaskArray) -> BinaryScores:
    """Compare (H, W) logits with a mask (H, W)."""
    truth = torch.from_numpy(wanted.astype(np.float32))
    apart, apart_probability = logits - truth, torch.sigmoid(logits) - truth
    return BinaryScores(
        float(focal_loss(logits, truth)),
        float(apart.abs().mean()),
        float(apart.square().mean()),
        float(apart_probability.abs().mean()),
        float(apart_probability.square().mean()),
        iou_of((logits > 0).numpy(), wanted),
    )


def at_size(answer: Answer, image: ImageArray, wanted: MaskArray, size: int) -> BinaryScores:
    """At the size of training: image and mask are squashed."""
    small, mask = squared(image, wanted, size)
    return measured(answer(small[None])[0, 0], mask[0].numpy() > 0.5)


def at_actual_size(answer: Answer, image: ImageArray, wanted: MaskArray, size: int) -> tuple[BinaryScores, MaskArray]:
    """At the image's own size: the answer to the squashed image is brought there; also the mask."""
    small, _ = squared(image, wanted, size)
    logits = functional.interpolate(answer(small[None]), size=wanted.shape, mode="bilinear", align_corners=False)[0, 0]
    return measured(logits, wanted), (logits > 0).numpy()


def looked_at_whole(answer: Answer, image: ImageArray, wanted: MaskArray) -> BinaryScores:
    """The network looks at the image as it is."""
    return measured(answer(tensor_of(image)[None])[0, 0], wanted)


def table(
    answer: Answer, samples: Sequence[Sample], size: int, keep: Callable[[str, MaskArray], None]
) -> Iterator[dict[str, Any]]:
    """One row for each test image, as it is done.

    Args:
        answer: the network.
        samples: of the test set.
        size: of training.
        keep: is given the name and the mask of each.
    """
    for sample in samples:
        image, wanted = read(sample)
        with torch.no_grad():
            actual, mask = at_actual_size(answer, image, wanted, size)
            ways = {"square": at_size(answer, image, wanted, size), "actual": actual}
            ways["whole"] = looked_at_whole(answer, image, wanted)
        keep(sample.name, mask)
        yield {"image": sample.name, **{way: vars(found) for way, found in ways.items()}}


def means(rows: Sequence[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Over images, of each way."""
    ways = [name for name in rows[0] if name != "image"] if rows else []
    return {
        way: {key: round(float(np.mean([row[way][key] for row in rows])), 6) for key in rows[0][way]} for way in ways
    }
