"""How often training sees each data set: by what can be learned from it, not by its size."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tamis.training.photographs import Photograph


class Mixture:
    """Which photographs are drawn, of data sets that lie one after the other in one album."""

    def __init__(self, training: Mapping[str, Sequence[Photograph]], shares: Mapping[str, float]) -> None:
        """Take data sets and how often each is drawn; shares need not sum to 1."""
        self.counts = np.array([len(photographs) for photographs in training.values()])
        self.starts = np.cumsum(self.counts) - self.counts
        wanted = np.array([shares[name] for name in training], np.float64)
        self.shares = wanted / wanted.sum()

    def draw(self, rng: np.random.Generator, count: int) -> NDArray[np.int64]:
        """(count,) int64: a data set by its share, then a photograph of it uniformly, by its place in the album."""
        chosen = rng.choice(len(self.counts), size=count, p=self.shares)
        within = (rng.random(count) * self.counts[chosen]).astype(np.int64)
        return np.asarray(self.starts[chosen] + within, dtype=np.int64)
