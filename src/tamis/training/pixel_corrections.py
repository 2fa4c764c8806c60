"""Stage D: corrections looked at pixel by pixel, learned from clicks that were simulated beforehand.

The network is told what the regions answer and learns to end a mask where the object does; crops of the working size
are small enough for a core, and hold the click more often than not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from tamis.errors import InputError
from tamis.training.losses import pairwise_bce, soft_iou
from tamis.training.pixel_correction_network import PixelCorrectionShape
from tamis.training.pixel_examples import PixelExample
from tamis.training.pixel_store import PixelBatch, PixelStore

STRIDE = 32
"""Of the network; crops begin at multiples of it, and so have a cell of every map where the image has one."""


@dataclass(frozen=True, slots=True)
class PixelCorrectionOptions:
    """What pixel corrections train on and how."""

    shape: PixelCorrectionShape = field(default_factory=PixelCorrectionShape)
    crops: int = 8
    """Per step, of the smallest side; of a larger one as many as have the same area."""
    sides: tuple[int, ...] = (256, 384)
    """Of the crops of a step, multiples of `STRIDE`, drawn anew for each: the larger ones are whole images."""
    around_click: float = 0.7
    """Share of crops that hold the last click."""
    first_clicks: float = 0.3
    """Share of crops that are answers to a first click, whose border alone is to be drawn."""
    untold: float = 0.1
    """Share of crops that are told the mask before instead of the regions' answer: what clicks and pixels say alone."""
    iou_weight: float = 1.0
    """Of one minus the soft IoU, beside cross-entropy."""

    def crops_of(self, side: int) -> int:
        """Per step of crops of a side."""
        return max(1, self.crops * min(self.sides) ** 2 // side**2)


class PixelCorrectionTask:
    """Pixel corrections as a task of the training loop."""

    def __init__(
        self,
        examples: Sequence[PixelExample],
        shares: Mapping[str, float],
        held_out: Sequence[PixelExample],
        options: PixelCorrectionOptions,
        network: nn.Module,
        half: bool = True,
    ) -> None:
        if not examples:
            raise InputError("there is no mask large enough to click in the photographs: name others with --data")
        self.of: dict[str, list[list[int]]] = {}
        for number, example in enumerate(examples):
            firsts_and_corrections = self.of.setdefault(example.dataset, [[], []])
            firsts_and_corrections[len(example.clicks) > 1].append(number)
        self.names = list(self.of)
        wanted = np.array([shares[name] for name in self.names])
        self.shares = wanted / wanted.sum()
        self.device = next(network.parameters()).device
        self.store, self.held_out = PixelStore(examples, self.device), PixelStore(held_out, self.device)
        self.held_out_of = [each.dataset for each in held_out]
        self.options, self.half, self.corrections = options, half, network

    @property
    def network(self) -> nn.Module:
        """The network that corrects."""
        return self.corrections

    def rate(self, name: str) -> float:
        """All learn alike."""
        return 1.0

    def largest_batches(self) -> list[PixelBatch]:
        """One of each size."""
        rng = np.random.default_rng(0)
        return [self._crops([0] * self.options.crops_of(side), side, rng) for side in self.options.sides]

    def batch(self, rng: np.random.Generator, progress: float) -> PixelBatch:
        """Crops of some examples, of one of the sides."""
        side = int(rng.choice(self.options.sides))
        names = rng.choice(len(self.names), self.options.crops_of(side), p=self.shares)
        return self._crops([self._drawn(self.of[self.names[int(name)]], rng) for name in names], side, rng)

    def _drawn(self, of: Sequence[Sequence[int]], rng: np.random.Generator) -> int:
        """One of the first clicks on a data set, or of the corrections."""
        firsts, corrections = of
        first = rng.random() < self.options.first_clicks
        return int(rng.choice((firsts if first else corrections) or firsts or corrections))

    def losses(self, batch: PixelBatch) -> dict[str, Tensor]:
        """Means over crops: `loss`, and the IoU before and after."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half):
            logits = self.corrections(*batch.fed).flatten(1)
        told = (batch.fed[1][:, 0].flatten(1) > 0).float()
        loss = pairwise_bce(logits, batch.truth, batch.known)
        loss = loss + self.options.iou_weight * soft_iou(logits, batch.truth, batch.known)
        ious = {"told": _iou(told, batch).mean(), "iou": _iou((logits.detach() > 0).float(), batch).mean()}
        return {"loss": loss.mean(), **ious}

    def validate(self, network: nn.Module, folder: Path) -> dict[str, float]:
        """Mean IoU over clicks on held-out photographs, in the mean over data sets, before and after."""
        scores: dict[str, list[tuple[float, float]]] = {}
        for number, name in enumerate(self.held_out_of):
            height, width = self.held_out.sizes[number]
            whole = [torch.arange(side, device=self.device)[None] for side in (height, width)]
            batch = self.held_out.crops(self._tensor([number]), whole[0], whole[1], self._tensor([False]))
            logits = network(*batch.fed).flatten(1)
            told = (batch.fed[1][:, 0].flatten(1) > 0).float()
            pair = float(_iou(told, batch)), float(_iou((logits > 0).float(), batch))
            scores.setdefault(name, []).append(pair)
        means = {name: np.mean(each, axis=0) for name, each in scores.items()}
        before, after = np.mean(list(means.values()), axis=0)
        by_name = {name: round(float(mean[1] - mean[0]), 4) for name, mean in means.items()}
        return {"miou": round(float(after), 4), "told": round(float(before), 4), **by_name}

    def _crops(self, numbers: Sequence[int], side: int, rng: np.random.Generator) -> PixelBatch:
        """Crops of examples: begun at a cell of `STRIDE` pixels, mirrored or not, told what regions say or not."""
        starts = self._tensor([self._start(number, side, rng) for number in numbers])
        mirrored = self._tensor(rng.random(len(numbers)) < 0.5)
        along = torch.arange(side, device=self.device)
        rows = starts[:, :1] + along
        columns = starts[:, 1:] + torch.where(mirrored[:, None], side - 1 - along, along)
        untold = self._tensor(rng.random(len(numbers)) < self.options.untold)
        return self.store.crops(self._tensor(numbers), rows, columns, untold)

    def _start(self, number: int, side: int, rng: np.random.Generator) -> list[int]:
        """Row and column that a crop begins at, of those that hold the click, or of all."""
        held, start = rng.random() < self.options.around_click, []
        for place, length in zip(self.store.last[number], self.store.sizes[number], strict=True):
            last = max(0, length - side) // STRIDE
            low, high = (max(0, place - side + 1), place) if held else (0, length)
            first, final = min(last, -(-low // STRIDE)), min(last, high // STRIDE)
            start.append(int(rng.integers(min(first, final), final + 1)) * STRIDE)
        return start

    def _tensor(self, values: object) -> Tensor:
        return torch.as_tensor(values, device=self.device)


def _iou(masks: Tensor, batch: PixelBatch) -> Tensor:
    """(B,) of masks (B, N) of 0 and 1."""
    truth = (batch.truth > 0.5).float()
    shared = (masks * truth * batch.known).sum(1)
    either = (torch.maximum(masks, truth) * batch.known).sum(1)
    return (shared + 1e-6) / (either + 1e-6)
