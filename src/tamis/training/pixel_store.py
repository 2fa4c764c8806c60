"""Corrections on the device that learns from them, so that a step waits for nothing: crops of them are taken there.

With crops cut one by one by a processor a GPU waits; so it took fifteen steps a second of some seventy crops.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tamis.segmentors.embedded.pixel_corrections import RADIUS
from tamis.training.pixel_examples import PixelExample

STRIDES = {"boundary": 2, "features": 4}
"""Of the maps that are smaller than the image."""


class PixelBatch(NamedTuple):
    """What the network is fed of B crops of (h, w) pixels, and what it should say."""

    fed: tuple[Tensor, ...]
    """`image`, `masks`, `clicks`, `boundary` and `features`, as `PixelCorrectionNetwork` takes them."""
    truth: Tensor
    """(B, h·w) from 0 to 1."""
    known: Tensor
    """(B, h·w) 0 or 1."""


class PixelStore:
    """N corrections, all padded to the size of the largest.

    Attributes:
        sizes: (height, width) of each.
        last: the pixel (row, column) of its last click.
    """

    def __init__(self, examples: Sequence[PixelExample], device: torch.device) -> None:
        contexts = {id(each.context): each.context for each in examples}
        place = {key: number for number, key in enumerate(contexts)}
        side = max((max(each.shape) for each in contexts.values()), default=0)
        most = max((len(each.clicks) for each in examples), default=0)

        def room(count: int, channels: int, stride: int, dtype: torch.dtype) -> Tensor:
            return torch.zeros((count, channels, side // stride, side // stride), dtype=dtype, device=device)

        depth = next(iter(contexts.values())).features.shape[0] if contexts else 0
        self.sizes = [each.context.shape for each in examples]
        self.last = [each.clicks[-1].pixel for each in examples]
        self._image = room(len(contexts), 3, 1, torch.uint8)
        self._boundary = room(len(contexts), 1, STRIDES["boundary"], torch.float16)
        self._features = room(len(contexts), depth, STRIDES["features"], torch.float16)
        for number, context in enumerate(contexts.values()):
            _put(self._image[number], context.small.transpose(2, 0, 1))
            _put(self._boundary[number], context.boundary[None])
            _put(self._features[number], context.features)
        self._masks = room(len(examples), 4, 1, torch.uint8)
        # Row, column and sign; 0 is no click.
        self._clicks = torch.zeros((len(examples), most, 3))
        for number, each in enumerate(examples):
            _put(self._masks[number], np.stack([each.told, each.before, each.truth, 255 * each.known.view(np.uint8)]))
            told = [(*click.pixel, 1 if click.positive else -1) for click in each.clicks]
            self._clicks[number, most - len(told) :] = torch.tensor(told)
        self._clicks = self._clicks.to(device)
        self._context = torch.tensor([place[id(each.context)] for each in examples], device=device)
        self._size = torch.tensor(self.sizes, device=device).view(-1, 2)

    def crops(self, numbers: Tensor, rows: Tensor, columns: Tensor, untold: Tensor) -> PixelBatch:
        """Crops of B of the corrections; what lies outside an image is 0 everywhere.

        Args:
            numbers: (B,) which ones.
            rows: (B, h) of their pixels; whole cells of the stride, first to last.
            columns: (B, w) the same, first to last or, for a mirrored crop, last to first.
            untold: (B,) bool: those that are told the mask before instead of the regions' answer.
        """
        context, size = self._context[numbers], self._size[numbers]

        def cells(stride: int) -> tuple[Tensor, Tensor, Tensor]:
            """(B, h), (B, w) and (B, 1, h, w): which ones, and whether they are of the image."""
            down, across = rows[:, ::stride] // stride, columns[:, ::stride] // stride
            there = (down < size[:, :1] // stride)[:, None, :, None] & (across < size[:, 1:] // stride)[:, None, None]
            return down, across, there

        def cut(maps: Tensor, which: Tensor, stride: int = 1) -> Tensor:
            down, across, there = cells(stride)
            down, across = (each.clamp(max=maps.shape[-1] - 1) for each in (down, across))
            channels = torch.arange(maps.shape[1], device=maps.device)[None, :, None, None]
            return there * maps[which[:, None, None, None], channels, down[:, None, :, None], across[:, None, None]]

        ones = cells(1)[2]
        told, before, truth, known = cut(self._masks, numbers).unbind(dim=1)
        masks = torch.stack([torch.where(untold[:, None, None], before, told), before], dim=1)
        fed = (
            cut(self._image, context).float() / 255,
            (masks.float() / 127.5 - 1) * ones,
            self._discs(numbers, rows, columns) * ones,
            cut(self._boundary, context, STRIDES["boundary"]).float(),
            cut(self._features, context, STRIDES["features"]).float(),
        )
        planes = tuple(each.contiguous(memory_format=torch.channels_last) for each in fed)
        return PixelBatch(planes, truth.flatten(1).float() / 255, (known > 0).flatten(1).float())

    def _discs(self, numbers: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        """(B, 3, h, w), as `tamis.segmentors.embedded.pixel_corrections.discs`."""
        clicks = self._clicks[numbers]
        down = (rows[:, None] - clicks[:, :, :1]).square()
        across = (columns[:, None] - clicks[:, :, 1:2]).square()
        near = down[..., None] + across[:, :, None] <= RADIUS**2
        signs = clicks[:, :, 2, None, None]
        planes = (near & (signs > 0)).any(dim=1), (near & (signs < 0)).any(dim=1), near[:, -1] * signs[:, -1]
        return torch.stack([each.float() for each in planes], dim=1)


def _put(room: Tensor, values: NDArray[np.generic]) -> None:
    """Fill the upper left corner of a map (C, S, S)."""
    room[:, : values.shape[1], : values.shape[2]] = torch.from_numpy(np.ascontiguousarray(values))
