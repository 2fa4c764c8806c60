"""Who works: this process, several of this machine, or a Ray cluster."""

import os
import pickle
import signal
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

from tamis.scale.running import Executor, WorkerDiedError

_work: Callable[[Any], Any]
"""What a worker process does; set once in each."""


@dataclass(frozen=True)
class InProcess:
    """The process that asks: one item after the other, none before it is asked for."""

    count: int = 1
    far: bool = False

    def start(self, function: Callable[[Any], Any]) -> "_Here":
        """The one worker."""
        return _Here(function)

    def close(self) -> None:
        """Nothing was opened."""


IN_PROCESS = InProcess()


class _Here:
    def __init__(self, function: Callable[[Any], Any]) -> None:
        self._function = function
        self.ready: Future[Any] = Future()
        self.ready.set_result(None)

    def submit(self, item: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(self._function(item))
        except Exception as error:  # noqa: BLE001  a future carries it to where it is collected
            future.set_exception(error)
        return future

    def collect(self, future: Future[Any]) -> Any:
        return future.result()

    def close(self, now: bool) -> None:
        pass


@dataclass(frozen=True)
class Processes:
    """Several processes of this machine; each gets the function once, and its share of the cores.

    Attributes:
        count: how many.
    """

    count: int
    far: bool = False

    def start(self, function: Callable[[Any], Any]) -> "_Process":
        """Start a process."""
        return _Process(function, max(1, (os.cpu_count() or 1) // self.count))

    def close(self) -> None:
        """Nothing was opened but the workers."""


class _Process:
    """A pool of one, so that when it breaks it is known by which item."""

    def __init__(self, function: Callable[[Any], Any], threads: int) -> None:
        context = get_context("spawn")  # a fork copies the threads' locks of onnxruntime and OpenCV in any state
        self._pool = ProcessPoolExecutor(1, context, _begin, (threads,))
        self.ready: Future[Any] = self._pool.submit(_take_up, pickle.dumps(function))
        self._pid: int | None = None

    def submit(self, item: Any) -> Future[Any]:
        return self._pool.submit(_do, item)

    def collect(self, future: Future[Any]) -> Any:
        try:
            value = future.result()
        except BrokenProcessPool as error:
            raise WorkerDiedError("the system ended it, most likely for want of memory") from error
        if future is self.ready:
            self._pid = value
        return value

    def close(self, now: bool) -> None:
        if now and self._pid is not None:
            with suppress(OSError):  # what it writes is whole or not there
                os.kill(self._pid, signal.SIGTERM)
        self._pool.shutdown(wait=not now, cancel_futures=True)


def _begin(threads: int) -> None:
    # Ctrl-C reaches every process of a terminal; only the one that was started there has something to say.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    share_cores(threads)


def share_cores(threads: int) -> None:
    """Let this process, one of several workers, use so many threads, unless `OMP_NUM_THREADS` says how many."""
    import cv2

    allowed = os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    if allowed.isdecimal():
        cv2.setNumThreads(int(allowed))  # OpenCV does not read it itself


def _take_up(packed: bytes) -> int:
    global _work
    _work = pickle.loads(packed)  # here, where what goes wrong with a model is an exception like any other
    return os.getpid()


def _do(item: Any) -> Any:
    return _work(item)


def executor_of(workers: int | None = None, ray: str | None = None) -> Executor:
    """Who works, by what --workers and --ray say.

    Args:
        workers: how many; by default one, with Ray one for each of the cluster's processors.
        ray: the address of a cluster, or "local" for one that is started here and ended afterwards.
    """
    if ray is not None:
        from tamis.scale.cluster import Cluster

        return Cluster(ray, workers)
    return IN_PROCESS if workers in (None, 1) else Processes(workers)
