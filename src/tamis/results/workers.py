"""One piece of work after another, by one process or several."""

from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing import get_context
from typing import Any, TypeVar

from tamis.errors import UnavailableError

Item = TypeVar("Item")
Result = TypeVar("Result")

_work: Callable[[Any], Any]
"""What a worker does; set once in each."""


def in_order(work: Callable[[Item], Result], items: Sequence[Item], workers: int) -> Generator[Result]:
    """The results of a function, in the order of the items; only a few at a time are begun ahead of those taken.

    Args:
        work: picklable where there are several workers; each of them gets it once.
        items: picklable likewise, small.
        workers: processes; 1 works in this one.

    Raises:
        UnavailableError: the system has ended a worker.
    """
    if workers == 1:
        for item in items:
            yield work(item)
        return
    waiting = iter(items)
    context = get_context("spawn")  # a fork copies the threads' locks of onnxruntime and OpenCV in any state
    with ProcessPoolExecutor(workers, context, _take_up, (work,)) as pool:
        pending: deque[Future[Result]] = deque()
        try:
            while True:
                pending.extend(pool.submit(_do, item) for item in islice(waiting, 2 * workers - len(pending)))
                if not pending:
                    return
                yield pending.popleft().result()
        except BrokenProcessPool as error:
            raise UnavailableError(
                "a worker was ended by the system, most likely for want of memory: run the same command again with "
                "fewer --workers; what was finished is kept"
            ) from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _take_up(work: Callable[[Any], Any]) -> None:
    global _work
    _work = work


def _do(item: Any) -> Any:
    return _work(item)
