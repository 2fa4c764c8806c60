"""A board kept up to date whoever changes the project, and everybody told who waits for it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from tamis.annotation.board import Board
from tamis.annotation.database import Database
from tamis.annotation.threads import wait_for
from tamis.errors import TamisError

ROUND = 1.0
"""Seconds between two looks at the database while nobody says that something has changed."""

PAUSE = 0.25
"""Seconds that changes are gathered for: with two hundred people at work there is always one."""

EACH = 0.003
"""Seconds that they are gathered longer for each who listens: as many as tell more have to be told of it."""

State = tuple[int, int, str | None]


class Watch:
    """Reads what has changed as soon as somebody says so: a change of this process, PostgreSQL for all others.

    Programs that change a SQLite file can tell nobody: their changes are seen within a round. Other threads may call
    all of it.

    Args:
        board: is kept up to date.
        database: of the project.
    """

    def __init__(self, board: Board, database: Database) -> None:
        self._board, self._database = board, database
        self._lock = threading.Lock()
        self._callbacks: set[Callable[[], None]] = set()
        self._problem: str | None = None
        self._stirred, self._stopped = threading.Event(), threading.Event()
        targets = {"watch": self._work, "listener": lambda: database.listen(self.stir, self._stopped)}
        self._threads = [threading.Thread(target=target, name=name, daemon=True) for name, target in targets.items()]
        database.changed = self.stir

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Tell everybody that there is no more to come; returns at once."""
        self._stopped.set()
        self._stirred.set()
        self._tell()

    def close(self) -> None:
        """Stop, and wait for it."""
        self.stop()
        wait_for(*self._threads)

    @property
    def stopped(self) -> bool:
        """Whether nothing more is to come."""
        return self._stopped.is_set()

    @property
    def problem(self) -> str | None:
        """Why nothing can be saved at the moment, one sentence; None if it can."""
        with self._lock:
            return self._problem

    def stir(self) -> None:
        """Something may have changed."""
        self._stirred.set()

    @contextmanager
    def telling(self, callback: Callable[[], None]) -> Iterator[None]:
        """Call back after every change while this is open, from another thread; it must return at once."""
        with self._lock:
            self._callbacks.add(callback)
        try:
            yield
        finally:
            with self._lock:
                self._callbacks.discard(callback)

    def _work(self) -> None:
        last: State | None = None
        while not self._stopped.is_set():
            self._stirred.wait(ROUND)
            self._stirred.clear()
            begun = monotonic()
            try:
                self._board.update()
                problem = self._database.problem()
            except (TamisError, OSError) as error:
                problem = str(error)
            with self._lock:
                self._problem = problem
            state = self._board.version, self._board.labels, problem
            if state != last:
                self._tell()
            last = state
            # A long look is followed by as long a rest.
            self._stopped.wait(max(PAUSE + EACH * len(self._callbacks), monotonic() - begun))

    def _tell(self) -> None:
        with self._lock:
            callbacks = list(self._callbacks)
        for callback in callbacks:
            callback()
