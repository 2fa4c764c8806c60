"""The loop that all executors share: items handed to whoever is idle, what fails tried again, the rest told.

A worker has one item at a time, so that when it is ended it is known by which item. An item that ends its worker, or
meets a disk that cannot be written to, is tried again by another; after `ATTEMPTS` it is lost, which is told in its
place and stops nothing. A worker that fails twice in a row for want of a disk gets no more; with the last of them the
work stops. Whatever else a function raises is raised here.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar, cast

from tamis.errors import UnavailableError

Item = TypeVar("Item")
Result = TypeVar("Result")

ATTEMPTS = 3
"""Times that an item is tried before it is lost, and a worker before none will start."""

STRIKES = 2
"""Failures in a row for want of a disk after which a worker gets no more items."""

AHEAD = 8
"""Items for each worker that may be begun before an earlier one is done."""


class WorkerDiedError(Exception):
    """A worker was ended while it had an item; says how."""


class Worker(Protocol):
    """Something that applies a function to one item at a time, in this process or another."""

    ready: Future[Any]
    """Done once it can be given items; fails as the function's model does if that cannot be loaded."""

    def submit(self, item: Any) -> Future[Any]:
        """Begin an item."""

    def collect(self, future: Future[Any]) -> Any:
        """What came of a finished future.

        Raises:
            WorkerDiedError: the worker was ended.
        """

    def close(self, now: bool) -> None:
        """End the worker; `now`: in the middle of its item."""


class Executor(Protocol):
    """Where workers are."""

    @property
    def count(self) -> int:
        """How many workers there are at most."""

    @property
    def far(self) -> bool:
        """Whether workers may be on other machines, which see files here only in shared folders."""

    def start(self, function: Callable[[Any], Any]) -> Worker:
        """One more worker, which gets the function once and keeps it."""

    def close(self) -> None:
        """Let go of what was opened."""


@dataclass(frozen=True)
class ItemResult(Generic[Item, Result]):
    """What came of an item.

    Attributes:
        number: of the item, from 0.
        item: the item.
        result: what the function gave, None where it was lost.
        lost: why nothing came of it, as the end of a sentence; None where all went well.
    """

    number: int
    item: Item
    result: Result | None = None
    lost: str | None = None
    died: bool = False
    """Whether it was lost because it ended its workers."""


@dataclass(eq=False)
class _Try(Generic[Item]):
    number: int
    item: Item
    failures: int = 0
    last: Worker | None = None
    """Whose hands it failed in."""


def as_completed(
    function: Callable[[Item], Result], items: Iterable[Item], executor: Executor
) -> Generator[ItemResult[Item, Result]]:
    """What comes of each item, as soon as it is known; no more items are taken than there are workers.

    Args:
        function: picklable where workers are other processes, as are items and results.
        items: taken one after the other when a worker is idle.
        executor: whose workers do it.

    Raises:
        UnavailableError: no worker starts.
        OutputError: no worker can write.
    """
    numbered = enumerate(items)
    return _completed(function, lambda: next(numbered, None), executor)


def in_order(
    function: Callable[[Item], Result], items: Iterable[Item], executor: Executor
) -> Generator[ItemResult[Item, Result]]:
    """The same in the order of the items; only a few are begun ahead of those taken.

    Args:
        function: as of `as_completed`.
        items: likewise.
        executor: likewise.

    Raises:
        UnavailableError: no worker starts.
        OutputError: no worker can write.
    """
    numbered = enumerate(items)
    begun = given = 0
    early: dict[int, ItemResult[Item, Result]] = {}

    def take() -> tuple[int, Item] | None:
        nonlocal begun
        if begun - given >= AHEAD * executor.count:
            return None
        found = next(numbered, None)
        begun += found is not None
        return found

    with closing(_completed(function, take, executor)) as results:
        for done in results:
            early[done.number] = done
            while given in early:
                yield early.pop(given)
                given += 1


