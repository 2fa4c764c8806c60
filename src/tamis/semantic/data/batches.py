"""The endless stream of training batches: what is at a position follows from the seed alone.

So a run that was killed goes on with the images that it would have seen, one graphics card sees the images that eight
would have seen, and accumulated parts make up the batch that was meant.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tamis.errors import InputError
from tamis.semantic.data.dataset import IGNORE, BrokenFiles, Pixels, SemanticDataset, read_or_replace
from tamis.semantic.data.pipeline import TrainTransform, augment, stack
from tamis.semantic.data.transforms import normalise

AHEAD = 3
"""Batches that are made ready while one is learned from."""


@dataclass(frozen=True, slots=True)
class Shares:
    """How a batch is shared out."""

    batch: int
    """Images between two steps of the optimiser."""
    devices: int
    per_device: int
    """Images at once on each device."""

    @property
    def parts(self) -> int:
        """How often gradients are added up before a step."""
        return self.batch // (self.devices * self.per_device)

    def sentence(self) -> str:
        """For the person who starts a run."""
        at_once = f"{self.devices} device{'s' if self.devices > 1 else ''} × {self.per_device} images"
        added = f", gradients added up over {self.parts} parts" if self.parts > 1 else ""
        return f"batch: {self.batch} images for every step, as the recipe has it: {at_once}{added}"

    def positions(self, step: int, part: int, rank: int) -> range:
        """Where in the stream the images of one part on one device are."""
        first = step * self.batch + (part * self.devices + rank) * self.per_device
        return range(first, first + self.per_device)


def share_out(batch: int, devices: int, per_device: int) -> Shares:
    """Share a batch out over devices and parts.

    Raises:
        InputError: it cannot be, evenly.
    """
    if batch < devices:
        raise InputError(f"a batch of {batch} images is less than one for each of {devices} devices: use fewer devices")
    per_device = min(per_device, batch // devices)
    if per_device < 1 or batch % (devices * per_device):
        raise InputError(
            f"a batch of {batch} images cannot be shared out over {devices} devices with {per_device} at once: give "
            f"--override per_device=N with a divisor of {batch // devices}"
        )
    return Shares(batch, devices, per_device)


class Batch(NamedTuple):
    """Images to learn from."""

    images: Tensor
    """(B, 3, H, W) float32, normalised."""
    labels: Tensor
    """(B, H, W) int64, 255 where ignored."""
    names: tuple[str, ...]
    unlabelled: int
    """Crops in which no pixel is labelled."""


@dataclass
class Stream:
    """Samples by position, and what went wrong with them.

    Attributes:
        dataset: to draw from.
        transform: of each image.
        seed: of everything.
        broken: files that were passed over.
    """

    dataset: SemanticDataset
    transform: TrainTransform
    seed: int
    broken: BrokenFiles = field(default_factory=BrokenFiles)

    def sample(self, position: int) -> tuple[NDArray[np.float32], Pixels, str]:
        """The image, label map and name at a position.

        Raises:
            InputError: labels do not fit, or too many files are broken.
        """
        epoch, place = divmod(position, len(self.dataset))
        index = int(_order(self.seed, epoch, len(self.dataset))[place])
        rng = np.random.default_rng((self.seed, 1, position))
        image, label = read_or_replace(self.dataset, index, rng, self.broken)
        image, label = augment(image, label, self.transform, rng)
        return normalise(image), label, self.dataset.images[index].name

    def batch(self, positions: Sequence[int]) -> Batch:
        """The batch at some positions, padded to the size of a crop."""
        images, labels, names = zip(*(self.sample(position) for position in positions), strict=True)
        pixels, targets = stack(images, labels, self.transform.crop)
        return Batch(
            torch.from_numpy(pixels),
            torch.from_numpy(targets.astype(np.int64)),
            names,
            sum(bool((label == IGNORE).all()) for label in labels),
        )


@contextmanager
def ready_batches(stream: Stream, wanted: Iterator[Sequence[int]], workers: int) -> Iterator[Iterator[Batch]]:
    """Batches in order, made ahead by threads; with no workers each is made when it is asked for."""
    if workers == 0:
        yield (stream.batch(positions) for positions in wanted)
        return
    with ThreadPoolExecutor(workers) as pool:
        yield _ahead(stream, wanted, pool, max(AHEAD, workers))
        pool.shutdown(cancel_futures=True)


def _ahead(stream: Stream, wanted: Iterator[Sequence[int]], pool: ThreadPoolExecutor, count: int) -> Iterator[Batch]:
    waiting: deque[Future[Batch]] = deque()
    for positions in wanted:
        waiting.append(pool.submit(stream.batch, positions))
        if len(waiting) > count:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


@lru_cache(maxsize=4)
def _order(seed: int, epoch: int, count: int) -> NDArray[np.int64]:
    return np.random.default_rng((seed, 0, epoch)).permutation(count)
