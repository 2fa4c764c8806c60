import os
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tamis.errors import InputError, OutputError, UnavailableError
from tamis.scale.executors import IN_PROCESS, Processes, executor_of
from tamis.scale.running import Executor, ItemResult, as_completed, in_order, none_lost

SEVERAL = [pytest.param(who, marks=pytest.mark.slow) for who in ("processes", "ray")]


@pytest.fixture(params=["here", *SEVERAL])
def executor(request: pytest.FixtureRequest) -> Executor:
    if request.param == "ray":
        found: Executor = request.getfixturevalue("on_ray")
        return found
    return IN_PROCESS if request.param == "here" else Processes(2)


@pytest.fixture(params=SEVERAL)
def several(request: pytest.FixtureRequest) -> Executor:
    return Processes(2) if request.param == "processes" else request.getfixturevalue("on_ray")


def half(number: int) -> tuple[float, int]:
    return number / 2, os.getpid()


def wrong(number: int) -> int:
    raise InputError(f"no {number}")


def killed(number: int, once: Path | None = None) -> int:
    """As the system does when memory runs out, or a decoder with a broken image; `once`: the next time all is well."""
    if number < 0 and (once is None or not once.exists()):
        if once is not None:
            once.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def disk_full(number: int, full: Path) -> int:
    """The disk of the machine of whoever comes first is full; `full` holds its process."""
    if not full.exists():
        full.write_text(str(os.getpid()))
    if full.read_text() == str(os.getpid()):
        raise OutputError("out: the disk is full")
    return number


def nowhere(number: int) -> int:
    raise OutputError("out: the disk is full")


def test_results_come_in_the_order_of_the_items(executor: Executor) -> None:
    found = [done.result or (0, 0) for done in in_order(half, [5, 3, 8, 1, 1], executor)]
    assert [value for value, _ in found] == [2.5, 1.5, 4.0, 0.5, 0.5]
    assert (os.getpid() in {process for _, process in found}) == (executor is IN_PROCESS)


def test_what_fails_there_fails_here(executor: Executor) -> None:
    with pytest.raises(InputError, match=r"^no 7$"):
        list(in_order(wrong, [7], executor))


def test_nothing_is_done_that_nobody_asks_for() -> None:
    done: list[int] = []
    results = in_order(lambda item: done.append(item), [1, 2, 3], IN_PROCESS)
    next(results)
    results.close()
    assert done == [1]


def test_items_are_taken_only_a_few_ahead() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(500):
            taken.append(number)
            yield number

    results = in_order(killed, items(), Processes(2))
    for _ in range(10):
        next(results)
    results.close()
    assert len(taken) <= 10 + 8 * 2


def test_a_worker_that_is_killed_costs_nothing(several: Executor, tmp_path: Path) -> None:
    work = partial(killed, once=tmp_path / "once")
    assert [done.result for done in in_order(work, [1, -1, 3, 4], several)] == [1, -1, 3, 4]
    assert (tmp_path / "once").exists()


@pytest.mark.slow
def test_an_item_that_always_kills_is_lost_and_no_other() -> None:
    results = list(in_order(killed, [1, 2, -1, 3, 4], Processes(2)))
    assert [done.result for done in results] == [1, 2, None, 3, 4]
    assert results[2].died
    assert "ended the worker that had it 3 times" in str(results[2].lost)
    with pytest.raises(UnavailableError, match=r"-1: ended the worker .* all others are done and kept"):
        list(none_lost(results))


def test_a_full_disk_of_one_worker_is_left_to_the_other(several: Executor, tmp_path: Path) -> None:
    work = partial(disk_full, full=tmp_path / "full")
    found: list[ItemResult[int, int]] = list(as_completed(work, range(20), several))
    assert sorted(done.number for done in found) == list(range(20))
    assert {done.result for done in found} == set(range(20))


@pytest.mark.parametrize("executor", [IN_PROCESS, Processes(2)])
def test_when_nobody_can_write_the_work_stops(executor: Executor) -> None:
    with pytest.raises(OutputError, match="the disk is full"):
        list(in_order(nowhere, range(50), executor))


def test_a_model_that_does_not_load_is_said_once(several: Executor) -> None:
    with pytest.raises(InputError, match="no such weights"):
        list(in_order(Unloadable(), [1], several))


class Unloadable:
    def __reduce__(self) -> tuple[object, tuple[()]]:
        return no_weights, ()

    def __call__(self, item: int) -> int:
        return item


def no_weights() -> None:
    raise InputError("no such weights")


@pytest.mark.slow
def test_a_cluster_that_is_not_there_is_a_sentence() -> None:
    with pytest.raises(InputError, match=r"--ray 127.0.0.1:9: no cluster answers there .*, or write --ray local"):
        list(in_order(half, [1], executor_of(1, "127.0.0.1:9")))
