"""Closer looks at masks that somebody is correcting, in the background: the next correction comes from there."""

import logging
import threading
from collections.abc import Sequence

from tamis.annotation.threads import wait_for
from tamis.arrays import MaskArray
from tamis.clicks import Click
from tamis.segmentors import LooksCloser

log = logging.getLogger(__name__)

CloserRequest = tuple[LooksCloser, MaskArray, Sequence[Click]]


class CloserLooks:
    """One thread that looks at what was asked for last; whatever was asked for before it is forgotten."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._wanted: CloserRequest | None = None
        self._busy = self._closing = False
        self._thread = threading.Thread(target=self._work, name="closer looks", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End after the look at hand."""
        with self._condition:
            self._closing = True
            self._condition.notify_all()
        wait_for(self._thread)

    def want(self, encoded: LooksCloser, mask: MaskArray, clicks: Sequence[Click]) -> None:
        """Ask for a look at a mask (H, W), made by clicks; returns at once."""
        with self._condition:
            self._wanted = encoded, mask, clicks
            self._condition.notify_all()

    def wait(self, seconds: float) -> bool:
        """Until nothing is left to look at; False if that takes longer."""
        with self._condition:
            return self._condition.wait_for(lambda: self._wanted is None and not self._busy, seconds)

    def _work(self) -> None:
        while True:
            with self._condition:
                self._busy = False
                self._condition.notify_all()
                self._condition.wait_for(lambda: self._wanted is not None or self._closing)
                if self._closing or self._wanted is None:
                    return
                encoded, mask, clicks = self._wanted
                self._wanted, self._busy = None, True
            try:
                encoded.look_closer(mask, clicks)
            except Exception:
                # The boundary of a look: corrections come from the whole image as before, and the next look may do.
                log.exception("a closer look failed; corrections come from the whole image")
