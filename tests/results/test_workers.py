import os
import signal

import pytest

from tamis.errors import UnavailableError
from tamis.results.workers import in_order


def half(number: int) -> tuple[float, int]:
    return number / 2, os.getpid()


def wrong(number: int) -> int:
    raise ValueError(f"no {number}")


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_the_order_of_the_items(workers: int) -> None:
    found = list(in_order(half, [5, 3, 8, 1, 1], workers))
    assert [value for value, _ in found] == [2.5, 1.5, 4.0, 0.5, 0.5]
    assert (os.getpid() in {process for _, process in found}) == (workers == 1)


@pytest.mark.parametrize("workers", [1, 2])
def test_what_fails_there_fails_here(workers: int) -> None:
    with pytest.raises(ValueError, match="no 7"):
        list(in_order(wrong, [7], workers))


def test_nothing_is_done_that_nobody_asks_for() -> None:
    done: list[int] = []
    results = in_order(lambda item: done.append(item), [1, 2, 3], 1)
    next(results)
    results.close()
    assert done == [1]


def killed(number: int) -> int:
    if number < 0:
        os.kill(os.getpid(), signal.SIGKILL)  # as the system does when memory runs out
    return number


def test_a_worker_that_the_system_ends_is_a_sentence() -> None:
    with pytest.raises(UnavailableError, match="for want of memory: run the same command again with"):
        list(in_order(killed, [1, -1, 3], 2))
