"""All that is learned of one concept: by regions, and by pixels where that was better."""

from dataclasses import dataclass

import numpy as np

from tamis.annotation.assistant.concept import Concept, Float64, RegionView, shares_of
from tamis.annotation.assistant.pixels import HasPhotograph, Painter, PixelConcept, PixelLesson, pixel_lesson, sight_of
from tamis.annotation.assistant.propose import Proposal, RegionAnswer, fitting_click, propose, with_border
from tamis.arrays import MaskArray, ProbabilityArray
from tamis.regions.protocol import AnswersByRegion
from tamis.regions.spread import spread
from tamis.segmentors.protocol import DrawsBorders


@dataclass(frozen=True, eq=False)
class Lesson:
    """An annotated image, before it is learned: made without changing anything.

    Attributes:
        view: of the image.
        shares: (R,) of its regions in the mask.
        pixels: what its pixels teach; None where the encoding does not hold the image.
    """

    view: RegionView
    shares: Float64
    pixels: PixelLesson | None = None


@dataclass(frozen=True, eq=False)
class PixelQuestion:
    """A question that was answered by regions, to be painted while the learner learns on."""

    answered: RegionAnswer
    painter: Painter | None

    def probability(self, encoded: AnswersByRegion, view: RegionView) -> ProbabilityArray:
        """(H, W) float32: P(pixel belongs to the concept)."""
        regions = spread(self.answered.given.astype(np.float32), encoded.fine_map)
        if self.painter is None or not isinstance(encoded, HasPhotograph):
            return regions
        return self.painter.paint(sight_of(encoded, regions, fitting_click(self.answered.given, view, encoded)))

    def proposal(self, encoded: AnswersByRegion, view: RegionView) -> Proposal:
        """The mask of the concept in an image; it may be empty."""
        return propose(self.answered, encoded, view, self.painter)


class Learner:
    """One concept that is annotated in many images; deterministic."""

    def __init__(self) -> None:
        self.concept = Concept()
        self._pixels = PixelConcept()

    @property
    def ready(self) -> bool:
        """Whether there is anything to propose: some mask has been seen."""
        return self.concept.ready

    def lesson(self, encoded: AnswersByRegion, view: RegionView, mask: MaskArray) -> Lesson:
        """What an image with its mask (H, W) teaches; takes the time of two proposals."""
        shares = shares_of(encoded, mask)
        if not isinstance(encoded, HasPhotograph):
            return Lesson(view, shares)
        ready = self.concept.ready
        before = self.concept.probability(view) if ready else np.full(len(view.areas), 0.5)
        regions = spread(before.astype(np.float32), encoded.fine_map)
        painter = self._pixels.painter() if ready else None
        sight, drawn = sight_of(encoded, regions, fitting_click(before, view, encoded)), None
        if painter is not None and isinstance(encoded, DrawsBorders):
            drawn = with_border(painter.paint(sight), encoded)
        return Lesson(view, shares, pixel_lesson(sight, mask, painter, drawn))

    def learn(self, key: str, lesson: Lesson) -> None:
        """Learn a mask, or another one of the same image."""
        turned_out = None if lesson.pixels is None else lesson.pixels.turned_out
        self.concept.learn(key, lesson.view, lesson.shares, turned_out)
        self._pixels.forget(key)
        if lesson.pixels is not None:
            self._pixels.add(key, lesson.pixels)

    def forget(self, key: str) -> None:
        """Undo what was learned from an image, if anything was."""
        self.concept.forget(key)
        self._pixels.forget(key)

    def query(self, view: RegionView) -> PixelQuestion:
        """What regions say, and how pixels are to be painted.

        Raises:
            InputError: no mask has been learned.
        """
        probability = self.concept.probability(view)
        return PixelQuestion(
            RegionAnswer(probability, self.concept.confidence(probability, view)), self._pixels.painter()
        )
