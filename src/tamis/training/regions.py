"""Stage B: what belongs together, learned from the regions of whole photographs and the pixel network's maps."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from tamis.arrays import ImageArray, ProbabilityArray
from tamis.regions.edge_tree import edge_nodes
from tamis.regions.features import RegionInputs, RegionSummary, region_inputs, summarise
from tamis.regions.oversegmentation import small_regions
from tamis.segmentors.embedded.sizes import WORKING_SIZE, at_working_size
from tamis.training.examples import AnnotatedRegions, Example, RunPixels
from tamis.training.loop import half_precision
from tamis.training.losses import distillation
from tamis.training.photographs import Photograph
from tamis.training.region_losses import DEFAULT_TERMS, Terms, click_ious, click_losses
from tamis.training.region_network import RegionNetwork, RegionShape
from tamis.training.validate import Answer, measure, picture_of_clicks


@dataclass(frozen=True, slots=True)
class RegionOptions:
    """What stage B trains on and how."""

    shape: RegionShape = field(default_factory=RegionShape)
    clicks: int = 96
    """Clicks per photograph."""
    batch: int = 2
    """Photographs per step."""
    background: float = 0.2
    background_weight: float = 0.25
    terms: Terms = DEFAULT_TERMS
    """What is minimised."""
    tree_weight: float = 0.5
    """Of the same losses of the tree's own answers."""
    choice_weight: float = 0.5
    """Of the same losses of the best of all granularities; only that one learns from a click."""
    rating_weight: float = 0.5
    """Of the cross-entropy of predicted IoUs with those that the answers have."""
    teacher_weight: float = 1.0
    """Of the distance from a teacher's probabilities, if there is one."""
    taught_clicks: int = 24
    """Clicks that a teacher answers in each photograph."""
    noise: float = 0.15
    """Deviation of the noise on embeddings and features, as a share of their own."""


class RegionBatch(NamedTuple):
    """Clicks in one photograph."""

    inputs: tuple[Tensor, ...]
    """The fields of `RegionInputs`."""
    areas: Tensor
    """(R,)."""
    rows: Tensor
    """(K,) the clicked regions."""
    targets: Tensor
    """(K, R) the share of each region in the clicked mask."""
    known: Tensor
    """(R,)."""
    weights: Tensor
    """(K,)."""
    nested: Tensor | None
    """(K, J, R) the masks of all J annotators that hold the click, where `level` is minimised."""
    taught: tuple[Tensor, Tensor] | None
    """(T,) rows and (T, R) a teacher's answers."""

    def mean(self, values: Tensor) -> Tensor:
        """Of (K,) values of the clicks, by their weights."""
        return (values * self.weights).sum() / self.weights.sum().clamp_min(1e-6)


