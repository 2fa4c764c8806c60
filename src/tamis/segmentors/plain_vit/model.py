"""SegNext as a segmentor, whoever runs its network: torch, or onnxruntime without torch."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ImageArray, MaskArray, ProbabilityArray
from tamis.clicks import Click, require_inside, with_clicked_pixels
from tamis.errors import InputError
from tamis.image import require_rgb
from tamis.odds import sigmoid
from tamis.segmentors.disks import disks
from tamis.segmentors.replay import Replay
from tamis.segmentors.resampling import resized, resized_by_corners

Array = NDArray[np.float32]


class Runner(Protocol):
    """A network that has been loaded."""

    @property
    def side(self) -> int:
        """Pixels of a side of the square that it sees."""
        ...

    @property
    def radius(self) -> int:
        """Pixels of a click's disk in the square."""
        ...

    def encode(self, square: Array) -> Array:
        """(3, side, side) of 0 to 1 → features (1, C, g, g)."""
        ...

    def logits(self, features: Array, prompts: Array) -> Array:
        """(N, 3, side, side) mask so far, positive and negative disks → (N, h, w) logits."""
        ...


@dataclass(frozen=True)
class SegNextSegmentor:
    """A SegNext that answers clicks; its encoded images can be written down (`tamis.segmentors.cache`).

    Attributes:
        name: of the family.
        runner: the network.
        weights_sha256: of the checkpoint.
        unused: names in the checkpoint that nothing reads.
    """

    name: str
    runner: Runner
    weights_sha256: str
    unused: tuple[str, ...] = ()

    @property
    def encoding_version(self) -> str:
        """The size of the square decides an encoding, besides the weights."""
        return f"squashed {self.runner.side}"

    def encode(self, image: ImageArray) -> "EncodedSegNext":
        """Do all the work that does not depend on clicks.

        Args:
            image: (H, W, 3) uint8 RGB, at least one pixel.

        Raises:
            InputError: the array is no such image.
            UnavailableError: the graphics card's memory does not suffice.
        """
        image = require_rgb(image)
        features = self.runner.encode(squashed(image, self.runner.side))
        return EncodedSegNext((image.shape[0], image.shape[1]), features, self.runner)

    def from_arrays(self, image: ImageArray, arrays: Mapping[str, NDArray[Any]]) -> "EncodedSegNext":
        """The encoded image whose `arrays()` these are.

        Raises:
            KeyError: one is missing.
        """
        return EncodedSegNext((image.shape[0], image.shape[1]), arrays["features"].astype(np.float32), self.runner)


def squashed(image: ImageArray, side: int) -> Array:
    """(3, side, side) float32 of 0 to 1: both sides resized, whatever their ratio, without antialiasing."""
    pixels = np.ascontiguousarray(image.transpose(2, 0, 1), np.float32) / np.float32(255)
    return resized(pixels, (side, side))


@dataclass(frozen=True, eq=False)
class EncodedSegNext:
    """An image ready for clicks.

    The answer to a further click starts from the probabilities of the last (`AnswersInTurn`), as in SegNext's
    evaluation; `probability` of several clicks makes them one after the other.
    """

    shape: tuple[int, int]
    features: Array
    runner: Runner
    _made: Replay[ProbabilityArray] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_made", Replay(np.zeros(self.shape, np.float32), self.corrected))

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """What `from_arrays` needs."""
        return {"features": self.features}

    def probability(self, clicks: Sequence[Click]) -> ProbabilityArray:
        """(H, W) float32: P(pixel in mask | the clicks in their order), each click's own pixel kept.

        Raises:
            InputError: there is no click, or one lies outside the image.
        """
        require_inside(clicks, self.shape)
        return with_clicked_pixels(self._made.after(clicks), clicks)

    def in_turn(self) -> Callable[[Sequence[Click]], ProbabilityArray]:
        """Begin a mask; the network's own answers, in which clicks do not take their pixels."""
        return self._made.after

    def probability_from_mask(self, mask: MaskArray, clicks: Sequence[Click]) -> ProbabilityArray:
        """(H, W) float32: the mask as corrected by the clicks, of which there may be none.

        Raises:
            InputError: the mask has another size than the image, or a click lies outside.
        """
        if mask.shape != self.shape:
            raise InputError(f"the mask is {mask.shape[::-1]} pixels, the image {self.shape[::-1]}: they must be equal")
        require_inside(clicks, self.shape)
        return with_clicked_pixels(self.corrected(mask.astype(np.float32), clicks), clicks)

    def probabilities(self, clicks: Sequence[Click]) -> ProbabilityArray:
        """(N, h, w) float32: each click alone, at the size of the network's logits.

        Raises:
            InputError: a click lies outside the image.
        """
        require_inside(clicks, self.shape)
        return sigmoid(self._asked(np.zeros(self.shape, np.float32), [[click] for click in clicks]))

    def alone(self, clicks: Sequence[Click]) -> Iterator[ProbabilityArray]:
        """For each click the (H, W) float32 of `probability([click])`."""
        for click in clicks:
            yield self.probability([click])

    def corrected(self, before: ProbabilityArray, clicks: Sequence[Click]) -> ProbabilityArray:
        """(H, W) float32: the network's answer to the probabilities (H, W) of the mask so far, and all clicks."""
        logits = self._asked(before, [clicks])[0]
        side = self.runner.side
        return sigmoid(resized(resized_by_corners(logits, (side, side)), self.shape))

    def _asked(self, before: ProbabilityArray, asked: Sequence[Sequence[Click]]) -> Array:
        """(N, h, w) logits for each group of clicks, beside the same mask so far."""
        side = self.runner.side
        small = resized(before, (side, side))
        prompts = np.empty((len(asked), 3, side, side), np.float32)
        prompts[:, 0] = small
        for prompt, clicks in zip(prompts, asked, strict=True):
            prompt[1:] = disks([self._place(click) for click in clicks], self.runner.radius, (side, side))
        return self.runner.logits(self.features, prompts)

    def _place(self, click: Click) -> tuple[float, float, bool]:
        """Where a click falls in the square: its pixel's row and column, scaled and rounded as SegNext does."""
        row, column = click.pixel
        scale = self.runner.side
        place = int(row * (scale / self.shape[0]) + 0.5), int(column * (scale / self.shape[1]) + 0.5)
        return (*place, click.positive)
