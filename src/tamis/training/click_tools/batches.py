"""Samples of a training by number: the same number gives the same sample in every process and after every kill."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis.errors import InputError
from tamis.segmentors.disks import Place
from tamis.training.click_tools.augment import Augmentation, augmented
from tamis.training.click_tools.points import Clicking, draw_clicks
from tamis.training.click_tools.sources import Source

DRAWS = 200
"""Images tried for one sample before the data is said to have no objects."""
NESTED = 4
"""Masks around a click that the loss of level lines sees."""


@dataclass(frozen=True, eq=False)
class Sample:
    """One image with what is asked of it.

    Attributes:
        image: (3, S, S) uint8.
        target: (S, S) bool.
        weights: (S, S) bool, pixels that count.
        clicks: row, column and sign.
        nested: (J, S, S) bool, every object that holds the first positive click; none unless they are wanted.
        without: images that were drawn and had no object.
        unreadable: files that could not be read.
    """

    image: NDArray[np.uint8]
    target: NDArray[np.bool_]
    weights: NDArray[np.bool_]
    clicks: list[Place]
    nested: NDArray[np.bool_]
    without: int
    unreadable: tuple[str, ...]


@dataclass(frozen=True)
class Drawing:
    """How samples are drawn.

    Attributes:
        sources: all images have the same chance.
        side: of the square.
        least: objects of fewer pixels in the square are no targets.
        background: probability that an image without an object is kept, with negative clicks alone.
        clicking: how objects and clicks are drawn.
        augmentation: of the image.
        nested: whether the objects around the click are wanted.
        seed: of all.
    """

    sources: Sequence[Source]
    side: int
    least: int
    background: float
    clicking: Clicking
    augmentation: Augmentation
    nested: bool
    seed: int
    _ends: list[int] = field(init=False)

    def __post_init__(self) -> None:
        ends = np.cumsum([len(source.names) for source in self.sources]).tolist()
        object.__setattr__(self, "_ends", ends)
        if not ends or not ends[-1]:
            raise InputError("there are no images to train on: name a dataset with --data")

    def sample(self, number: int) -> Sample:
        """The sample of a number.

        Raises:
            InputError: none of many images could be read, or had an object that is large enough.
        """
        rng = np.random.default_rng((self.seed, number))
        without, unreadable = 0, []
        for _ in range(DRAWS):
            index = int(rng.integers(self._ends[-1]))
            which = next(i for i, end in enumerate(self._ends) if index < end)
            try:
                scene = self.sources[which].scene(index - (self._ends[which - 1] if which else 0), rng)
            except InputError as error:
                unreadable.append(str(error))
                continue
            scene = augmented(scene, self.side, self.augmentation, rng).without_small(self.least)
            if not scene.objects:
                without += 1
                if rng.random() >= self.background:
                    continue
            asked = draw_clicks(scene, self.clicking, rng)
            nested = np.zeros((0, self.side, self.side), bool)
            first = next((click for click in asked.clicks if click[2]), None)
            if self.nested and first is not None:
                around = [asked.target, *scene.around(int(first[0]), int(first[1]))]
                nested = np.stack(around[:NESTED])
            known = np.ones(asked.target.shape, bool) if scene.unknown is None else ~scene.unknown
            image = np.ascontiguousarray(scene.image.transpose(2, 0, 1))
            return Sample(image, asked.target & known, known, asked.clicks, nested, without, tuple(unreadable))
        if unreadable:
            raise InputError(f"{len(unreadable)} of {DRAWS} images could not be read; the first: {unreadable[0]}")
        raise InputError(
            f"{without} images in turn had no object of {self.least} pixels at {self.side} pixels: choose other data "
            "or a smaller --set least_area="
        )


@dataclass
class Counts:
    """What became of the images of a run.

    Attributes:
        without: draws of an image without an object.
        unreadable: messages, and how often each came.
    """

    without: int = 0
    unreadable: Counter[str] = field(default_factory=Counter)

    def add(self, sample: Sample) -> None:
        """Count a sample."""
        self.without += sample.without
        self.unreadable.update(sample.unreadable)


class NumberedSamples:
    """Samples by their numbers, for torch's loader.

    Args:
        drawing: how they are drawn.
        steps: from the first to the one after the last.
        batch: samples of a step, over all processes.
        share: of this process.
        rank: of this process.
    """

    def __init__(self, drawing: Drawing, steps: range, batch: int, share: int, rank: int) -> None:
        self.drawing, self.steps, self.batch, self.share, self.rank = drawing, steps, batch, share, rank

    def __len__(self) -> int:
        return len(self.steps) * self.share

    def __getitem__(self, place: int) -> Any:
        step, within = divmod(place, self.share)
        return self.drawing.sample(self.steps[step] * self.batch + self.rank * self.share + within)
