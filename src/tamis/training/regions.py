"""Stage B: what belongs together, learned from the regions of whole photographs and the pixel network's maps."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tamis.arrays import ImageArray, ProbabilityArray
from tamis.clicks import Click
from tamis.segmentors.embedded_regions import (
    PixelMaps,
    RegionInputs,
    RegionSummary,
    colour_nodes,
    region_inputs,
    summarise,
)
from tamis.segmentors.embedded_sizes import WORKING_SIZE, working_shape
from tamis.segmentors.protocol import Segmentor
from tamis.segmentors.small_regions import small_regions
from tamis.training.loop import half_precision
from tamis.training.losses import distillation
from tamis.training.networks import PixelNetwork
from tamis.training.photographs import Kind, Photograph
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
    teacher_weight: float = 1.0
    """Of the distance from a teacher's probabilities, if there is one."""
    taught_clicks: int = 24
    """Clicks that a teacher answers in each photograph."""
    noise: float = 0.15
    """Deviation of the noise on embeddings and features, as a share of their own."""


class Annotated(NamedTuple):
    """One annotator's masks over the R regions of a photograph."""

    inside: NDArray[np.float32]
    """(M, R): the share of each region inside each mask; mask 0 is what no mask holds."""
    known: NDArray[np.float32]
    """(R,): the share of each region that is annotated."""
    clickable: NDArray[np.int64]
    """Which masks are large enough."""
    ground: bool
    """Whether mask 0 may be clicked, with less weight."""


class Taught(NamedTuple):
    """What a teacher says of T clicks."""

    rows: NDArray[np.int64]
    """(T,) the regions clicked."""
    answers: NDArray[np.float32]
    """(T, R) the mean of its probability over each region."""


@dataclass(frozen=True)
class Example:
    """A photograph as stage B sees it."""

    dataset: str
    summary: RegionSummary
    """With uint16 matrices, to save memory."""
    annotations: tuple[Annotated, ...]
    taught: Taught | None = None


def run_pixels(network: PixelNetwork, image: ImageArray, device: torch.device, half: bool = False) -> PixelMaps:
    """The maps of an image (h, w, 3) whose sides are multiples of 32."""
    pixels = torch.from_numpy(image).to(device).permute(2, 0, 1)[None].float().div(255)
    with torch.no_grad(), half_precision(device, half):
        outputs = network(pixels.contiguous(memory_format=torch.channels_last))

    def array(value: Tensor) -> NDArray[np.float32]:
        return np.asarray(value[0].float().cpu().numpy(), dtype=np.float32)

    bias = array(outputs.bias)[0] + float(network.margin.detach())
    return PixelMaps(array(outputs.boundary)[0], array(outputs.embedding), bias, array(outputs.features))


def annotate(labels: NDArray[np.int16], kind: Kind, region_map: NDArray[np.uint16]) -> Annotated:
    """How one label map (−1 unknown, 0 no mask, 1.. masks) lies over regions of the same size."""
    regions = int(region_map.max()) + 1
    flat, places = labels.ravel().astype(np.int64) + 1, region_map.ravel().astype(np.int64)
    values, index = np.unique(flat, return_inverse=True)
    counts = np.bincount(index * regions + places, minlength=len(values) * regions).reshape(-1, regions)
    counts = counts.astype(np.float32)
    total = counts.sum(0)
    unknown = counts[values == 0].sum(0)
    ground = counts[values == 1].sum(0)
    masks = counts[values >= 2]
    known = total - unknown
    inside = np.concatenate([ground[None], masks]) / np.maximum(known, 1)
    clickable = np.flatnonzero(masks.sum(1) >= 100) + 1
    return Annotated(inside, known / total, clickable, kind is Kind.SINGLE and bool(ground.sum() > 100))


def teach(
    teacher: Segmentor, image: ImageArray, region_map: NDArray[np.uint16], clicks: int, rng: np.random.Generator
) -> Taught:
    """A teacher's answers to uniform random clicks, each alone, as means over regions.

    Args:
        teacher: any segmentor.
        image: (h, w, 3) uint8 RGB, of the size of the regions.
        region_map: (h, w) uint16.
        clicks: how many.
        rng: of the clicks.
    """
    height, width = region_map.shape
    pixels = np.stack([rng.integers(height, size=clicks), rng.integers(width, size=clicks)], axis=1)
    told = teacher.encode(image).probabilities([Click.at_pixel(int(row), int(column)) for row, column in pixels])
    labels = region_map.ravel()
    counts = np.bincount(labels)
    answers = np.empty((clicks, len(counts)), np.float32)
    for answer, probability in zip(answers, told, strict=True):
        full = cv2.resize(probability, (width, height), interpolation=cv2.INTER_LINEAR)
        answer[:] = np.bincount(labels, full.ravel()) / counts
    return Taught(region_map[pixels[:, 0], pixels[:, 1]].astype(np.int64), answers)


