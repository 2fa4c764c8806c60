"""Several processes, and what happens when one of them is gone."""

import os
import signal

import pytest

from tamis.errors import UnavailableError
from tamis.workers import in_order


def doubled(number: int) -> int:
    if number < 0:
        os.kill(os.getpid(), signal.SIGKILL)  # as the system does when memory runs out
    return 2 * number


def test_results_come_in_order() -> None:
    assert list(in_order(doubled, range(6), 2)) == [0, 2, 4, 6, 8, 10]


def test_a_worker_that_the_system_ends_is_a_sentence() -> None:
    with pytest.raises(UnavailableError, match="for want of memory: run the same command again with"):
        list(in_order(doubled, [1, -1, 3], 2))
