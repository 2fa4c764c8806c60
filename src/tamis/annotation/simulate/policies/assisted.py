"""The assistant: every mask that is left teaches it, and the next images begin with what it proposes."""

from collections.abc import Callable, Sequence

import numpy as np

from tamis.annotation.assistant.concept import Concept, most_unlike
from tamis.annotation.assistant.learner import Learner
from tamis.annotation.simulate.policies.protocol import Pending
from tamis.arrays import MaskArray
from tamis.regions.protocol import AnswersByRegion

Order = Callable[[Concept, Sequence[Pending]], int]

LOOKED_AT = 64
"""Images that an order chooses among, of those that wait."""


class Assisted:
    """What was annotated so far proposes the next mask.

    Args:
        order: which image comes next, once there is anything to propose.
        every: the assistant learns from so many images at once.
        first: after so many images nothing more is learned; None never stops.
    """

    def __init__(self, order: Order | None = None, every: int = 1, first: int | None = None) -> None:
        self.learner = Learner()
        self._order, self._every, self._first = order, every, first
        self._seen = 0
        self._kept: list[tuple[Pending, AnswersByRegion, MaskArray]] = []

    def next(self, waiting: Sequence[Pending]) -> int:
        """The first, or as the order says."""
        if self._order is None or not self.learner.concept.ready:
            return 0
        return self._order(self.learner.concept, waiting[:LOOKED_AT])

    def propose(self, image: Pending, encoded: AnswersByRegion) -> MaskArray | None:
        """What the concept is in this image."""
        return self.learner.query(image.view).proposal(encoded, image.view).mask if self.learner.ready else None

    def done(self, image: Pending, encoded: AnswersByRegion, mask: MaskArray) -> None:
        """Learn, now or with the next ones."""
        self._seen += 1
        if self._first is not None and self._seen > self._first:
            return
        self._kept.append((image, encoded, mask))
        if len(self._kept) >= self._every or self._seen == 1:
            for kept, view, annotated in self._kept:
                self.learner.learn(kept.name, self.learner.lesson(view, kept.view, annotated))
            self._kept = []


def _confidences(concept: Concept, waiting: Sequence[Pending]) -> list[float]:
    return [concept.confidence(concept.probability(each.view), each.view) for each in waiting]


def easy_first(concept: Concept, waiting: Sequence[Pending]) -> int:
    """The image whose proposal is the surest."""
    return int(np.argmax(_confidences(concept, waiting)))


def uncertain_first(concept: Concept, waiting: Sequence[Pending]) -> int:
    """The image whose proposal is the least sure."""
    return int(np.argmin(_confidences(concept, waiting)))


def diverse_first(concept: Concept, waiting: Sequence[Pending]) -> int:
    """The image that is least like those annotated."""
    return most_unlike([each.view for each in waiting], concept)