def make_example(
    photograph: Photograph,
    network: PixelNetwork,
    device: torch.device,
    size: int = WORKING_SIZE,
    teaching: Callable[[ImageArray, NDArray[np.uint16]], Taught] | None = None,
) -> Example:
    """Run everything up to the region network and lay the annotations, and what a teacher says, over the regions."""
    height, width = working_shape((photograph.image.shape[0], photograph.image.shape[1]), size)
    image = cv2.resize(photograph.image, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8)
    region_map = small_regions(image)
    maps = run_pixels(network, image, device, half=True)
    summary = summarise(image, region_map, maps, colour_nodes(image, region_map))
    summary = replace(summary, common=summary.common.astype(np.uint16), alike=summary.alike.astype(np.uint16))
    annotations = tuple(
        annotate(
            cv2.resize(m, (width, height), interpolation=cv2.INTER_NEAREST_EXACT).astype(np.int16),
            photograph.kind,
            region_map,
        )
        for m in photograph.maps
    )
    taught = teaching(image, region_map) if teaching else None
    return Example(photograph.dataset, summary, tuple(a for a in annotations if a.clickable.size), taught)


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


class RegionTask:
    """Stage B as a task of the training loop."""

    def __init__(
        self,
        examples: Sequence[Example],
        shares: dict[str, float],
        held_out: Sequence[Photograph],
        pixels: PixelNetwork,
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
        self.pixels = pixels.eval()
        self.regions = RegionNetwork(options.shape).to(device)
        self.held_out = held_out
        sample = [region_inputs(each[0].summary).tokens for each in self.examples.values()]
        sample += [region_inputs(e.summary).tokens for e in self.examples[self.names[0]][:30]]
        self.regions.set_statistics(torch.from_numpy(np.concatenate(sample)).to(device))

    @property
    def network(self) -> nn.Module:
        """The region network."""
        return self.regions

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
        """Mean over photographs of the click losses by area, and the mean IoU of the training clicks."""
        losses, ious = [], []
        for part in batch:
            with half_precision(self.device, self.half):
                answers, by_tree = self.regions(*part.inputs, rows=part.rows)
            loss, iou = region_loss(answers[0].float(), part, self.options.terms)
            loss = loss + self.options.tree_weight * region_loss(by_tree, part, self.options.terms)[0]
            if part.taught is not None:
                rows, taught = part.taught
                with half_precision(self.device, self.half):
                    told, _ = self.regions(*part.inputs, rows=rows)
                apart = distillation(told[0].float(), taught, part.areas[None].expand_as(taught))
                loss = loss + self.options.teacher_weight * apart.mean()
            losses.append(loss)
            ious.append(iou)
        return {"loss": torch.stack(losses).mean(), "iou": torch.stack(ious).mean()}

    def validate(self, network: nn.Module, folder: Path) -> dict[str, float]:
        """mIoU@1 on the held-out photographs, per data set and in the mean."""
        assert isinstance(network, RegionNetwork)
        encode = RegionAnswers(self.pixels, network, self.device)
        picture_of_clicks(encode, self.held_out[:: max(1, len(self.held_out) // 12)], folder / "clicks.jpg")
        return measure(encode, self.held_out, repeats=3)


def region_loss(logits: Tensor, part: RegionBatch, terms: Terms) -> tuple[Tensor, Tensor]:
    """The mean over clicks of the losses `terms`, regions weighted by area; and the mean IoU at one half."""
    weights = (part.areas * part.known)[None].expand_as(logits)
    total = part.weights.sum().clamp_min(1e-6)
    loss = (click_losses(logits, part.targets, weights, part.nested, terms) * part.weights).sum() / total
    return loss, (click_ious(logits, part.targets, weights) * part.weights).sum() / total


def nested_masks(annotations: Sequence[Annotated], rows: NDArray[np.int64]) -> NDArray[np.float32]:
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
    annotated: Annotated, areas: NDArray[np.float32], rng: np.random.Generator, options: RegionOptions
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
    """Answers of both networks in torch: regions at the working size, enlarged by nearest neighbour."""

    def __init__(
        self, pixels: PixelNetwork, regions: RegionNetwork, device: torch.device, size: int = WORKING_SIZE
    ) -> None:
        self.pixels, self.regions, self.device, self.size = pixels, regions, device, size

    def inputs(self, image: ImageArray) -> tuple[NDArray[np.uint16], RegionInputs]:
        """The region map of an image and what the region network reads."""
        height, width = working_shape((image.shape[0], image.shape[1]), self.size)
        small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8)
        region_map = small_regions(small)
        maps = run_pixels(self.pixels, small, self.device)
        return region_map, region_inputs(summarise(small, region_map, maps, colour_nodes(small, region_map)))

    def __call__(self, image: ImageArray) -> Answer:
        """Encode an image; the result answers clicks."""
        region_map, inputs = self.inputs(image)
        with torch.no_grad():
            logits = self.regions(*on_device(inputs, self.device))[0]
        answers = torch.sigmoid(logits[0].float()).cpu().numpy()
        full = cv2.resize(region_map, image.shape[1::-1], interpolation=cv2.INTER_NEAREST_EXACT)

        def answer(pixel: tuple[int, int]) -> ProbabilityArray:
            return np.asarray(answers[full[pixel]][full], dtype=np.float32)

        return answer
