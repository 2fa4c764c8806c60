"""Review in bulk: proposals side by side, accepted or rejected by keys; what is wrong is corrected there, or later."""

from collections.abc import Sequence
from typing import Literal

from tamis.annotation.assistant.learner import PixelQuestion
from tamis.annotation.simulate.person import Key
from tamis.annotation.simulate.policies.assisted import Assisted
from tamis.annotation.simulate.policies.protocol import Pending
from tamis.arrays import MaskArray
from tamis.regions.protocol import AnswersByRegion

FIRST = 10
"""Images that are annotated one by one before the first review."""

LEAST_BY_KEYS, LEAST_TOGETHER = 0.7, 0.6
"""Shares of right proposals from which on a page pays: looking at a wrong one and rejecting it costs 2.3 s, a right one
saves the change of image, 1 s, and where one key accepts all of a page, its own key of .8 s as well."""


class Reviewed:
    """The assistant learns from some images, then proposes others side by side, the surest first.

    Args:
        first: images that are annotated one by one before.
        page: of so many images, after each of which it has learned from what was accepted, as on the annotator's page;
            None shows all that wait at once.
        target_iou: with pages, proposals are shown side by side only if earlier ones of that confidence mostly reached
            it; None shows any.
        least: share of the proposals on a page that are to be expected to reach it.
        accepts: whether each proposal is accepted by a key, or all of a page that were not rejected by one.
        corrects: whether a proposal is corrected by clicks where it is shown.
    """

    def __init__(
        self,
        first: int = FIRST,
        page: int | None = None,
        target_iou: float | None = None,
        least: float = LEAST_BY_KEYS,
        accepts: Literal["each", "page"] = "each",
        corrects: bool = False,
    ) -> None:
        self.corrects = corrects
        self._assisted = Assisted()
        self._first, self._page, self._target = first, page, target_iou
        self._least, self._accepts = least, accepts
        self._seen = 0
        self._shown: dict[str, PixelQuestion] = {}
        self._looked_at: set[str] = set()

    def next(self, waiting: Sequence[Pending]) -> int:
        """The surest of those shown; otherwise the first."""
        if self._seen >= self._first and not self._shown:
            self._turn(waiting)
        tiles = [number for number, each in enumerate(waiting) if each.name in self._shown]
        return max(tiles, key=lambda number: self._shown[waiting[number].name].answered.expected, default=0)

    def in_review(self, image: Pending) -> bool:
        """Whether it is shown side by side with others."""
        return image.name in self._shown

    def key(self, image: Pending) -> Key:
        """One of its own, or the page's with the last that is shown."""
        if self._accepts == "each":
            return "own"
        return "page" if len(self._shown) == 1 else "none"

    def propose(self, image: Pending, encoded: AnswersByRegion) -> MaskArray | None:
        """What was proposed when the page was made, or what the concept is now."""
        if image.name in self._shown:
            return self._shown[image.name].proposal(encoded, image.view).mask
        return self._assisted.propose(image, encoded)

    def rejected(self, image: Pending) -> None:
        """It waits for corrections."""
        del self._shown[image.name]

    def done(self, image: Pending, encoded: AnswersByRegion, mask: MaskArray) -> None:
        """Learn."""
        self._seen += 1
        self._shown.pop(image.name, None)
        self._assisted.done(image, encoded, mask)

    def _turn(self, waiting: Sequence[Pending]) -> None:
        """Make the next page."""
        learner = self._assisted.learner
        if not learner.ready:
            return
        told = [(each.name, learner.query(each.view)) for each in waiting if each.name not in self._looked_at]
        if self._target is not None:
            sure = learner.concept.sure_from(self._target, self._least)
            told = [each for each in told if sure is not None and each[1].answered.expected >= sure]
        told.sort(key=lambda each: -each[1].answered.expected)
        self._shown = dict(told[: self._page])
        self._looked_at.update(self._shown)
