"""Both stages at once: the pixel network goes on learning, now from what the region network makes of its maps.

Stage B alone sees the maps of photographs that stage A has learned from, surer than those of new ones, and always the
same. Here photographs are turned, stretched, cut and recoloured on the fly, cut into regions again, and the gradient
of the answers flows through the means over regions into the pixel network. The tree has no gradient: borders are
learned as in stage A.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tamis.arrays import ImageArray
from tamis.segmentors.embedded_regions import ColourNodes, PixelMaps, colour_nodes, region_inputs, summarise
from tamis.segmentors.embedded_sizes import working_shape
from tamis.segmentors.region_measures import overlaps
from tamis.segmentors.small_regions import small_regions
from tamis.training.crops import CropOptions, boundary_target, draw_clicks, random_affine, warp
from tamis.training.embedding import CropBatch, click_loss, pyramid_boundary_loss, vary_colours
from tamis.training.examples import Annotated, annotate
from tamis.training.loop import half_precision
from tamis.training.mixture import Mixture
from tamis.training.networks import PixelNetwork, PixelOutputs
from tamis.training.photographs import Photograph
from tamis.training.region_network import RegionNetwork
from tamis.training.regions import RegionAnswers, RegionBatch, RegionOptions, draw_rows, on_device, row_losses
from tamis.training.validate import measure, picture_of_clicks


@dataclass(frozen=True, slots=True)
class JointOptions:
    """How both stages are trained together."""

    regions: RegionOptions = field(default_factory=RegionOptions)
    """Of stage B; its noise is not used."""
    views: CropOptions = field(default_factory=lambda: CropOptions(scales=(1.0, 1.5), paste=0.1))
    """How photographs are warped; the size is that of the photograph."""
    whole: float = 0.4
    """Share of photographs that are not warped, at most mirrored."""
    synthetic: float = 0.02
    """Share of scenes made on the fly."""
    pixel_weight: float = 0.5
    """Of the losses of stage A."""
    workers: int = 2
    """Threads that prepare photographs."""


class JointNetwork(nn.Module):
    """Both networks; the norms of the first keep their statistics, as two photographs a step are too few for any."""

    def __init__(self, pixels: PixelNetwork, regions: RegionNetwork) -> None:
        super().__init__()
        self.pixels, self.regions = pixels, regions

    def train(self, mode: bool = True) -> Self:
        """As any module, but for the norms."""
        super().train(mode)
        self.pixels.eval()
        return self


class Scene(NamedTuple):
    """A photograph, ready for both networks."""

    image: ImageArray
    """(h, w, 3) uint8 of the working size."""
    region_map: NDArray[np.uint16]
    """(h, w)."""
    colours: ColourNodes
    annotated: Annotated
    """By one of its annotators."""
    rows: NDArray[np.int64]
    """(K,) the regions clicked, and the next two their masks and weights."""
    masks: NDArray[np.int64]
    weights: NDArray[np.float32]
    crop: CropBatch
    """The same for stage A, a batch of one."""


class JointTask:
    """Both stages as one task of the training loop."""

    def __init__(
        self,
        training: Mapping[str, Sequence[Photograph]],
        shares: Mapping[str, float],
        held_out: Sequence[Photograph],
        network: JointNetwork,
        options: JointOptions,
        device: torch.device,
        half: bool = True,
    ) -> None:
        self.mixture = Mixture(training, shares, options.synthetic, options.views.paste)
        self.held_out, self.options, self.device, self.half = held_out, options, device, half
        self.network = network
        self.pool = ThreadPoolExecutor(options.workers)

    def batch(self, rng: np.random.Generator, progress: float) -> list[Scene]:
        """Some photographs with clicks."""
        return list(self.pool.map(self._scene, rng.spawn(self.options.regions.batch)))

    def _scene(self, rng: np.random.Generator) -> Scene:
        while True:
            view = draw_view(self.mixture.draw(rng), rng, self.options)
            pixels = torch.from_numpy(view.image).permute(2, 0, 1)[None].float().div_(255)
            varied = vary_colours(pixels, rng)[0].permute(1, 2, 0)
            image = varied.mul(255).round().to(torch.uint8).contiguous().numpy()
            region_map = small_regions(image)
            chosen = view.maps[int(rng.integers(len(view.maps)))]
            annotated = annotate(chosen, view.kind, region_map)
            if annotated.clickable.size:
                break
        areas = (np.bincount(region_map.ravel()) / region_map.size).astype(np.float32)
        rows, masks, weights = draw_rows(annotated, areas, rng, self.options.regions)
        labels = chosen[2::4, 2::4].copy()
        parts = (
            labels,
            *boundary_target(view.maps, view.kind),
            *draw_clicks(labels, view.kind, rng, self.options.views),
        )
        crop = CropBatch(self._image(image), *(torch.from_numpy(part)[None].to(self.device) for part in parts))
        return Scene(image, region_map, colour_nodes(image, region_map), annotated, rows, masks, weights, crop)

    def _image(self, image: ImageArray) -> Tensor:
        pixels = torch.from_numpy(image).to(self.device).permute(2, 0, 1)[None].float().div_(255)
        return pixels.contiguous(memory_format=torch.channels_last)

    def losses(self, batch: list[Scene]) -> dict[str, Tensor]:
        """Means over photographs, as of stage B, and the losses of stage A as `pixels`."""
        each = [self._losses(scene) for scene in batch]
        return {name: torch.stack([values[name] for values in each]).mean() for name in each[0]}

    def _losses(self, scene: Scene) -> dict[str, Tensor]:
        pixels, options = self.network.pixels, self.options
        with half_precision(self.device, self.half):
            outputs = pixels(scene.crop.images)
        inputs = differentiable_inputs(outputs, pixels.margin, scene, self.half)

        def send(array: NDArray[np.generic]) -> Tensor:
            return torch.from_numpy(array).to(self.device)

        inside = send(scene.annotated.inside[scene.masks])
        known, rows, weights = send(scene.annotated.known), send(scene.rows), send(scene.weights)
        part = RegionBatch(inputs, inputs[2], rows, inside, known, weights, None, None)
        values = row_losses(self.network.regions, part, options.regions, self.half)
        clicks, _ = click_loss(outputs, pixels.margin, scene.crop)
        borders = pyramid_boundary_loss(outputs, scene.crop.boundary, scene.crop.boundary_weight)
        loss = values["loss"] + options.pixel_weight * (clicks + borders)
        return {**values, "loss": loss, "regions": values["loss"], "pixels": clicks, "boundary": borders}

    def validate(self, network: nn.Module, folder: Path) -> dict[str, float]:
        """mIoU@1 on the held-out photographs, per data set and in the mean."""
        assert isinstance(network, JointNetwork)
        encode = RegionAnswers(network.pixels, network.regions, self.device)
        picture_of_clicks(encode, self.held_out[:: max(1, len(self.held_out) // 12)], folder / "clicks.jpg")
        return measure(encode, self.held_out, repeats=3)


def draw_view(photograph: Photograph, rng: np.random.Generator, options: JointOptions) -> Photograph:
    """The photograph at the working size, mirrored in half, and mostly a part of it, turned and stretched."""
    height, width = photograph.image.shape[:2]
    shape = working_shape((height, width))
    if rng.random() < options.whole:
        stretch = np.diag([shape[1] / width, shape[0] / height])
        matrix = np.concatenate([stretch, np.zeros((2, 1))], axis=1)
        if rng.random() < 0.5:
            matrix = np.array([[-1, 0, shape[1] - 1], [0, 1, 0]]) @ np.concatenate([matrix, [[0, 0, 1]]])
    else:
        ratio = max(shape) / max(height, width)
        low, high = options.views.scales
        matrix = random_affine((height, width), shape, rng, replace(options.views, scales=(low * ratio, high * ratio)))
    view = warp(photograph, matrix, shape)
    return replace(photograph, image=view.image, maps=view.maps)


def differentiable_inputs(outputs: PixelOutputs, margin: Tensor, scene: Scene, half: bool) -> tuple[Tensor, ...]:
    """What the region network reads, as `region_inputs` makes it, with gradients for the pixel network.

    They flow through embedding, bias and features of regions and through the logits of pairs; not through the tree nor
    the soft sizes.

    Args:
        outputs: of the pixel network for one image.
        margin: ().
        scene: of that image.
        half: whether pairs become bfloat16.
    """
    device = margin.device
    maps = torch.cat([outputs.embedding, outputs.bias + margin, outputs.features], dim=1)[0].float()
    told = maps.detach().cpu().numpy()
    length = outputs.embedding.shape[1]
    boundary = outputs.boundary[0, 0].detach().float().cpu().numpy()
    said = PixelMaps(boundary, told[:length], told[length], told[length + 1 :])
    plain = on_device(region_inputs(summarise(scene.image, scene.region_map, said, scene.colours)), device)
    means = mean_over_regions(maps, scene.region_map)
    embedding, bias, features = means[:, :length], means[:, length : length + 1], means[:, length + 1 :]
    tokens = torch.cat([features, embedding, bias, plain[0][:, len(told) :]], dim=1)
    square = embedding.square().sum(1)
    distance = (square[:, None] + square - 2 * embedding @ embedding.T).clamp_min(0)
    logits = 0.25 * torch.stack([bias[:, 0] - distance, bias - distance]).clamp(-12, 6)
    pairs = plain[1].to(torch.bfloat16) if half else plain[1]
    pairs = torch.cat([pairs[:1], logits.to(pairs.dtype), pairs[3:]])
    return (tokens, pairs, *plain[2:])


def mean_over_regions(maps: Tensor, region_map: NDArray[np.uint16]) -> Tensor:
    """(R, C) means of maps (C, h/4, w/4) over regions (h, w), each cell weighted by its pixels in the region."""
    regions, cells, counts = (torch.from_numpy(part).to(maps.device) for part in overlaps(region_map))
    totals = torch.from_numpy(np.bincount(region_map.ravel()).astype(np.float32)).to(maps.device)
    sums = maps.new_zeros(len(totals), len(maps))
    sums = sums.index_add(0, regions, maps.flatten(1).T[cells] * counts[:, None])
    return sums / totals[:, None]