def none_lost(
    results: Iterable[ItemResult[Item, Result]], name: Callable[[Item], str] = str
) -> Generator[tuple[Item, Result]]:
    """Items and their results; where some were lost, that is said after all others.

    Args:
        results: of `in_order` or `as_completed`.
        name: what an item is called.

    Raises:
        UnavailableError: at the end, naming the items that were lost.
    """
    lost = []
    for done in results:
        if done.lost is None:
            yield done.item, cast(Result, done.result)
        else:
            lost.append(f"{name(done.item)}: {done.lost}")
    if lost:
        more = f" and {len(lost) - 3} more" if len(lost) > 3 else ""
        raise UnavailableError(
            f"{'; '.join(lost[:3])}{more}; all others are done and kept, and the same command tries these again"
        )


def _completed(
    function: Callable[[Item], Result], take: Callable[[], tuple[int, Item] | None], executor: Executor
) -> Generator[ItemResult[Item, Result]]:
    """Work until nothing is begun and `take` has nothing to give."""
    crew = _Crew(function, executor)
    waiting: deque[_Try[Item]] = deque()
    flights: dict[Future[Any], tuple[Worker, _Try[Item] | None]] = {}
    try:
        while True:
            busy = sum(task is not None for _, task in flights.values())
            while len(waiting) + busy < crew.most and (found := take()) is not None:
                waiting.append(_Try(*found))
            if not waiting and not busy:
                return
            while len(crew.workers) < min(crew.most, len(waiting) + busy):
                worker = crew.hire()
                flights[worker.ready] = worker, None
            while crew.idle and waiting:
                task = crew.choose(waiting)
                worker = crew.idle.pop()
                flights[worker.submit(task.item)] = worker, task
            for future in wait(flights, return_when=FIRST_COMPLETED).done:
                worker, begun = flights.pop(future)
                try:
                    value = worker.collect(future)
                except WorkerDiedError as error:
                    crew.lose(worker, error, started=begun is not None)
                    why, died = f"ended the worker that had it {ATTEMPTS} times ({error})", True
                except OSError as error:
                    crew.strike(worker, error)
                    why, died = str(error), False
                else:
                    crew.idle.append(worker)
                    if begun is not None:
                        crew.praise(worker)
                        yield ItemResult(begun.number, begun.item, value)
                    continue
                if begun is not None:
                    begun.failures, begun.last = begun.failures + 1, worker
                    if begun.failures < ATTEMPTS:
                        waiting.appendleft(begun)
                    else:
                        yield ItemResult(begun.number, begun.item, lost=why, died=died)
    finally:
        crew.close(busy={id(worker) for worker, _ in flights.values()})


class _Crew:
    """The workers of one loop, and what is held against them."""

    def __init__(self, function: Callable[[Any], Any], executor: Executor) -> None:
        self.function, self.executor, self.most = function, executor, executor.count
        self.workers: list[Worker] = []
        self.idle: list[Worker] = []
        self._strikes: dict[int, int] = {}
        self._false_starts = 0

    def hire(self) -> Worker:
        worker = self.executor.start(self.function)
        self.workers.append(worker)
        return worker

    def choose(self, waiting: deque[_Try[Item]]) -> _Try[Item]:
        """The next item for the last of the idle; one that failed there goes to somebody else, if there is anybody."""
        if len(self.workers) > 1:
            for place, task in enumerate(waiting):
                if task.last is not self.idle[-1]:
                    del waiting[place]
                    return task
        return waiting.popleft()

    def praise(self, worker: Worker) -> None:
        self._strikes.pop(id(worker), None)
        self._false_starts = 0

    def lose(self, worker: Worker, error: WorkerDiedError, started: bool) -> None:
        """A worker was ended."""
        self.workers.remove(worker)
        worker.close(now=True)
        if not started:
            self._false_starts += 1
            if self._false_starts >= ATTEMPTS:
                raise UnavailableError(
                    f"workers end before they begin ({error}): there may be too little memory for as many; try fewer "
                    "--workers, and see that every machine has the same tamis"
                ) from error

    def strike(self, worker: Worker, error: OSError) -> None:
        """A worker could not write; the last that can is the end of the work."""
        strikes = self._strikes[id(worker)] = self._strikes.get(id(worker), 0) + 1
        if self.most == 1:
            raise error
        if strikes < STRIKES:
            self.idle.append(worker)
            return
        self.most -= 1
        self.workers.remove(worker)
        worker.close(now=False)

    def close(self, busy: set[int]) -> None:
        for worker in self.workers:
            worker.close(now=id(worker) in busy)
