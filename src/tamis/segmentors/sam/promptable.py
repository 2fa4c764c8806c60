"""A model that takes prompts as a segmentor: clicks, boxes and masks in, probabilities of the original size out."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ImageArray, MaskArray, ProbabilityArray
from tamis.clicks import Box, Click, require_inside, with_clicked_pixels
from tamis.errors import InputError
from tamis.image import require_rgb
from tamis.odds import logit, sigmoid
from tamis.segmentors.sam.geometry import Geometry
from tamis.segmentors.sam.model import BOX_CORNERS, NOTHING, Answers, Decoder, Embedding, PromptModel, Prompts

BATCH = 64
"""Prompts decoded at a time, as by SAM's own generator, so that memory stays bounded."""

_SURE = 1e-3
"""How near to 0 and 1 the probabilities of a given mask come; the models expect logits of some ±7."""


@dataclass(frozen=True)
class Promptable:
    """A segmentor of the SAM family; also remembers how to write its encoded images down (`tamis.segmentors.cache`).

    Attributes:
        name: in the registry.
        model: that has been loaded.
        geometry: of its square.
        encoded: the class of its encoded images: with presence or without.
        weights_sha256: of its weights.
        encoding_version: what else decides an embedding: geometry and precision.
    """

    name: str
    model: PromptModel
    geometry: Geometry
    encoded: type["EncodedPrompts"]
    weights_sha256: str
    encoding_version: str

    def encode(self, image: ImageArray) -> "EncodedPrompts":
        """Do all the work that does not depend on prompts.

        Args:
            image: (H, W, 3) uint8 RGB, at least one pixel.

        Raises:
            InputError: the array is no such image.
            UnavailableError: the graphics card's memory does not suffice.
        """
        image = require_rgb(image)
        shape = image.shape[0], image.shape[1]
        return self.encoded(shape, self.model.embed(self.geometry.square(image)), self.model, self.geometry)

    def from_arrays(self, image: ImageArray, arrays: Mapping[str, NDArray[Any]]) -> "EncodedPrompts":
        """The encoded image whose `arrays()` these are.

        Raises:
            KeyError: one is missing.
        """
        parts = tuple(np.asarray(arrays[f"part{i}"], np.float32) for i in range(max(1, len(arrays))))
        return self.encoded((image.shape[0], image.shape[1]), parts, self.model, self.geometry)


