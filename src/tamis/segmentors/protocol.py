"""What a segmentor is: two protocols every model satisfies, and small optional abilities.

Optional abilities are asked for with `isinstance(encoded, AnswersByRegion)`, never with a flag.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ImageArray, MaskArray, ProbabilityArray
from tamis.clicks import Box, Click
from tamis.regions.appearance import Appearance
from tamis.regions.protocol import AnswersByRegion as AnswersByRegion


@runtime_checkable
class EncodedImage(Protocol):
    """An image ready for clicks: an immutable value, safe to share between threads and to keep in a cache."""

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) of the original image in pixels."""
        ...

    def probability(self, clicks: Sequence[Click]) -> ProbabilityArray:
        """(H, W) float32: P(pixel in mask | all clicks together), at the original size.

        Raises:
            InputError: there is no click, or one lies outside the image.
        """
        ...

    def probabilities(self, clicks: Sequence[Click]) -> ProbabilityArray:
        """(N, h, w) float32: P(pixel in mask | each click alone), at the segmentor's own resolution.

        Raises:
            InputError: a click lies outside the image.
        """
        ...


@runtime_checkable
class Segmentor(Protocol):
    """A model that turns an image into one that is ready for clicks."""

    @property
    def name(self) -> str:
        """The name in the registry."""
        ...

    def encode(self, image: ImageArray) -> EncodedImage:
        """Do all the work that does not depend on clicks.

        Args:
            image: (H, W, 3) uint8, RGB.
        """
        ...


@runtime_checkable
class HasSegmentor(Protocol):
    """What stands for a segmentor and is none, as `tamis.Model`."""

    @property
    def plain(self) -> Segmentor:
        """The segmentor."""
        ...


def plain(model: "Segmentor | HasSegmentor") -> Segmentor:
    """The segmentor that a model is or stands for."""
    return model.plain if isinstance(model, HasSegmentor) else model


@runtime_checkable
class HasWeights(Protocol):
    """A segmentor that was trained."""

    @property
    def weights_sha256(self) -> str:
        """Fingerprint of the weights, 64 hexadecimal digits: other weights, other results."""
        ...


def weights_of(segmentor: Segmentor) -> str | None:
    """SHA-256 of a segmentor's weights, None for one that was not trained."""
    return segmentor.weights_sha256 if isinstance(segmentor, HasWeights) else None


@runtime_checkable
class DescribesRegions(Protocol):
    """A segmentor that tells what regions and images look like, in numbers that compare from image to image."""

    def appearance(self, image: ImageArray) -> Appearance:
        """Encode an image (H, W, 3) uint8 RGB and describe its regions."""
        ...

    def image_vector(self, image: ImageArray) -> NDArray[np.float32]:
        """(D,) float32 of unit length: what an image (H, W, 3) uint8 RGB shows as a whole."""
        ...

    @property
    def appearance_sha256(self) -> str:
        """SHA-256 of all that decides these numbers, and of nothing else: numbers of one hash compare."""
        ...


@runtime_checkable
class DescribesPixels(Protocol):
    """An encoded image whose pixels have features, by which a concept is told from what is around it."""

    @property
    def pixel_features(self) -> NDArray[np.float32]:
        """(D, h, w) float32, on a coarser grid than the image's."""
        ...


@runtime_checkable
class AnswersAlone(Protocol):
    """An encoded image that answers many clicks, each alone and at the original size, with less work than singly."""

    def alone(self, clicks: Sequence[Click]) -> Iterator[ProbabilityArray]:
        """For each click the (H, W) float32 that `probability([click])` gives; as few in memory as need be."""
        ...


@runtime_checkable
class ScoresMasks(Protocol):
    """An encoded image that predicts how good its own answers are."""

    def scores(self, clicks: Sequence[Click]) -> NDArray[np.float32]:
        """(N,) float32 in [0, 1]: the predicted IoU of the answer to each click alone."""
        ...


@runtime_checkable
class ScoresPresence(Protocol):
    """An encoded image that says whether there is an object at all where a click falls."""

    def presences(self, clicks: Sequence[Click]) -> NDArray[np.float32]:
        """(N,) float32 in [0, 1]: P(there is an object | each click alone)."""
        ...


@runtime_checkable
class GivesChoices(Protocol):
    """An encoded image that has several answers to the same clicks, as a part, an object and a group of them."""

    def choices(self, clicks: Sequence[Click]) -> tuple[ProbabilityArray, NDArray[np.float32]]:
        """All clicks together: (M, H, W) float32 probabilities, and (M,) float32 in [0, 1], their predicted IoUs."""
        ...


@runtime_checkable
class AnswersInTurn(Protocol):
    """An encoded image whose answer to a further click starts from its answer to the clicks before."""

    def in_turn(self) -> Callable[[Sequence[Click]], ProbabilityArray]:
        """Begin a mask: a function that takes all clicks so far, one more each time, and returns (H, W) float32."""
        ...


@runtime_checkable
class DrawsBorders(Protocol):
    """An encoded image whose answers to single clicks come at once, and can be drawn more finely with more work."""

    def drawn(self, answer: ProbabilityArray, clicks: Sequence[Click]) -> ProbabilityArray:
        """(H, W) float32: the answer (H, W) to some clicks, or another mask that they lie in, with a better border."""
        ...


@runtime_checkable
class HasEmbedding(Protocol):
    """An encoded image that is an embedding which a decoder reads."""

    @property
    def embedding(self) -> tuple[NDArray[np.float32], ...]:
        """The embedding itself, (1, C, h, w) float32, and finer maps where the model has them."""
        ...


@runtime_checkable
class GivesLogits(Protocol):
    """An encoded image that answers as SAM's predictor does: logits out, which go in again with the next prompt."""

    def logits(
        self, clicks: Sequence[Click], box: Box | None, low: NDArray[np.float32] | None, several: bool
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """All prompts together.

        Args:
            clicks: of which there may be none.
            box: (left, top, right, bottom) in pixels of the original image.
            low: (l, l) float32, earlier logits as the last of what is returned has them.
            several: the several masks of an ambiguous prompt rather than the one of a clear one.

        Returns:
            (M, H, W) float32 logits, (M,) float32 predicted IoUs, (M, l, l) float32 logits at the model's resolution.
        """
        ...

    def logits_alone(self, clicks: Sequence[Click]) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """For each click alone its several masks: (M, H, W) float32 logits and (M,) float32 predicted IoUs."""
        ...


@runtime_checkable
class TakesBoxes(Protocol):
    """An encoded image that can be asked by a box."""

    def probability_in_box(self, box: Box) -> ProbabilityArray:
        """(H, W) float32 for a box (left, top, right, bottom) in pixels of the original image."""
        ...


@runtime_checkable
class TakesMask(Protocol):
    """An encoded image that can start from a mask."""

    def probability_from_mask(self, mask: MaskArray, clicks: Sequence[Click]) -> ProbabilityArray:
        """(H, W) float32: the mask (H, W) as corrected by the clicks."""
        ...


@runtime_checkable
class LooksCloser(Protocol):
    """An encoded image that `TakesMask`, and corrects a mask better after a closer look at its neighbourhood."""

    def look_closer(self, mask: MaskArray, clicks: Sequence[Click]) -> None:
        """Get ready to correct the mask (H, W) by the last of some clicks: the work of an encoding."""
        ...
