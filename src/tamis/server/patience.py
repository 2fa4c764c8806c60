"""Slow and greedy clients are sent away, and the terminal is not flooded with what they do."""

import asyncio
import logging
import time
from collections import Counter
from typing import Any, ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADERS_WITHIN = 10.0
"""Seconds for the headers of a request, from its first byte, or from the connection."""

BODY_WITHIN = 120.0
"""Seconds for its body, which has at most 32 MB."""

PER_ADDRESS = 128
"""Connections from one address at a time; a page of a browser keeps six."""

AT_ONCE = 512
"""Connections in all."""

QUIET = 60.0
"""Seconds for which the same line is not printed again."""


class PatientProtocol(H11Protocol):
    """uvicorn's protocol with limits of time, and of connections from one address."""

    _from_address: ClassVar[Counter[str]] = Counter()
    per_address = PER_ADDRESS

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the headers, unless there are too many connections from there."""
        super().connection_made(transport)
        self._late: asyncio.TimerHandle | None = None
        self._awaits_body = False
        self._address = str((transport.get_extra_info("peername") or [""])[0])
        self._from_address[self._address] += 1
        if self._from_address[self._address] > self.per_address:
            transport.abort()
            return
        self._wait(HEADERS_WITHIN)

    def data_received(self, data: bytes) -> None:
        """Take what has come, and wait for what is missing."""
        super().data_received(data)
        state = self.conn.their_state
        if state is h11.SEND_BODY:
            if not self._awaits_body:
                self._awaits_body = True
                self._wait(BODY_WITHIN)
        elif state is h11.IDLE and self.conn.trailing_data[0]:
            self._awaits_body = False
            if self._late is None:
                self._wait(HEADERS_WITHIN)
        else:
            self._awaits_body = False
            self._calm()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._calm()
        self._from_address[self._address] -= 1
        if self._from_address[self._address] <= 0:
            del self._from_address[self._address]
        super().connection_lost(exc)

    def _wait(self, seconds: float) -> None:
        self._calm()
        self._late = self.loop.call_later(seconds, self._send_away)

    def _calm(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _send_away(self) -> None:
        if not self.transport.is_closing():
            self.transport.abort()


class Sparingly(logging.Filter):
    """Lets the same line through once in a while, and says how often it was left out."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[Any, tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to print a line."""
        now = time.monotonic()
        key = (record.name, record.msg, record.exc_info[0] if record.exc_info else None)
        last, left_out = self._seen.get(key, (-QUIET, 0))
        if now - last < QUIET:
            self._seen[key] = last, left_out + 1
            return False
        if len(self._seen) > 1000:
            self._seen.clear()
        self._seen[key] = now, 0
        if left_out:
            record.msg = f"{record.getMessage()} ({left_out} more like this since)"
            record.args = ()
        return True
