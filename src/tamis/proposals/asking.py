"""Many clicks, each alone, a few at a time."""

from collections.abc import Iterator, Sequence

from tamis.arrays import ProbabilityArray
from tamis.clicks import Click
from tamis.segmentors import EncodedImage

BATCH = 64
"""Clicks asked for at a time, so that memory stays bounded; SAM's generator does the same."""


def in_batches(encoded: EncodedImage, clicks: Sequence[Click]) -> Iterator[ProbabilityArray]:
    """The answers (up to BATCH, h, w) float32 to clicks alone, in order."""
    for first in range(0, len(clicks), BATCH):
        yield encoded.probabilities(clicks[first : first + BATCH])
