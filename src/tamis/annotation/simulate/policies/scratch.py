"""Clicks from scratch, image by image: what everything else is compared with."""

from collections.abc import Sequence

from tamis.annotation.simulate.policies.protocol import Pending
from tamis.arrays import MaskArray
from tamis.regions.protocol import AnswersByRegion


class Scratch:
    """Nothing is proposed."""

    def next(self, waiting: Sequence[Pending]) -> int:
        """In their order."""
        return 0

    def propose(self, image: Pending, encoded: AnswersByRegion) -> MaskArray | None:
        """Nothing."""
        return None

    def done(self, image: Pending, encoded: AnswersByRegion, mask: MaskArray) -> None:
        """Nothing is learned."""
