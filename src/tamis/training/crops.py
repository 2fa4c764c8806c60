"""Training crops: pieces of photographs, warped, with label maps, boundary targets and clicks.

A whole batch is cut at once, on the device where the album lies: the only thing that comes from elsewhere is which
photographs are drawn.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from tamis.datasets.supervision import Kind
from tamis.training.album import KINDS, Album

LEAST_CELLS = 6
"""A mask needs as many cells of stride 4 in a crop to be clicked."""

DRAWN_BORDERS = 0.3
"""Weight of borders where only objects are drawn."""


@dataclass(frozen=True, slots=True)
class CropOptions:
    """How crops are drawn."""

    size: int = 192
    """Side in pixels, a multiple of 32."""
    scales: tuple[float, float] = (0.6, 1.35)
    """Log-uniform magnification."""
    aspect: float = 0.15
    """Log of the largest stretch of x against y."""
    rotation: float = 0.35
    """Radians, in `rotated` of the crops."""
    rotated: float = 0.3
    quarter_turns: float = 0.0
    """Share of the crops that are turned by a right angle, either way."""
    clicks: int = 24
    """Clicks per crop."""
    background: float = 0.2
    """Share of clicks outside the object where there is only one."""
    background_weight: float = 0.25
    """What these clicks weigh in the loss."""


class CropBatch(NamedTuple):
    """B crops of S pixels with K clicks each, on the album's device."""

    images: Tensor
    """(B, 3, S, S) float32 in [0, 1]."""
    labels: Tensor
    """(B, S/4, S/4) int16: −1 unknown, 0 no mask, 1.. masks."""
    boundary: Tensor
    """(B, S/2, S/2) float32: the share of annotators who drew a border here."""
    boundary_weight: Tensor
    """(B, S/2, S/2) float32: 0 where nothing is known."""
    cells: Tensor
    """(B, K) int64, flat index of the clicked cells."""
    masks: Tensor
    """(B, K) int16, label of the clicked masks."""
    weights: Tensor
    """(B, K) float32, what each click weighs; 0 where a crop has no mask to click."""


class Places(NamedTuple):
    """Where the pixels of B crops lie in their photographs."""

    x: Tensor
    """(B, S, S) float32, in pixels, 0 the middle of the first one; may be outside."""
    y: Tensor


