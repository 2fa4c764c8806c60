"""Workers on a Ray cluster: one actor each, which has one item at a time.

Actors and not Ray Data's `map_batches`. Its unit of failure is a block of rows: an error drops the whole block without
a word of which rows those were (`max_errored_blocks`), and an item that ends its actor is given to the next one for
ever (`max_restarts` and `max_task_retries` are −1), or with limits ends the whole pipeline. Here one item costs one
item, is tried elsewhere, and is told by name; and the loop is the same as that of processes of one machine.
"""

import os
import pickle
import socket
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

import tamis
from tamis.errors import InputError, UnavailableError
from tamis.scale.executors import share_cores
from tamis.scale.running import WorkerDiedError

OBJECT_STORE = 512 << 20
"""Bytes of shared memory of a cluster that is started here: it carries functions with their models, and results."""


class Cluster:
    """A Ray cluster, connected to when it is first needed.

    Args:
        address: of a cluster that runs, as `ray start` prints it, or "auto"; "local" starts one on this machine.
        workers: actors, each on one processor; None takes one for every processor that the cluster has.
    """

    def __init__(self, address: str, workers: int | None = None) -> None:
        self._address, self._workers = address, workers
        self._ray: Any = None
        self._sent: tuple[Callable[[Any], Any], Any] | None = None

    @property
    def count(self) -> int:
        """How many workers there are at most.

        Raises:
            UnavailableError: Ray is not installed.
            InputError: no cluster answers at the address.
        """
        if self._workers is None:
            self._workers = int(self._connected().cluster_resources().get("CPU", 0))
            if not self._workers:
                raise InputError(f"--ray {self._address}: the cluster has no processors; add machines with `ray start`")
        return self._workers

    @property
    def far(self) -> bool:
        """Whether workers may be on other machines."""
        return self._address != "local"

    def start(self, function: Callable[[Any], Any]) -> "_Actor":
        """Ask for one more actor; the cluster starts it when it has a processor to spare.

        Raises:
            UnavailableError: Ray is not installed.
            InputError: no cluster answers at the address.
        """
        ray = self._connected()
        if self._sent is None or self._sent[0] is not function:
            self._sent = function, ray.put(ray.cloudpickle.dumps(function))  # once for all actors of a machine
        actor = ray.remote(_Remote).options(num_cpus=1, max_restarts=0, max_task_retries=0).remote()
        return _Actor(ray, actor, self._sent[1])

    def close(self) -> None:
        """Let go of the cluster; one that was started here ends."""
        if self._ray is not None:
            self._sent = None
            self._ray.shutdown()
            self._ray = None

    def _connected(self) -> Any:
        if self._ray is None:
            self._ray = _import_ray()
            quiet = {"log_to_driver": False, "logging_level": "ERROR", "configure_logging": True}
            try:
                if self._address == "local":
                    cores = max(self._workers or 0, os.cpu_count() or 1)
                    self._ray.init(
                        "local", num_cpus=cores, include_dashboard=False, object_store_memory=OBJECT_STORE, **quiet
                    )
                else:
                    _require_answer(self._address)
                    self._ray.init(address=self._address, **quiet)
            except (OSError, RuntimeError, ValueError, self._ray.exceptions.RayError) as error:
                self._ray = None
                said = " ".join(str(error).split())[:200]
                raise InputError(
                    f"--ray {self._address}: no cluster answers there ({said}); start one with `ray start --head`, "
                    "give its token in RAY_AUTH_TOKEN, or write --ray local"
                ) from None
        return self._ray


def _import_ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # A worker that is ended is told by the loop, in a sentence; Ray would print a page, and to standard output.
    os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", "A worker died or was killed|task has failed|node .* has been")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # what Ray will do by itself, and warns of
    try:
        import ray
    except ModuleNotFoundError:
        raise UnavailableError("--ray needs Ray: run pip install 'tamis[scale]', here and on every machine") from None
    return ray


def _require_answer(address: str) -> None:
    """Knock at HOST:PORT, since Ray itself waits for minutes; raises OSError."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host, int(port)), timeout=10).close()


class _Remote:
    """What an actor is, on its machine."""

    def take_up(self, packed: bytes, version: str) -> tuple[Any, Exception | None]:
        if version != tamis.__version__:
            return None, UnavailableError(
                f"a machine of the cluster has tamis {tamis.__version__}, and this one {version}: install the same"
            )
        share_cores(1)
        try:
            self._function = pickle.loads(packed)
        except Exception as error:  # noqa: BLE001  what goes wrong with a model; raised again where it is collected
            return None, error
        return None, None

    def do(self, item: Any) -> tuple[Any, Exception | None]:
        try:
            return self._function(item), None
        except Exception as error:  # noqa: BLE001  raised again where it is collected; Ray would wrap its sentence
            return None, error


class _Actor:
    def __init__(self, ray: Any, actor: Any, function: Any) -> None:
        self._ray, self._actor = ray, actor
        self.ready: Future[Any] = actor.take_up.remote(function, tamis.__version__).future()

    def submit(self, item: Any) -> Future[Any]:
        future: Future[Any] = self._actor.do.remote(item).future()
        return future

    def collect(self, future: Future[Any]) -> Any:
        try:
            value, error = future.result()
        except self._ray.exceptions.RayTaskError:
            raise  # what an item or function could not be packed or unpacked for
        except self._ray.exceptions.RayError as error:
            raise WorkerDiedError("the system ended it, or its machine left the cluster") from error
        if error is not None:
            raise error
        return value

    def close(self, now: bool) -> None:
        with suppress(self._ray.exceptions.RayError, OSError, ValueError):
            self._ray.kill(self._actor)
