"""Images in train, val and test: by shares and a seed, the same for the same names everywhere."""

import random
from collections.abc import Sequence
from dataclasses import replace

from tamis.errors import InputError
from tamis.formats.record import SPLITS, Dataset


def shares_in(text: str) -> tuple[float, ...]:
    """Shares of train, val and test as a person writes them: "0.8,0.2" or "80,10,10".

    Raises:
        InputError: they are no such shares.
    """
    try:
        shares = tuple(float(part) for part in text.split(","))
    except ValueError:
        shares = ()
    if not 2 <= len(shares) <= len(SPLITS) or min(shares) < 0 or not 0 < sum(shares) < float("inf"):
        raise InputError(f"--split {text}: give shares of train, val and, if wanted, test, such as 0.8,0.1,0.1")
    return tuple(share / sum(shares) for share in shares)


def with_split(dataset: Dataset, shares: Sequence[float], seed: int = 0) -> Dataset:
    """The dataset with each image in train, val or test.

    Names are put in order, shuffled by the seed, and cut: what is rounded away from each share goes to the largest
    remainders (Hamilton's method), so that the parts differ from the shares by less than one image.
    """
    names = sorted(image.name for image in dataset.images)
    random.Random(seed).shuffle(names)
    exact = [share * len(names) for share in shares]
    counts = [int(value) for value in exact]
    rest = sorted(range(len(shares)), key=lambda i: (counts[i] - exact[i], i))
    for i in rest[: len(names) - sum(counts)]:
        counts[i] += 1
    splits = [split for split, count in zip(SPLITS, counts, strict=False) for _ in range(count)]
    of = dict(zip(names, splits, strict=True))
    return replace(dataset, images=tuple(replace(image, split=of[image.name]) for image in dataset.images))