def draw_crops(
    album: Album, numbers: NDArray[np.int64], rng: np.random.Generator, chance: torch.Generator, options: CropOptions
) -> CropBatch:
    """A random crop of each of some photographs, mirrored and brightened at random.

    Args:
        album: where they lie.
        numbers: (B,) which.
        rng: of the annotator who is believed, where several drew.
        chance: of everything else; on the album's device.
        options: how.
    """
    kinds = album.kinds[numbers]
    first, end = album.maps[numbers].T
    # Several annotators tell where borders are; one of them, what a click means.
    heard = np.where(kinds == KINDS.index(Kind.PARTITION), end - first, 1)
    crops = np.repeat(np.arange(len(numbers)), heard)
    begins = np.cumsum(heard) - heard
    maps = np.repeat(first - begins, heard) + np.arange(len(crops))
    believed = begins + (rng.random(len(numbers)) * heard).astype(np.int64)

    def sent(array: NDArray[np.int64]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(album.device, non_blocking=True)

    shapes = sent(album.shapes[numbers])
    places = draw_places(shapes, chance, options)
    crop_of = sent(crops)
    labels = cut_labels(
        album.labels, sent(album.map_starts[maps]), shapes[crop_of], Places(*(p[crop_of] for p in places))
    )
    borders, known = borders_of(labels)
    kind_of = sent(kinds)
    boundary, weight = consensus(borders, known, crop_of, sent(heard))
    drawn_only = (kind_of != KINDS.index(Kind.PARTITION))[:, None, None]
    weight = torch.where(drawn_only, weight * DRAWN_BORDERS * (boundary > 0), weight)
    cells = labels[sent(believed)][:, 2::4, 2::4].contiguous()
    clicked = draw_clicks(cells, kind_of == KINDS.index(Kind.SINGLE), chance, options)
    images = vary_colours(cut_images(album.pixels, sent(album.starts[numbers]), shapes, places), chance)
    return CropBatch(images, cells, boundary, weight, *clicked)


def draw_places(shapes: Tensor, chance: torch.Generator, options: CropOptions) -> Places:
    """Where crops lie: scaled, stretched, turned, mirrored; their middles up to a tenth beyond the border.

    Args:
        shapes: (B, 2) int64, heights and widths of the photographs.
        chance: source of randomness, on the device of `shapes`.
        options: how.
    """
    count, half = len(shapes), options.size / 2

    def number(low: float, high: float) -> Tensor:
        return torch.rand(count, generator=chance, device=shapes.device) * (high - low) + low

    scale = torch.exp(number(*np.log(options.scales).tolist()))
    stretch = torch.exp(number(-options.aspect, options.aspect) / 2)
    turned = number(0, 1) < options.rotated
    angle = torch.where(turned, number(-options.rotation, options.rotation), torch.zeros_like(scale))
    if options.quarter_turns:
        angle = angle + (number(0, 1) < options.quarter_turns) * torch.where(number(0, 1) < 0.5, -1, 1) * (np.pi / 2)
    flip = torch.where(number(0, 1) < 0.5, -1.0, 1.0)
    scales = torch.stack([scale / stretch, scale * stretch], dim=1)  # of y and x
    reach, sides = half / scales, shapes.to(scales.dtype)
    # Objects that leave the picture are to be known too.
    low = torch.minimum(reach, sides / 2) - 0.1 * reach
    high = torch.maximum(sides - reach, sides / 2) + 0.1 * reach
    middle = low + (high - low) * torch.rand((count, 2), generator=chance, device=shapes.device) - 0.5
    steps = torch.arange(options.size, device=shapes.device) + (0.5 - half)
    down, right = steps[None, :, None], steps[None, None, :]
    cosine, sine = torch.cos(angle)[:, None, None], torch.sin(angle)[:, None, None]
    x = (cosine * right + sine * down) * (flip / scales[:, 1])[:, None, None] + middle[:, 1, None, None]
    y = (cosine * down - sine * right) / scales[:, 0, None, None] + middle[:, 0, None, None]
    return Places(x, y)


def cut_images(pixels: Tensor, starts: Tensor, shapes: Tensor, places: Places) -> Tensor:
    """(B, 3, S, S) float32 in [0, 1]: photographs at `places`, bilinear, mirrored beyond their borders.

    Args:
        pixels: (P, 3) uint8.
        starts: (B,) int64, where each photograph begins in `pixels`.
        shapes: (B, 2) int64.
        places: where.
    """
    height, width = shapes[:, 0, None, None], shapes[:, 1, None, None]
    x, y = _reflected(places.x, width), _reflected(places.y, height)
    left, top = x.long(), y.long()
    right, below = torch.minimum(left + 1, width - 1), torch.minimum(top + 1, height - 1)
    x, y = (x - left)[..., None], (y - top)[..., None]
    upper, lower = starts[:, None, None] + top * width, starts[:, None, None] + below * width
    above = torch.lerp(pixels[upper + left].float(), pixels[upper + right].float(), x)
    under = torch.lerp(pixels[lower + left].float(), pixels[lower + right].float(), x)
    return torch.lerp(above, under, y).permute(0, 3, 1, 2).div_(255)


def _reflected(place: Tensor, side: Tensor) -> Tensor:
    last = (side - 1).to(place.dtype)
    period = (2 * last).clamp_min(1)
    inside = torch.remainder(place, period)
    return torch.minimum(inside, period - inside).minimum(last)


def cut_labels(labels: Tensor, starts: Tensor, shapes: Tensor, places: Places) -> Tensor:
    """(C, S, S) int16: maps at `places`, nearest neighbour, −1 outside; the rest as for `cut_images`."""
    height, width = shapes[:, 0, None, None], shapes[:, 1, None, None]
    column, row = torch.round(places.x).long(), torch.round(places.y).long()
    outside = (column < 0) | (row < 0) | (column >= width) | (row >= height)
    index = starts[:, None, None] + row.clamp_min(0).minimum(height - 1) * width
    index += column.clamp_min(0).minimum(width - 1)
    return labels[index].masked_fill_(outside, -1)


def borders_of(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Where maps change, one pixel wide, dilated 2×2 and max-pooled to stride 2; and where that is known.

    Args:
        labels: (C, S, S) int16, −1 unknown.

    Returns:
        (C, S/2, S/2) float32 of 0 and 1 each.

    >>> borders_of(torch.tensor([[[1, 1, 1, 2]] * 4]))[0].tolist()
    [[[0.0, 1.0], [0.0, 1.0]]]
    """
    change = torch.zeros(labels.shape, device=labels.device)
    change[:, :, :-1] = (labels[:, :, :-1] != labels[:, :, 1:]).float()
    change[:, :-1] = change[:, :-1].maximum((labels[:, :-1] != labels[:, 1:]).float())
    dilated = F.max_pool2d(F.pad(change[:, None], (1, 0, 1, 0)), 2, stride=1)
    unknown = F.max_pool2d((labels < 0).float()[:, None], 3, stride=1, padding=1)
    known = 1 - F.max_pool2d(unknown, 2)[:, 0]
    return F.max_pool2d(dilated, 2)[:, 0] * known, known


def consensus(borders: Tensor, known: Tensor, crop_of: Tensor, heard: Tensor) -> tuple[Tensor, Tensor]:
    """The share of annotators who drew each border, and where all of them are known.

    Args:
        borders: (C, h, w) float32.
        known: (C, h, w) float32.
        crop_of: (C,) int64, the crop that each map belongs to.
        heard: (B,) int64, how many maps each crop has.

    Returns:
        (B, h, w) float32 each.
    """
    size, each = (len(heard), *borders.shape[1:]), heard[:, None, None].to(borders.dtype)
    share = borders.new_zeros(size).index_add_(0, crop_of, borders) / each
    agreed = known.new_zeros(size).index_add_(0, crop_of, known)
    return share, (agreed > each - 0.5).to(known.dtype)


def draw_clicks(
    labels: Tensor, single: Tensor, chance: torch.Generator, options: CropOptions
) -> tuple[Tensor, Tensor, Tensor]:
    """K clicks in each of B crops: a mask uniformly among those with enough cells, then a cell of it uniformly.

    Args:
        labels: (B, h, w) int16.
        single: (B,) bool: there is one object, and what is outside it may be clicked too.
        chance: source of randomness.
        options: how many, and how often outside.

    Returns:
        cells (B, K) int64, masks (B, K) int16 and weights (B, K) float32; without any mask to click, weights are 0.
    """
    count, clicks = len(labels), options.clicks
    flat = labels.flatten(1)
    order = flat.argsort(dim=1, stable=True)
    most = int(labels.max()) + 2
    sizes = torch.zeros((count, most), dtype=torch.long, device=labels.device)
    sizes.scatter_add_(1, flat.long() + 1, torch.ones_like(order))  # by label + 1: the first is what is unknown
    starts = sizes.cumsum(1) - sizes
    enough = sizes >= LEAST_CELLS
    enough[:, :2] = False
    any_mask = enough.any(dim=1, keepdim=True)
    chances = torch.where(any_mask, enough.float(), torch.ones_like(enough, dtype=torch.float))
    chosen = torch.multinomial(chances, clicks, replacement=True, generator=chance)
    outside = torch.rand((count, clicks), generator=chance, device=labels.device) < options.background
    outside &= (single & (sizes[:, 1] >= LEAST_CELLS))[:, None]
    chosen = torch.where(outside, torch.ones_like(chosen), chosen)
    weights = torch.where(outside, options.background_weight, 1.0) * any_mask
    within = (torch.rand((count, clicks), generator=chance, device=labels.device) * sizes.gather(1, chosen)).long()
    place = (starts.gather(1, chosen) + within).clamp_max(flat.shape[1] - 1)
    return order.gather(1, place), (chosen - 1).to(torch.int16), weights


def vary_colours(images: Tensor, chance: torch.Generator) -> Tensor:
    """Brightness ±25 %, channel gains ±10 %, saturation .4 to 1.5, gamma in three of ten, grey in a tenth.

    Args:
        images: (B, 3, H, W) in [0, 1].
        chance: source of randomness.
    """

    def number(low: float, high: float, channels: int = 1) -> Tensor:
        drawn = torch.rand((len(images), channels, 1, 1), generator=chance, device=images.device)
        return drawn * (high - low) + low

    grey = images.mean(dim=1, keepdim=True)
    saturation = number(0.4, 1.5)
    saturation = torch.where(number(0, 1) < 0.1, torch.zeros_like(saturation), saturation)
    images = grey + (images - grey) * saturation
    images = images * number(0.75, 1.25) * number(0.9, 1.1, 3)
    images = images.clamp(0, 1)
    return images ** torch.where(number(0, 1) < 0.3, number(0.7, 1.4), torch.ones_like(saturation))
