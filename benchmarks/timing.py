"""Fair timing: two programs in turn, again and again, so that whatever else the machine does strikes both."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import perf_counter


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds of each repeat of ours and of theirs, in the order they were run."""

    ours: list[float]
    theirs: list[float]

    @property
    def ratio(self) -> float:
        """How many times faster ours is: the median over the pairs of repeats."""
        return median(self.ratios)

    @property
    def ratios(self) -> list[float]:
        """Theirs by ours for every pair of repeats."""
        return [theirs / ours for ours, theirs in zip(self.ours, self.theirs, strict=True)]


def alternate(ours: Callable[[], object], theirs: Callable[[], object], repeats: int) -> Timing:
    """Time both in turn, after one run of ours that is not counted; a benchmark has run both to compare results.

    Args:
        ours: what tamis does.
        theirs: what its peer does.
        repeats: pairs of runs.
    """
    ours()
    timing = Timing([], [])
    for _ in range(repeats):
        timing.ours.append(_seconds(ours))
        timing.theirs.append(_seconds(theirs))
    return timing


def _seconds(program: Callable[[], object]) -> float:
    start = perf_counter()
    program()
    return perf_counter() - start


def best_of(program: Callable[[], object], repeats: int = 7) -> float:
    """Seconds of the quickest of some runs."""
    return min(_seconds(program) for _ in range(repeats))