@dataclass(frozen=True, eq=False)
class EncodedPrompts:
    """An image ready for prompts.

    Satisfies `EncodedImage`, `AnswersAlone`, `AnswersInTurn`, `GivesChoices`, `GivesLogits`, `ScoresMasks`,
    `TakesBoxes` and `TakesMask`. A single click is answered by the best of the model's several masks, by its own
    prediction; several clicks, boxes and masks, which leave little doubt, by its single mask, as its authors advise.

    Attributes:
        shape: (height, width) of the original image in pixels.
        embedding: of the image.
        model: that made it.
        geometry: of its square.
    """

    shape: tuple[int, int]
    embedding: Embedding
    model: PromptModel
    geometry: Geometry

    @cached_property
    def decoder(self) -> Decoder:
        """The model's decoder with this image's embedding on its device."""
        return self.model.decoder(self.embedding)

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """The embedding as arrays by name, for a cache."""
        return {f"part{i}": part for i, part in enumerate(self.embedding)}

    def probability(self, clicks: Sequence[Click]) -> ProbabilityArray:
        """(H, W) float32: P(pixel in mask | all clicks together); each click owns its pixel.

        Raises:
            InputError: there is no click, or one lies outside the image.
        """
        _require_clicks(clicks)
        prompts = self.together(clicks)
        answers = self.decoder.several(prompts) if len(clicks) == 1 else self.decoder.one(prompts)
        return with_clicked_pixels(self._probability(_best(answers)[0]), clicks)

    def probabilities(self, clicks: Sequence[Click]) -> ProbabilityArray:
        """(N, h, w) float32: P(pixel in mask | each click alone), the model's own resolution within the image.

        Raises:
            InputError: a click lies outside the image.
        """
        parts = [self.geometry.own(_best(answers), self.shape) for answers in self.singly(clicks)]
        return sigmoid(np.concatenate(parts)) if parts else self._none()

    def alone(self, clicks: Sequence[Click]) -> Iterator[ProbabilityArray]:
        """Each click alone, (H, W) float32, decoded in batches and enlarged one by one."""
        require_inside(clicks, self.shape)
        for first, answers in zip(range(0, len(clicks), BATCH), self.singly(clicks), strict=True):
            for click, logits in zip(clicks[first : first + BATCH], _best(answers), strict=True):
                yield with_clicked_pixels(self._probability(logits), [click])

    def scores(self, clicks: Sequence[Click]) -> NDArray[np.float32]:
        """(N,) float32: the IoU that the model predicts for its answer to each click alone, cut to [0, 1]."""
        ious = [answers.ious.max(axis=1) for answers in self.singly(clicks)]
        return np.clip(np.concatenate(ious), 0, 1) if ious else np.zeros(0, np.float32)

    def choices(self, clicks: Sequence[Click]) -> tuple[ProbabilityArray, NDArray[np.float32]]:
        """All clicks together: (M, H, W) float32 and the predicted IoUs (M,), in the model's order of granularity.

        Raises:
            InputError: there is no click, or one lies outside the image.
        """
        _require_clicks(clicks)
        answers = self.decoder.several(self.together(clicks))
        masks = np.stack([self._probability(logits) for logits in answers.logits[0]])
        return masks, np.clip(answers.ious[0], 0, 1)

    def in_turn(self) -> Callable[[Sequence[Click]], ProbabilityArray]:
        """Begin a mask: every answer is the best of several, and its logits go into the model with the next click.

        That is how SegNext's evaluation asks SAM (uncbiag/SegNext, notebooks/eval_sam.ipynb). The answers are the
        model's own: clicks do not take their pixels.
        """
        previous: list[NDArray[np.float32]] = []

        def answer(clicks: Sequence[Click]) -> ProbabilityArray:
            _require_clicks(clicks)
            logits = _best(self.decoder.several(self.together(clicks, mask=previous[0] if previous else None)))[0]
            previous[:] = [self._fed_back(logits)]
            return self._probability(logits)

        return answer

    def probability_in_box(self, box: Box) -> ProbabilityArray:
        """(H, W) float32 for a box (left, top, right, bottom) in pixels of the original image.

        Raises:
            InputError: the box has no area, or lies outside the image.
        """
        return self._probability(self.decoder.one(self.together((), box)).logits[0, 0])

    def probability_from_mask(self, mask: MaskArray, clicks: Sequence[Click]) -> ProbabilityArray:
        """(H, W) float32: the mask as corrected by the clicks, of which there may be none.

        Raises:
            InputError: the mask has another size than the image, or a click lies outside.
        """
        if mask.shape != self.shape:
            raise InputError(f"the mask is {mask.shape[::-1]} pixels, the image {self.shape[::-1]}: they must be equal")
        low = self.geometry.low(logit(mask.astype(np.float32), _SURE), self.model.low)
        answers = self.decoder.one(self.together(clicks, mask=low))
        return with_clicked_pixels(self._probability(answers.logits[0, 0]), clicks)

    def logits(
        self, clicks: Sequence[Click], box: Box | None, low: NDArray[np.float32] | None, several: bool
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """All prompts together: logits (M, H, W), predicted IoUs (M,), and the logits (M, low, low) to give back.

        Raises:
            InputError: a click or the box lies outside the image, or the box has no area.
        """
        prompts = self.together(clicks, box, low)
        answers = self.decoder.several(prompts) if several else self.decoder.one(prompts)
        return self._full(answers.logits[0]), answers.ious[0], answers.logits[0]

    def logits_alone(self, clicks: Sequence[Click]) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """The several masks of each click alone: logits (M, H, W) and predicted IoUs (M,).

        Raises:
            InputError: a click lies outside the image.
        """
        for answers in self.singly(clicks):
            for logits, ious in zip(answers.logits, answers.ious, strict=True):
                yield self._full(logits), ious

    def together(
        self, clicks: Sequence[Click], box: Box | None = None, mask: NDArray[np.float32] | None = None
    ) -> Prompts:
        """One prompt of all clicks, a box and a mask of (low, low) logits.

        Raises:
            InputError: a click or the box lies outside the image, or the box has no area.
        """
        require_inside(clicks, self.shape)
        points = [(click.x, click.y) for click in clicks]
        labels = [int(click.positive) for click in clicks]
        if box is not None:
            _require_box(box, self.shape)
            points = [(box[0], box[1]), (box[2], box[3]), *points]
            labels = [*BOX_CORNERS, *labels]
        placed = self.geometry.points(np.array(points, np.float64).reshape(-1, 2), self.shape)
        if labels and self._closes(box):
            placed, labels = np.concatenate([placed, np.zeros((1, 2), np.float32)]), [*labels, NOTHING]
        return Prompts(placed[None], np.array(labels, np.int64)[None], mask)

    def _closes(self, box: Box | None) -> bool:
        """Whether the points end with the one that stands for no box; SAM leaves it out after a box."""
        return box is None

    def _fed_back(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """What of an answer's logits goes into the model with the next click."""
        return logits

    def singly(self, clicks: Sequence[Click]) -> Iterator[Answers]:
        """The several masks for each click alone, a batch at a time."""
        require_inside(clicks, self.shape)
        for first in range(0, len(clicks), BATCH):
            yield self._batch(tuple(clicks[first : first + BATCH]))

    @cached_property
    def _batch(self) -> Callable[[tuple[Click, ...]], Answers]:
        """Decodes a batch of single clicks and remembers the last: masks and scores are asked for in turn."""

        def decoded(batch: tuple[Click, ...]) -> Answers:
            single = [self.together([click]) for click in batch]
            points = np.concatenate([prompt.points for prompt in single])
            return self.decoder.several(Prompts(points, np.concatenate([prompt.labels for prompt in single])))

        return lru_cache(maxsize=1)(decoded)

    def _full(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.stack([self.geometry.full(one, self.shape) for one in logits])

    def _probability(self, logits: NDArray[np.float32]) -> ProbabilityArray:
        return sigmoid(self.geometry.full(logits, self.shape))

    def _none(self) -> ProbabilityArray:
        return self.geometry.own(np.zeros((0, self.model.low, self.model.low), np.float32), self.shape)


class EncodedPresence(EncodedPrompts):
    """The same of SAM 2 and its kin, which also say whether there is an object; satisfies `ScoresPresence`."""

    def _closes(self, box: Box | None) -> bool:
        """They take the corners of a box for points like others."""
        return True

    def _fed_back(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """Cut to ±32, as by their own predictor."""
        return np.clip(logits, -32, 32)

    def presences(self, clicks: Sequence[Click]) -> NDArray[np.float32]:
        """(N,) float32 in [0, 1]: P(there is an object | each click alone)."""
        found = [answers.presence for answers in self.singly(clicks) if answers.presence is not None]
        return np.concatenate(found) if found else np.zeros(0, np.float32)


def _best(answers: Answers) -> NDArray[np.float32]:
    """(N, low, low): of each prompt's masks the one with the largest predicted IoU."""
    chosen = answers.ious.argmax(axis=1)
    return np.asarray(answers.logits[np.arange(len(chosen)), chosen])


def _require_clicks(clicks: Sequence[Click]) -> None:
    if not clicks:
        raise InputError("give at least one click: without one there is nothing to segment")


def _require_box(box: Box, shape: tuple[int, int]) -> None:
    left, top, right, bottom = box
    height, width = shape
    if not (0 <= left < right <= width and 0 <= top < bottom <= height):
        raise InputError(
            f"the box ({left:g}, {top:g}, {right:g}, {bottom:g}) must be left, top, right, bottom within the "
            f"{width}x{height} image"
        )
