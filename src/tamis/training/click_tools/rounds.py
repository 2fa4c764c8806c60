"""One step of learning: clicks are corrected a few times without learning, and the last answer is learned from.

Source: `batch_forward` and `get_next_points` of uncbiag/SegNext, segnext/isegm/engine/trainer.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from tamis.arrays import MaskArray, ProbabilityArray
from tamis.segmentors.disks import Place, disks
from tamis.segmentors.plain_vit.network import SegNext
from tamis.training.click_tools.batches import Sample
from tamis.training.losses import level_line
from tamis.training.region_losses import BY_TARGET, Terms

NEXT_THRESHOLD = 0.49


@dataclass(frozen=True, eq=False)
class ForwardPass:
    """What a forward pass gave.

    Attributes:
        loss: () mean over the samples.
        iou: mean IoU of the last answers with the targets.
    """

    loss: Tensor
    iou: float


def learn(
    network: SegNext, samples: Sequence[Sample], rounds: int, terms: Terms, rng: np.random.Generator
) -> ForwardPass:
    """Answer, correct, and give the loss of the last answer, to be differentiated.

    Args:
        network: in training mode.
        samples: at least one.
        rounds: of corrective clicks before the answer that counts.
        terms: losses with their weights.
        rng: of the corrective clicks.
    """
    device = next(network.parameters()).device
    images = torch.from_numpy(np.stack([sample.image for sample in samples])).to(device).float() / 255
    features = network.encode(images)
    side = images.shape[-1]
    before = torch.zeros(len(samples), 1, side, side, device=device)
    clicks = [list(sample.clicks) for sample in samples]
    if rounds:
        network.eval()
        with torch.no_grad():
            for _ in range(rounds):
                before = torch.sigmoid(_answer(network, features, before, clicks)).float()
                for each, sample, answer in zip(clicks, samples, before[:, 0].cpu().numpy(), strict=True):
                    further = next_click(answer, sample.target, sample.weights, rng)
                    if further is not None:
                        each.append(further)
        network.train()
    logits = _answer(network, features, before, clicks)[:, 0].float().flatten(1)
    targets = _stacked([sample.target for sample in samples], device).flatten(1)
    weights = _stacked([sample.weights for sample in samples], device).flatten(1)
    total = logits.new_zeros(len(samples))
    for name, weight in terms:
        if name == "level":
            total = total + weight * level_line(logits, _nested(samples, device), weights)
        else:
            total = total + weight * BY_TARGET[name](logits, targets, weights)
    with torch.no_grad():
        masks, wanted, counted = logits > 0, targets > 0, weights > 0
        either = (counted & (masks | wanted)).sum(1).clamp_min(1)
        iou = float(((counted & masks & wanted).sum(1) / either).mean())
    return ForwardPass(total.mean(), iou)


def next_click(answer: ProbabilityArray, target: MaskArray, valid: MaskArray, rng: np.random.Generator) -> Place | None:
    """A click in the larger error, uniform over what is more than half as deep as its deepest pixel; None without one.

    As in SegNext, errors are as deep as OpenCV's 5 × 5 approximation says, and a tie gives a negative click.
    """
    import cv2

    missing = (target & (answer < NEXT_THRESHOLD) & valid).astype(np.uint8)
    surplus = (~target & (answer > NEXT_THRESHOLD) & valid).astype(np.uint8)
    depths = [cv2.distanceTransform(cv2.copyMakeBorder(each, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0),
                                    cv2.DIST_L2, 5)[1:-1, 1:-1] for each in (missing, surplus)]  # fmt: skip
    positive = depths[0].max() > depths[1].max()
    depth = depths[0 if positive else 1]
    found = np.flatnonzero(depth > max(float(depth.max()), 0.0) / 2)
    if not found.size:
        return None
    row, column = divmod(int(found[rng.integers(found.size)]), target.shape[1])
    return row, column, bool(positive)


def _answer(network: SegNext, features: Tensor, before: Tensor, clicks: Sequence[Sequence[Place]]) -> Tensor:
    """(B, 1, S, S) logits."""
    side, radius = before.shape[-1], network.shape.radius
    made = np.stack([disks(each, radius, (side, side)) for each in clicks])
    prompts = torch.cat([before, torch.from_numpy(made).to(before.device)], dim=1)
    logits = network.logits(features, prompts)
    return F.interpolate(logits, size=side, mode="bilinear", align_corners=True)


def _stacked(masks: Sequence[MaskArray], device: torch.device) -> Tensor:
    return torch.from_numpy(np.stack(masks)).to(device).float()


def _nested(samples: Sequence[Sample], device: torch.device) -> Tensor:
    """(B, J, S · S): the objects around each first click, or the target alone."""
    most = max(max(len(sample.nested), 1) for sample in samples)
    made = np.zeros((len(samples), most, samples[0].target.size), np.float32)
    for each, sample in zip(made, samples, strict=True):
        masks = sample.nested if len(sample.nested) else sample.target[None]
        each[: len(masks)] = masks.reshape(len(masks), -1)
    return torch.from_numpy(made).to(device)
