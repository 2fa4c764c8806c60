"""What a way of annotating is asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from tamis.annotation.assistant.concept import RegionView
from tamis.annotation.simulate.person import Key
from tamis.arrays import MaskArray
from tamis.regions.protocol import AnswersByRegion


@dataclass(frozen=True, eq=False)
class Pending:
    """An image that waits to be annotated.

    Attributes:
        name: of the image.
        view: what an assistant sees of it.
    """

    name: str
    view: RegionView


class Policy(Protocol):
    """A way of annotating; it remembers what was done."""

    def next(self, waiting: Sequence[Pending]) -> int:
        """Which of those that wait comes next."""
        ...

    def propose(self, image: Pending, encoded: AnswersByRegion) -> MaskArray | None:
        """The mask (H, W) that the annotator is shown; None for none."""
        ...

    def done(self, image: Pending, encoded: AnswersByRegion, mask: MaskArray) -> None:
        """The annotator leaves a mask (H, W)."""
        ...


@runtime_checkable
class Reviews(Policy, Protocol):
    """A way of annotating that shows some proposals side by side, to be accepted or rejected."""

    @property
    def corrects(self) -> bool:
        """Whether a proposal is corrected by clicks where it is shown."""
        ...

    def in_review(self, image: Pending) -> bool:
        """Whether the image, which comes next, is one of these."""
        ...

    def key(self, image: Pending) -> Key:
        """By which it is accepted."""
        ...

    def rejected(self, image: Pending) -> None:
        """Its proposal was no good; it waits again, at the end."""
        ...
