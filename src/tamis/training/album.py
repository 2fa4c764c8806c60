"""All photographs of a training in a few flat arrays on one device, so that crops are cut where they are needed.

Photographs have many shapes; in a flat array none is padded, and a crop is a list of indices into it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tamis.datasets.supervision import Kind
from tamis.training.photographs import Photograph

KINDS = tuple(Kind)


@dataclass(frozen=True)
class Album:
    """N photographs with M label maps.

    Attributes:
        pixels: (P, 3) uint8, on the device; the photographs row by row, one after the other.
        labels: (Q,) int16, on the device; the maps likewise.
        shapes: (N, 2) int64, heights and widths.
        starts: (N,) int64, first index into `pixels`.
        kinds: (N,) int64, index into `KINDS`.
        maps: (N, 2) int64, first and one past last map of each photograph.
        map_starts: (M,) int64, first index into `labels`.
    """

    pixels: Tensor
    labels: Tensor
    shapes: NDArray[np.int64]
    starts: NDArray[np.int64]
    kinds: NDArray[np.int64]
    maps: NDArray[np.int64]
    map_starts: NDArray[np.int64]

    @classmethod
    def of(cls, photographs: Iterable[Photograph], device: torch.device) -> "Album":
        """Lay photographs out on a device; at least one."""
        pixels, labels, shapes, kinds, counts = [], [], [], [], []
        for photograph in photographs:
            pixels.append(torch.from_numpy(np.ascontiguousarray(photograph.image)).view(-1, 3).to(device))
            labels += [torch.from_numpy(np.ascontiguousarray(m)).view(-1).to(device) for m in photograph.maps]
            shapes.append(photograph.image.shape[:2])
            kinds.append(KINDS.index(photograph.kind))
            counts.append(len(photograph.maps))
        ends = np.cumsum(counts)
        return cls(
            torch.cat(pixels),
            torch.cat(labels),
            np.array(shapes, np.int64),
            _starts([len(each) for each in pixels]),
            np.array(kinds, np.int64),
            np.stack([ends - counts, ends], axis=1).astype(np.int64),
            _starts([len(each) for each in labels]),
        )

    @property
    def device(self) -> torch.device:
        """Where the pixels are."""
        return self.pixels.device


def _starts(lengths: list[int]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64)
