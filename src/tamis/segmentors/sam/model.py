"""What runs a model of the SAM family: an encoder, once for an image, and a decoder, for every prompt."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

NOTHING = -1
"""The label of the point that tells the models that no box comes."""
BOX_CORNERS = (2, 3)
"""The labels of a box's top-left and bottom-right corner; a negative click is 0, a positive one 1."""


@dataclass(frozen=True)
class Prompts:
    """N prompts of P points each, and one mask that all start from.

    Attributes:
        points: (N, P, 2) float32, (x, y) in the model's square.
        labels: (N, P) int64: 1 positive, 0 negative, `BOX_CORNERS`, `NOTHING`.
        mask: (low, low) float32 logits, or None.
    """

    points: NDArray[np.float32]
    labels: NDArray[np.int64]
    mask: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.points)

    def __getitem__(self, part: slice) -> "Prompts":
        return Prompts(self.points[part], self.labels[part], self.mask)


@dataclass(frozen=True)
class Answers:
    """What a decoder says to N prompts.

    Attributes:
        logits: (N, M, low, low) float32: M masks for each prompt, positive inside.
        ious: (N, M) float32: the IoU that each mask is predicted to have; SAM's may exceed 1.
        presence: (N,) float32: the probability that there is an object; None of models that do not say.
    """

    logits: NDArray[np.float32]
    ious: NDArray[np.float32]
    presence: NDArray[np.float32] | None


PROMPTS_ON_A_PROCESSOR = 8
"""How many prompts a processor decodes together: more are no faster there, and all of them take memory meanwhile."""


def in_parts(run: Callable[[Prompts], Answers], prompts: Prompts, size: int) -> Answers:
    """Ask for `size` prompts at a time, and put the answers together."""
    parts = [run(prompts[first : first + size]) for first in range(0, max(1, len(prompts)), size)]
    presences = [part.presence for part in parts if part.presence is not None]
    return Answers(
        np.concatenate([part.logits for part in parts]),
        np.concatenate([part.ious for part in parts]),
        np.concatenate(presences) if presences else None,
    )


Embedding = tuple[NDArray[np.float32], ...]
"""What an encoder makes of an image; kept as arrays so that it can be written to a cache."""


class Decoder(Protocol):
    """The answers of a model about one image."""

    def one(self, prompts: Prompts) -> Answers:
        """The mask that the model takes for the answer (M = 1): right where prompts leave no doubt."""
        ...

    def several(self, prompts: Prompts) -> Answers:
        """Masks from part to whole (M = 3): right where a single click may mean any of them."""
        ...


class PromptModel(Protocol):
    """A model that has been loaded."""

    @property
    def low(self) -> int:
        """Pixels along each side of the masks that the decoder gives and takes."""
        ...

    def embed(self, square: NDArray[np.float32]) -> Embedding:
        """Encode a (3, side, side) float32 image."""
        ...

    def decoder(self, embedding: Embedding) -> Decoder:
        """The decoder for an image that was encoded."""
        ...
