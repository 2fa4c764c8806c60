"""Stage D: corrections looked at pixel by pixel, learned from clicks that were simulated beforehand.

The network is told what the regions answer and learns to end a mask where the object does; crops of the working size
are small enough for a core, and hold the click more often than not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tamis.errors import InputError
from tamis.segmentors.embedded.pixel_corrections import discs
from tamis.training.losses import pairwise_bce, soft_iou
from tamis.training.pixel_correction_network import PixelCorrectionNetwork, PixelCorrectionShape
from tamis.training.pixel_examples import PixelExample

STRIDE = 32
"""Of the network; crops begin at multiples of it, and so have a cell of every map where the image has one."""

STRIDES = {"boundary": 2, "features": 4}
"""Of the maps that are smaller than the image."""


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
    untold: float = 0.1
    """Share of crops that are told the mask before instead of the regions' answer: what clicks and pixels say alone."""
    iou_weight: float = 1.0
    """Of one minus the soft IoU, beside cross-entropy."""

    def crops_of(self, side: int) -> int:
        """Per step of crops of a side."""
        return max(1, self.crops * min(self.sides) ** 2 // side**2)


class PixelBatch(NamedTuple):
    """What the network is fed of B crops, and what it should say."""

    fed: tuple[Tensor, ...]
    truth: Tensor
    """(B, side²) from 0 to 1."""
    known: Tensor
    """(B, side²) 0 or 1."""


class PixelCorrectionTask:
    """Pixel corrections as a task of the training loop."""

    def __init__(
        self,
        examples: Sequence[PixelExample],
        shares: Mapping[str, float],
        held_out: Sequence[PixelExample],
        options: PixelCorrectionOptions,
        device: torch.device,
        half: bool = True,
    ) -> None:
        self.examples: dict[str, list[PixelExample]] = {}
        for example in examples:
            self.examples.setdefault(example.dataset, []).append(example)
        if not self.examples:
            raise InputError("there is no mask large enough to click in the photographs: name others with --data")
        self.names = list(self.examples)
        wanted = np.array([shares[name] for name in self.names])
        self.shares = wanted / wanted.sum()
        self.held_out, self.options, self.device, self.half = list(held_out), options, device, half
        # A quarter faster on processors, where channels lie last.
        self.corrections = PixelCorrectionNetwork(options.shape).to(device)
        self.corrections.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs

    @property
    def network(self) -> nn.Module:
        """The network that corrects."""
        return self.corrections

    def rate(self, name: str) -> float:
        """All learn alike."""
        return 1.0

    def largest_batches(self) -> list[PixelBatch]:
        """One of each size."""
        each, rng = next(iter(self.examples.values()))[0], np.random.default_rng(0)
        sides = self.options.sides
        return [stacked([self._crop(each, side, rng)] * self.options.crops_of(side), self.device) for side in sides]

    def batch(self, rng: np.random.Generator, progress: float) -> PixelBatch:
        """Crops of some examples."""
        side = int(rng.choice(self.options.sides))
        crops = self.options.crops_of(side)
        those = [self.examples[self.names[int(name)]] for name in rng.choice(len(self.names), crops, p=self.shares)]
        return stacked([self._crop(each[int(rng.integers(len(each)))], side, rng) for each in those], self.device)

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
        for example in self.held_out:
            batch = stacked([_parts(example, slice(None), slice(None), False)], self.device)
            logits = network(*batch.fed).flatten(1)
            told = (batch.fed[1][:, 0].flatten(1) > 0).float()
            pair = float(_iou(told, batch)), float(_iou((logits > 0).float(), batch))
            scores.setdefault(example.dataset, []).append(pair)
        means = {name: np.mean(each, axis=0) for name, each in scores.items()}
        before, after = np.mean(list(means.values()), axis=0)
        by_name = {name: round(float(mean[1] - mean[0]), 4) for name, mean in means.items()}
        return {"miou": round(float(after), 4), "told": round(float(before), 4), **by_name}

    def _crop(self, example: PixelExample, side: int, rng: np.random.Generator) -> dict[str, NDArray[np.float32]]:
        click = example.clicks[-1].pixel
        held = rng.random() < self.options.around_click
        spans = []
        for place, length in zip(click, example.context.shape, strict=True):
            # Cells of STRIDE pixels: the crops that hold the click, or all.
            last = max(0, length - side) // STRIDE
            low, high = (max(0, place - side + 1), place) if held else (0, length)
            first, final = min(last, -(-low // STRIDE)), min(last, high // STRIDE)
            start = int(rng.integers(min(first, final), final + 1)) * STRIDE
            spans.append(slice(start, start + side))
        parts = _parts(example, spans[0], spans[1], bool(rng.random() < self.options.untold))
        if rng.random() < 0.5:
            parts = {name: each[..., ::-1] for name, each in parts.items()}
        return {name: _padded(each, side // STRIDES.get(name, 1)) for name, each in parts.items()}


def stacked(crops: Sequence[dict[str, NDArray[np.float32]]], device: torch.device) -> PixelBatch:
    """Crops (…, h, w) of one size as a batch."""
    each = {name: torch.from_numpy(np.stack([crop[name] for crop in crops])).to(device) for name in crops[0]}
    names = ("image", "masks", "clicks", "boundary", "features")
    fed = tuple(each[name].contiguous(memory_format=torch.channels_last) for name in names)
    return PixelBatch(fed, each["truth"].flatten(1), each["known"].flatten(1))


def _parts(example: PixelExample, rows: slice, columns: slice, untold: bool) -> dict[str, NDArray[np.float32]]:
    """What there is of a part of an example, whose ends are multiples of `STRIDE`."""

    def at(stride: int) -> tuple[slice, slice]:
        spans = [
            slice(each.start and each.start // stride, each.stop and each.stop // stride) for each in (rows, columns)
        ]
        return spans[0], spans[1]

    full, context = at(1), example.context
    told = example.before if untold else example.told
    masks = np.stack([told[full], example.before[full]]).astype(np.float32) / 127.5 - 1
    return {
        "image": context.small[full].transpose(2, 0, 1).astype(np.float32) / 255,
        "masks": masks,
        "clicks": np.ascontiguousarray(discs(example.clicks, context.shape)[:, *full]),
        "boundary": context.boundary[None][:, *at(STRIDES["boundary"])].astype(np.float32),
        "features": context.features[:, *at(STRIDES["features"])].astype(np.float32),
        "truth": example.truth[full].astype(np.float32)[None] / 255,
        "known": example.known[full].astype(np.float32)[None],
    }


def _padded(values: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """(C, h, w) with as many cells below and to the right, all 0, as are missing to (C, side, side)."""
    rows, columns = (side - length for length in values.shape[1:])
    return np.pad(values, ((0, 0), (0, rows), (0, columns)))


def _iou(masks: Tensor, batch: PixelBatch) -> Tensor:
    """(B,) of masks (B, N) of 0 and 1."""
    truth = (batch.truth > 0.5).float()
    shared = (masks * truth * batch.known).sum(1)
    either = (torch.maximum(masks, truth) * batch.known).sum(1)
    return (shared + 1e-6) / (either + 1e-6)
