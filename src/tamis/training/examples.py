"""What stage B learns from: photographs cut into regions, and how their annotations lie over these."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tamis.arrays import ImageArray
from tamis.clicks import Click
from tamis.datasets.supervision import Kind
from tamis.regions.edge_tree import edge_nodes
from tamis.regions.features import PixelMaps, RegionSummary, summarise
from tamis.regions.oversegmentation import small_regions
from tamis.segmentors.embedded.sizes import WORKING_SIZE, at_working_size
from tamis.segmentors.protocol import Segmentor
from tamis.training.edge_network import EdgeNetwork
from tamis.training.loop import half_precision
from tamis.training.networks import PixelNetwork
from tamis.training.photographs import Photograph


class AnnotatedRegions(NamedTuple):
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
    annotations: tuple[AnnotatedRegions, ...]
    taught: Taught | None = None


RunPixels = Callable[[ImageArray], PixelMaps]
"""Stage A: the maps of an image (h, w, 3) whose sides are multiples of 32."""


def run_pixels(
    network: PixelNetwork, edges: EdgeNetwork, image: ImageArray, device: torch.device, half: bool = False
) -> PixelMaps:
    """The maps of an image (h, w, 3) whose sides are multiples of 32."""
    pixels = torch.from_numpy(image).to(device).permute(2, 0, 1)[None].float().div(255)
    with torch.no_grad(), half_precision(device, half):
        seen = network.features(pixels.contiguous(memory_format=torch.channels_last))
        outputs, drawn = network.told(seen), edges(seen).fine

    def array(value: Tensor) -> NDArray[np.float32]:
        return np.asarray(value[0].float().cpu().numpy(), dtype=np.float32)

    bias = array(outputs.bias)[0] + float(network.margin.detach())
    boundary, embedding, features = (array(each) for each in (outputs.boundary, outputs.embedding, outputs.features))
    return PixelMaps(boundary[0], embedding, bias, features, array(drawn)[0])


def annotate(labels: NDArray[np.int16], kind: Kind, region_map: NDArray[np.uint16]) -> AnnotatedRegions:
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
    return AnnotatedRegions(inside, known / total, clickable, kind is Kind.SINGLE and bool(ground.sum() > 100))


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
    pixels: RunPixels,
    size: int = WORKING_SIZE,
    teaching: Callable[[ImageArray, NDArray[np.uint16]], Taught] | None = None,
) -> Example:
    """Run everything up to the region network and lay the annotations, and what a teacher says, over the regions."""
    image = at_working_size(photograph.image, size)
    height, width = image.shape[:2]
    region_map = small_regions(image)
    maps = pixels(image)
    summary = summarise(image, region_map, maps, edge_nodes(region_map, maps.edges))
    summary = replace(summary, common=summary.common.astype(np.uint16), parts=summary.parts.astype(np.uint16))
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
