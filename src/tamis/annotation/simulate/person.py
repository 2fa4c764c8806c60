"""The simulated annotator: corrects a mask by clicks until it looks right, or draws it by hand."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from tamis.annotation.simulate.costs import Costs
from tamis.arrays import MaskArray
from tamis.clicks import Click, corrective_click
from tamis.errors import InputError
from tamis.mask.iou import iou_of
from tamis.mask.regions import components
from tamis.segmentors.prompts import answer_to
from tamis.segmentors.protocol import AnswersInTurn, EncodedImage

Kind = Literal["switch", "inspect", "accept", "reject", "click", "undo", "brush", "polygon"]

Key = Literal["own", "page", "none"]
"""How a proposal in a review is accepted: by a key of its own, as the last of a page by the key that accepts all that
were not rejected, or by that key later."""

WORSE = 0.01
"""A click that costs more IoU is taken back; one that gains less is in vain."""


@dataclass(frozen=True)
class Action:
    """One thing that was done.

    Attributes:
        kind: a cost of `Costs`.
        seconds: that it took.
        iou: of the mask after it.
    """

    kind: Kind
    seconds: float
    iou: float


@dataclass
class Person:
    """Somebody who knows what they want.

    Attributes:
        costs: of all they do.
        target_iou: from which on a mask is accepted.
        most_clicks: after which they draw by hand.
        draws: what clicks do not reach; without, it is left as it is.
        seconds: worked so far, by which they tire.
    """

    costs: Costs
    target_iou: float = 0.9
    most_clicks: int = 20
    draws: bool = True
    seconds: float = 0.0
    actions: list[Action] = field(default_factory=list)

    def annotate(
        self, encoded: EncodedImage, wanted: MaskArray, begun: MaskArray | None, rng: np.random.Generator
    ) -> MaskArray:
        """The mask (H, W) that they leave in an image; what they did is in `actions`, which begin anew.

        Args:
            encoded: the image, ready for the tool they click with.
            wanted: (H, W) bool; if it is empty there is nothing to annotate.
            begun: (H, W) bool, a proposal; None where there is none.
            rng: of jitter and misjudgement.
        """
        self.actions = []
        mask = np.zeros_like(wanted) if begun is None else begun
        self._do("switch", mask, wanted)
        self._do("inspect", mask, wanted)
        if not wanted.any():
            self._do("reject" if mask.any() else "accept", np.zeros_like(wanted), wanted)
            return np.zeros_like(wanted)
        proposed = begun is not None and bool(begun.any())
        if proposed and self._seen(mask, wanted, rng) < self.costs.worthless:
            mask, proposed = np.zeros_like(wanted), False
            self._do("reject", mask, wanted)
        mask = self._clicked(encoded, mask, proposed, wanted, rng)
        if self.draws:
            mask = self._drawn(mask, wanted, rng)
        self._do("accept", mask, wanted)
        return mask

    def _clicked(
        self, encoded: EncodedImage, mask: MaskArray, proposed: bool, wanted: MaskArray, rng: np.random.Generator
    ) -> MaskArray:
        """The mask after clicks: right, or what they cannot better."""
        answer = _correcting(encoded, mask) if proposed else _from_scratch(encoded)
        clicks: list[Click] = []
        made, vain, spared = 0, 0, np.zeros_like(wanted)
        while self._seen(mask, wanted, rng) < self.target_iou and made < self.most_clicks:
            if self.draws and vain >= self.costs.patience:
                break
            click = self._click(wanted, mask, clicks, spared, rng)
            if click is None:
                break
            before, mask = mask, answer([*clicks, click])
            made += 1
            self._do("click", mask, wanted)
            gain = iou_of(mask, wanted) - iou_of(before, wanted)
            vain = vain + 1 if gain < WORSE else 0
            if self.draws and gain < -WORSE:
                mask = before
                self._do("undo", mask, wanted)
                spared |= _error_at(wanted, mask, click)
                clicks, answer = [], _correcting(encoded, mask)
            else:
                clicks.append(click)
                spared[:] = False
        return mask

    def _drawn(self, mask: MaskArray, wanted: MaskArray, rng: np.random.Generator) -> MaskArray:
        """What is left is mended by the brush, the largest error first; or all is drawn anew, if that is quicker."""
        objects = len(components(wanted))
        spent = 0.0
        while self._seen(mask, wanted, rng) < self.target_iou:
            error = _largest_error(wanted, mask)
            length = _length(error)
            spent += self.costs.click + self.costs.brush * length
            if not error.any() or spent > self.costs.polygon * objects:
                self._do("polygon", wanted, wanted, objects)
                return wanted
            mask = np.where(error, wanted, mask)
            self._do("brush", mask, wanted, length, self.costs.click)
        return mask

    def review(self, wanted: MaskArray, begun: MaskArray, rng: np.random.Generator, key: Key = "own") -> bool:
        """Whether they accept a proposal (H, W) that is shown among others; `actions` begin anew.

        It is looked at without a change of image, and rejected by a key.

        Args:
            wanted: (H, W) bool.
            begun: (H, W) bool, the proposal.
            rng: of misjudgement.
            key: by which it is accepted.
        """
        self.actions = []
        self._do("inspect", begun, wanted)
        right = self._seen(begun, wanted, rng) >= self.target_iou if wanted.any() else not begun.any()
        self._decide(right, begun, wanted, key)
        return right

    def review_correcting(
        self, encoded: EncodedImage, wanted: MaskArray, begun: MaskArray, rng: np.random.Generator, key: Key = "own"
    ) -> MaskArray | None:
        """The mask (H, W) that they leave of a proposal that is shown among others; None if it is rejected.

        Where it is wrong it is clicked, as in an image of its own, which is opened only for the brush.

        Args:
            encoded: the image, ready for the tool they click with.
            wanted: (H, W) bool.
            begun: (H, W) bool, the proposal.
            rng: of jitter and misjudgement.
            key: by which it is accepted.
        """
        self.actions = []
        self._do("inspect", begun, wanted)
        if not wanted.any() or self._seen(begun, wanted, rng) < self.costs.worthless:
            right = not wanted.any() and not begun.any()
            self._decide(right, begun, wanted, key)
            return begun if right else None
        mask = self._clicked(encoded, begun, True, wanted, rng)
        if self.draws and self._seen(mask, wanted, rng) < self.target_iou:
            self._do("switch", mask, wanted)
            self._do("inspect", mask, wanted)
            mask = self._drawn(mask, wanted, rng)
            self._do("accept", mask, wanted)
            key = "page" if key == "page" else "none"
        self._decide(True, mask, wanted, key)
        return mask

    def _decide(self, right: bool, mask: MaskArray, wanted: MaskArray, key: Key) -> None:
        """On what is shown among others, by the keys there."""
        if not right:
            self._do("reject", mask, wanted)
        if key == "page" or (right and key == "own"):
            self._do("accept", mask, wanted)

    def _do(self, kind: Kind, mask: MaskArray, wanted: MaskArray, times: float = 1, besides: float = 0) -> None:
        slower = 1 + self.costs.fatigue * self.seconds / 3600
        seconds = (times * getattr(self.costs, kind) + besides) * slower
        self.seconds += seconds
        iou = iou_of(mask, wanted) if wanted.any() else float(not mask.any())
        self.actions.append(Action(kind, round(seconds, 3), round(iou, 4)))

    def _seen(self, mask: MaskArray, wanted: MaskArray, rng: np.random.Generator) -> float:
        iou = iou_of(mask, wanted)
        return iou if not self.costs.misjudged else iou + rng.normal(0, self.costs.misjudged)

    def _click(
        self, wanted: MaskArray, mask: MaskArray, clicks: list[Click], spared: MaskArray, rng: np.random.Generator
    ) -> Click | None:
        try:
            click = corrective_click(wanted, mask, clicks, ~spared if spared.any() else None)
        except InputError:
            return None
        if not self.costs.jitter:
            return click
        spread = self.costs.jitter * np.sqrt(np.count_nonzero(wanted))
        height, width = wanted.shape
        x, y = click.x + rng.normal(0, spread), click.y + rng.normal(0, spread)
        return Click(float(np.clip(x, 0, width - 1)), float(np.clip(y, 0, height - 1)), click.positive)


def _from_scratch(encoded: EncodedImage) -> Callable[[list[Click]], MaskArray]:
    asked = encoded.in_turn() if isinstance(encoded, AnswersInTurn) else encoded.probability
    return lambda clicks: np.asarray(asked(list(clicks)) > 0.5)


def _correcting(encoded: EncodedImage, begun: MaskArray) -> Callable[[list[Click]], MaskArray]:
    """Every click edits the mask so far and never starts over."""
    last = [begun]

    def answer(clicks: list[Click]) -> MaskArray:
        last[0] = answer_to(encoded, clicks, mask=last[0]) > 0.5
        return last[0]

    return answer


def _error_at(wanted: MaskArray, mask: MaskArray, click: Click) -> MaskArray:
    """(H, W) bool: the connected part of the error that a click lies in."""
    from scipy import ndimage

    parts, _ = ndimage.label(wanted != mask)
    number = parts[click.pixel]
    return np.asarray(parts == number) if number else np.zeros_like(wanted)


def _largest_error(wanted: MaskArray, mask: MaskArray) -> MaskArray:
    """(H, W) bool: the connected part of the error with most pixels."""
    from scipy import ndimage

    parts, _ = ndimage.label(wanted != mask)
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    return np.asarray(parts == sizes.argmax()) if sizes.any() else np.zeros_like(wanted)


def _length(part: MaskArray) -> float:
    """Of the stroke that covers a part of an image: half its outline, as a share of the image's diagonal."""
    inside = np.pad(part, 1)
    edges = sum(np.count_nonzero(np.diff(inside, axis=axis)) for axis in (0, 1))
    return float(edges / 2 / np.hypot(*part.shape))
