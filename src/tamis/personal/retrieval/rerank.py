"""The second stage: the first of a ranking are searched for the query's object, and ranked by presence.

What a target looks like does not depend on what is looked for: it is seen once for all queries, and a query is
remembered once for all targets.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tamis.arrays import ImageArray
from tamis.datasets.retrieval import Query
from tamis.image import read_image
from tamis.personal.protocol import Memory, Method, Reference

WEIGHT = 0.5
"""How much the second stage counts beside the first, whose scores are brought to [0, 1] in each ranking."""


@dataclass
class SeenTargets:
    """Targets as a method sees them, the most recent `most` kept.

    Attributes:
        method: who looks.
        read: the image of a name.
        most: how many are kept: a target takes some megabytes.
    """

    method: Method
    read: Callable[[str], ImageArray]
    most: int = 256
    kept: dict[str, Any] = field(default_factory=dict)
    looks: int = 0

    def __getitem__(self, name: str) -> Any:
        if name in self.kept:
            self.kept[name] = self.kept.pop(name)
        else:
            self.kept[name] = self.method.look(self.read(name))
            self.looks += 1
            if len(self.kept) > self.most:
                self.kept.pop(next(iter(self.kept)))
        return self.kept[name]


def remembered(query: Query, method: Method) -> Memory:
    """The object of a query: its mask, its box filled, or the whole image."""
    image = read_image(query.path)
    if query.mask is not None:
        mask = query.mask()
    else:
        mask = np.zeros(image.shape[:2], bool)
        if query.box is None:
            mask[:] = True
        else:
            left, top, right, bottom = (max(0, round(side)) for side in query.box)
            mask[top:bottom, left:right] = True
    return method.remember([Reference(image, mask, query.name)])


def presences(memory: Memory, names: Sequence[str], seen: SeenTargets) -> list[float]:
    """How surely the object is in each of some targets."""
    return [memory.present(seen[name]) for name in names]


def reranked(
    names: Sequence[str], scores: Sequence[float], second: Sequence[float], weight: float = WEIGHT
) -> tuple[list[str], list[float]]:
    """A ranking whose first entries, as many as have a second score, are ordered by both; the rest stays behind them.

    Args:
        names: the best first.
        scores: of the first stage, falling.
        second: in [0, 1], of the first `len(second)` names.
        weight: of the second stage, in [0, 1]; 1 leaves nothing to the first.

    >>> reranked(["a", "b", "c"], [0.9, 0.8, 0.1], [0.1, 0.9], weight=1.0)[0]
    ['b', 'a', 'c']
    """
    top = len(second)
    low, high = (min(scores[:top]), max(scores[:top])) if top else (0.0, 1.0)
    first = [(score - low) / (high - low) if high > low else 1.0 for score in scores[:top]]
    joint = [(1 - weight) * one + weight * two for one, two in zip(first, second, strict=True)]
    order = sorted(range(top), key=lambda place: -joint[place])
    rest = [min(joint, default=0.0) - 1 + score - max(scores[top:], default=0.0) for score in scores[top:]]
    return [*(names[place] for place in order), *names[top:]], [*(joint[place] for place in order), *rest]
