"""The rule by which sets without official splits are parted: evaluation and training go by the same."""

from collections.abc import Iterable
from typing import TypeVar

Item = TypeVar("Item")

VALIDATION = "val10"
TRAINING = "train90"
"""Every tenth of the sorted images, from the first; and the others."""


def every_tenth(items: Iterable[Item], held_out: bool) -> list[Item]:
    """Every tenth of the items, from the first; or all others.

    Args:
        items: in sorted order.
        held_out: whether the tenth is wanted.

    >>> every_tenth("abcdefghijklm", held_out=True)
    ['a', 'k']
    """
    return [item for number, item in enumerate(items) if (number % 10 == 0) == held_out]
