"""Stage C: corrections, learned from simulated people who click into the largest error until they are content.

As in RITM (arXiv 2102.06583) and SegNext several rounds follow each other, the network's own answer fed back; unlike
there every mask begins with the answer of the matrix, or with a wrong one: another granularity, a neighbour, the truth
shifted or swollen. Everything happens over regions, so that it takes a core a second for a dozen clicks in six masks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from tamis.arrays import MaskArray
from tamis.clicks import Click, center_click, corrective_click, random_click
from tamis.errors import InputError
from tamis.regions.corrections import CorrectionContext, correction_tokens
from tamis.segmentors.embedded.corrected import carve
from tamis.training.begun import CorrectionBatch, CorrectionExample, begin
from tamis.training.correction_network import CorrectionNetwork, CorrectionShape
from tamis.training.losses import pairwise_bce, soft_iou


@dataclass(frozen=True, slots=True)
class CorrectionOptions:
    """What corrections train on and how."""

    shape: CorrectionShape = field(default_factory=CorrectionShape)
    masks: int = 6
    """Masks per step, all of one photograph."""
    rounds: int = 4
    """Corrections of each."""
    iou_weight: float = 2.0
    """Of one minus the soft IoU, beside cross-entropy."""
    spoilt_weight: float = 0.25
    """Of the cross-entropy where the mask was right before, by the area of the true mask."""
    anywhere: float = 0.25
    """Share of the masks whose clicks go anywhere in what is wrong, not into its middle."""


class CorrectionTask:
    """Corrections as a task of the training loop."""

    def __init__(
        self,
        examples: Sequence[CorrectionExample],
        shares: Mapping[str, float],
        held_out: Sequence[CorrectionExample],
        options: CorrectionOptions,
        device: torch.device,
        half: bool = True,
    ) -> None:
        self.examples: dict[str, list[CorrectionExample]] = {}
        for example in filter(CorrectionExample.can_be_clicked, examples):
            self.examples.setdefault(example.dataset, []).append(example)
        if not self.examples:
            raise InputError("there is no mask large enough to click in the photographs: name others with --data")
        self.names = list(self.examples)
        wanted = np.array([shares[name] for name in self.names])
        self.shares = wanted / wanted.sum()
        self.held_out = [example for example in held_out if example.can_be_clicked()]
        self.options, self.device, self.half = options, device, half
        shape = replace(options.shape, features=examples[0].features.shape[1])
        self.corrections = CorrectionNetwork(shape).to(device)

    @property
    def network(self) -> nn.Module:
        """The network that corrects."""
        return self.corrections

    def rate(self, name: str) -> float:
        """All learn alike."""
        return 1.0

    def largest_batches(self) -> list[CorrectionBatch]:
        """Every photograph has a size of its own."""
        return []

    def batch(self, rng: np.random.Generator, progress: float) -> CorrectionBatch:
        """Some masks of a photograph, each begun in its own way."""
        those = self.examples[self.names[int(rng.choice(len(self.names), p=self.shares))]]
        return begin(those[int(rng.integers(len(those)))], self.options.masks, rng, anywhere=self.options.anywhere)

    def losses(self, batch: CorrectionBatch) -> dict[str, Tensor]:
        """Means over masks and rounds: `loss`, and the IoU before the first round and after each."""
        options, context = self.options, batch.context
        truth = self._send(batch.shares)
        known = self._send(context.shares(batch.known) * context.areas)[None].expand_as(truth)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half):
            weights = self.corrections.weights(*map(self._send, (context.answers, context.areas, context.neighbours)))
        features, areas = self._send(context.features), self._send(context.areas)
        masks, clicks = list(batch.begun), [list(each) for each in batch.clicks]
        total = torch.zeros((), device=self.device)
        ious = {"iou_0": self._mean_iou(masks, batch)}
        for number in range(1, options.rounds + 1):
            for mask, wanted, made, chance in zip(masks, batch.truths, clicks, batch.chance, strict=True):
                click_error(wanted, mask, made, batch.known, chance)
            begun = np.stack([context.shares(mask) for mask in masks])
            tokens = np.stack([tokens_of(context, *each) for each in zip(masks, begun, clicks, strict=True)])
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half):
                logits = self.corrections(self._send(tokens), features, areas, weights)
            weights = weights.detach()  # its few numbers learn from the first round: a third of the time
            right = known * ((self._send(begun) > 0.5) == (truth > 0.5))
            spoilt = F.binary_cross_entropy_with_logits(logits, truth, reduction="none") * right
            spoilt = spoilt.sum(1) / (truth * known).sum(1).clamp_min(1e-4)
            each = pairwise_bce(logits, truth, known) + options.iou_weight * soft_iou(logits, truth, known)
            total = total + (each + options.spoilt_weight * spoilt.clamp_max(4)).mean()
            after = (logits.detach() > 0).cpu().numpy()
            masks = [corrected(context, *each) for each in zip(masks, begun, after, clicks, strict=True)]
            ious[f"iou_{number}"] = self._mean_iou(masks, batch)
        return {"loss": total, **ious}

    def validate(self, network: nn.Module, folder: Path) -> dict[str, float]:
        """Mean IoU over two to five clicks on held-out photographs, in the mean over data sets and for each number."""
        assert isinstance(network, CorrectionNetwork)
        scores: dict[str, list[list[float]]] = {}
        for number, example in enumerate(self.held_out):
            batch = begin(example, 4, np.random.default_rng(number), wrong=0.0)
            told = self.losses(batch)
            curve = [float(told[f"iou_{k}"]) for k in range(self.options.rounds + 1)]
            scores.setdefault(example.dataset, []).append(curve)
        means = np.mean([np.mean(each, axis=0) for each in scores.values()], axis=0)
        by_click = {f"clicks_{k + 1}": round(float(mean), 4) for k, mean in enumerate(means)}
        return {"miou": round(float(means[1:].mean()), 4), **by_click}

    def _mean_iou(self, masks: Sequence[MaskArray], batch: CorrectionBatch) -> Tensor:
        ious = [
            (mask & wanted).sum() / max(int(((mask | wanted) & batch.known).sum()), 1)
            for mask, wanted in zip(masks, batch.truths, strict=True)
        ]
        return torch.tensor(np.mean(ious), device=self.device)

    def _send(self, array: NDArray[np.float32]) -> Tensor:
        return torch.from_numpy(np.asarray(array, np.float32)).to(self.device)


def click_error(
    wanted: MaskArray,
    mask: MaskArray,
    clicks: list[Click],
    known: MaskArray,
    chance: np.random.Generator | None = None,
) -> None:
    """Add the click in the middle of the largest error to `clicks`; where there is none, a click inside the mask.

    With `chance` it is a click anywhere in what is wrong.
    """
    try:
        click = corrective_click(wanted, mask, clicks, known)
        if chance is not None:
            click = random_click((wanted != mask) & known, chance)
            click = replace(click, positive=bool(wanted[click.pixel]))
        clicks.append(click)
    except InputError:
        clicks.append(center_click(wanted))


def corrected(
    context: CorrectionContext,
    mask: MaskArray,
    begun: NDArray[np.float32],
    after: NDArray[np.bool_],
    clicks: Sequence[Click],
) -> MaskArray:
    """A mask (h, w) after a click, as `CorrectedRegions` does it at full size.

    Args:
        context: of the image.
        mask: (h, w) before.
        begun: (R,) shares of the regions in it.
        after: (R,) what the network says.
        clicks: of which the last one is new.
    """
    last, before = clicks[-1], begun > 0.5
    changed = (before != after) & (after == last.positive)
    result = np.where(changed[context.region_map], last.positive, mask)
    if np.where(changed, after, before)[context.region_map[last.pixel]] == last.positive:
        return np.asarray(result)
    told = result.astype(np.float32)
    carve(told, context.region_map, last, float(context.depths[last.pixel]))
    return np.asarray(told > 0.5)


def tokens_of(
    context: CorrectionContext, mask: MaskArray, shares: NDArray[np.float32], clicks: Sequence[Click]
) -> NDArray[np.float32]:
    """(R, TOKENS) of a mask (h, w), the shares of regions (R,) in it and clicks in pixels of the working size."""
    height, width = context.region_map.shape
    clicked = np.array([context.region_map[click.pixel] for click in clicks], np.intp)
    return correction_tokens(context, mask, shares, clicked, clicks, (height, width))