class RegionTask:
    """Stage B as a task of the training loop."""

    def __init__(
        self,
        examples: Sequence[Example],
        shares: dict[str, float],
        held_out: Sequence[Photograph],
        pixels: RunPixels,
        options: RegionOptions,
        device: torch.device,
        half: bool = True,
    ) -> None:
        self.examples: dict[str, list[Example]] = {}
        for example in examples:
            if example.annotations:
                self.examples.setdefault(example.dataset, []).append(example)
        self.names = list(self.examples)
        self.shares = np.array([shares[name] for name in self.names])
        self.shares /= self.shares.sum()
        self.options, self.device, self.half = options, device, half
        self.levels = any(name == "level" for name, _ in options.terms)
        self.pixels = pixels
        self.regions = RegionNetwork(options.shape).to(device)
        self.held_out = held_out
        sample = [region_inputs(each[0].summary).tokens for each in self.examples.values()]
        sample += [region_inputs(e.summary).tokens for e in self.examples[self.names[0]][:30]]
        self.regions.set_statistics(torch.from_numpy(np.concatenate(sample)).to(device))

    @property
    def network(self) -> nn.Module:
        """The region network."""
        return self.regions

    def rate(self, name: str) -> float:
        """All learn alike."""
        return 1.0

    def largest_batches(self) -> list[list[RegionBatch]]:
        """Every photograph has a size of its own."""
        return []

    def batch(self, rng: np.random.Generator, progress: float) -> list[RegionBatch]:
        """Some photographs with clicks."""
        return [self._clicks(rng) for _ in range(self.options.batch)]

    def _clicks(self, rng: np.random.Generator) -> RegionBatch:
        those = self.examples[self.names[int(rng.choice(len(self.names), p=self.shares))]]
        example = those[int(rng.integers(len(those)))]
        annotated = example.annotations[int(rng.integers(len(example.annotations)))]
        summary = disturbed(example.summary, rng, self.options.noise)
        rows, masks, weights = draw_rows(annotated, summary.areas, rng, self.options)
        inputs = on_device(region_inputs(summary), self.device)
        if self.half:
            inputs = (inputs[0], inputs[1].to(torch.bfloat16), *inputs[2:])
        return RegionBatch(
            inputs,
            inputs[2],
            self._send(rows),
            self._send(annotated.inside[masks]),
            self._send(annotated.known),
            self._send(weights),
            self._send(nested_masks(example.annotations, rows)) if self.levels else None,
            (self._send(example.taught.rows), self._send(example.taught.answers)) if example.taught else None,
        )

    def _send(self, array: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(array).to(self.device)

    def losses(self, batch: list[RegionBatch]) -> dict[str, Tensor]:
        """Means over photographs: `loss`, `iou` and `best_iou` of the clicks, and how far off their ratings are."""
        each = [self._losses(part) for part in batch]
        return {name: torch.stack([values[name] for values in each]).mean() for name in each[0]}

    def _losses(self, part: RegionBatch) -> dict[str, Tensor]:
        options = self.options
        with half_precision(self.device, self.half):
            outputs = self.regions(*part.inputs, rows=part.rows)
        weights = (part.areas * part.known)[None].expand_as(part.targets)
        answers = outputs.answers.float().unbind()
        terms = (part.targets, weights, part.nested, options.terms)
        each = torch.stack([click_losses(answer, *terms) for answer in answers])
        loss = part.mean(each[options.shape.middle]) + options.choice_weight * part.mean(each.amin(dim=0))
        loss = loss + options.tree_weight * part.mean(click_losses(outputs.by_tree, *terms))
        ious = torch.stack([click_ious(answer, part.targets, weights) for answer in answers])
        rated = F.binary_cross_entropy_with_logits(outputs.ratings, ious, reduction="none").mean(dim=0)
        loss = loss + options.rating_weight * part.mean(rated)
        if part.taught is not None:
            rows, taught = part.taught
            with half_precision(self.device, self.half):
                told = self.regions(*part.inputs, rows=rows).answers
            apart = distillation(told[options.shape.middle].float(), taught, part.areas[None].expand_as(taught))
            loss = loss + options.teacher_weight * apart.mean()
        off = (torch.sigmoid(outputs.ratings) - ious).abs().mean(dim=0)
        return {
            "loss": loss,
            "iou": part.mean(ious.gather(0, outputs.ratings.argmax(dim=0, keepdim=True))[0]),
            "best_iou": part.mean(ious.amax(dim=0)),
            "rating_error": part.mean(off),
        }

    def validate(self, network: nn.Module, folder: Path) -> dict[str, float]:
        """mIoU@1 on the held-out photographs, per data set and in the mean."""
        assert isinstance(network, RegionNetwork)
        encode = RegionAnswers(self.pixels, network, self.device)
        picture_of_clicks(encode, self.held_out[:: max(1, len(self.held_out) // 12)], folder / "clicks.jpg")
        return measure(encode, self.held_out, repeats=3)


def nested_masks(annotations: Sequence[AnnotatedRegions], rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """(K, J, R) float32: for each clicked region the mask of each of J annotators that holds most of it.

    Annotators draw the same photograph from coarse to fine: their masks around one click are mostly nested.
    """
    regions = annotations[0].inside.shape[1]
    masks = np.zeros((len(rows), len(annotations), regions), np.float32)
    for place, annotated in enumerate(annotations):
        share = annotated.inside[1:, rows]
        largest = share.argmax(axis=0)
        held = share[largest, np.arange(len(rows))] > 0.5
        masks[held, place] = annotated.inside[1 + largest[held]]
    return masks


def draw_rows(
    annotated: AnnotatedRegions, areas: NDArray[np.float32], rng: np.random.Generator, options: RegionOptions
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """K clicks: a mask uniformly, then a region as likely as a uniform pixel of the mask falls into it.

    Returns:
        regions (K,), masks (K,) and weights (K,).
    """
    count = options.clicks
    masks = annotated.clickable[rng.integers(len(annotated.clickable), size=count)]
    weights = np.ones(count, np.float32)
    if annotated.ground:
        outside = rng.random(count) < options.background
        masks = np.where(outside, 0, masks)
        weights = np.where(outside, options.background_weight, 1).astype(np.float32)
    chances = np.cumsum(annotated.inside * annotated.known * areas, axis=1)
    drawn = rng.random(count) * chances[masks, -1]
    rows = np.array([np.searchsorted(chances[m], d, side="right") for m, d in zip(masks, drawn, strict=True)])
    return np.minimum(rows, len(areas) - 1).astype(np.int64), masks, weights


def disturbed(summary: RegionSummary, rng: np.random.Generator, noise: float) -> RegionSummary:
    """Noise on what the pixel network said, which is surer of photographs it was trained on; mirrored in half."""

    def shaken(values: NDArray[np.float32]) -> NDArray[np.float32]:
        amount = noise * values.std(axis=0, keepdims=True)
        return np.asarray(values + amount * rng.standard_normal(values.shape), dtype=np.float32)

    centre = summary.centre
    if rng.random() < 0.5:
        centre = centre * np.array([-1, 1], np.float32) + np.array([1, 0], np.float32)
    return replace(summary, embedding=shaken(summary.embedding), features=shaken(summary.features), centre=centre)


def on_device(inputs: RegionInputs, device: torch.device) -> tuple[Tensor, ...]:
    """The fields of `inputs`, in their order."""
    return tuple(torch.from_numpy(getattr(inputs, part.name)).to(device) for part in fields(inputs))


class RegionAnswers:
    """Answers of stages A and B: regions at the working size, enlarged by nearest neighbour."""

    def __init__(
        self, pixels: RunPixels, regions: RegionNetwork, device: torch.device, size: int = WORKING_SIZE
    ) -> None:
        self.pixels, self.regions, self.device, self.size = pixels, regions, device, size

    def inputs(self, image: ImageArray) -> tuple[NDArray[np.uint16], RegionInputs]:
        """The region map of an image and what the region network reads."""
        small = at_working_size(image, self.size)
        region_map, maps = small_regions(small), self.pixels(small)
        summary = summarise(small, region_map, maps, edge_nodes(region_map, maps.edges))
        return region_map, region_inputs(summary)

    def __call__(self, image: ImageArray) -> Answer:
        """Encode an image; the result answers clicks."""
        region_map, inputs = self.inputs(image)
        with torch.no_grad():
            told = self.regions(*on_device(inputs, self.device))
        best = told.ratings.argmax(dim=0)
        answers = torch.sigmoid(told.answers[best, torch.arange(len(best))].float()).cpu().numpy()
        full = cv2.resize(region_map, image.shape[1::-1], interpolation=cv2.INTER_NEAREST_EXACT)

        def answer(pixel: tuple[int, int]) -> ProbabilityArray:
            return np.asarray(answers[full[pixel]][full], dtype=np.float32)

        return answer
