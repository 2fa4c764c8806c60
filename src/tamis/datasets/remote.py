"""A file on a web server, read piece by piece by HTTP range requests."""

import http.client
import io
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

from tamis.errors import InputError

_PIECE = 1 << 16
_WORTH_ANOTHER_TRY = (408, 425, 429, 500, 502, 503, 504)


class RemoteError(InputError):
    """A file on a server that cannot be had."""


class RemoteFile(io.RawIOBase):
    """A file on a server, opened for reading at any place; wrap it into io.BufferedReader for large pieces.

    A connection that breaks or ends early is taken up where it stopped.

    Args:
        url: http or https.
        retries: how many failures in a row, without a byte between them, are borne.
        timeout: seconds without an answer that count as a failure.
        wait: seconds before the first new attempt; twice as long before each further one.

    Raises:
        RemoteError: when it is opened or read: there is no such file, the server sends no ranges, or it fails too
            often.
    """

    def __init__(self, url: str, retries: int = 5, timeout: float = 60, wait: float = 1) -> None:
        super().__init__()
        self.url, self._retries, self._timeout, self._wait = _checked(url), retries, timeout, wait
        self._position = 0
        self._size = -1
        self._range(0, 1)

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """The place at which reading goes on, in bytes."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place; nothing is asked of the server."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError(f"cannot go to byte {base + offset}")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer, or what of it the rest of the file fills."""
        length = max(0, min(len(buffer), self._size - self._position))
        if length:
            buffer[:length] = self._range(self._position, length)
            self._position += length
        return length

    def _range(self, start: int, length: int) -> bytes:
        content = bytearray()

        def go_on() -> bool:
            before = len(content)
            try:
                self._ask(start + before, start + length - 1, content)
            except (OSError, http.client.HTTPException):
                # What came before the connection broke counts; without anything it is a failure.
                if len(content) == before:
                    raise
            return len(content) >= length

        _persist(go_on, self.url, self._retries, self._wait)
        return bytes(content[:length])

    def _ask(self, first: int, last: int, content: bytearray) -> None:
        request = urllib.request.Request(self.url, headers={"Range": f"bytes={first}-{last}"})
        before = len(content)
        with urllib.request.urlopen(request, timeout=self._timeout) as answer:
            sent = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", answer.headers.get("Content-Range", ""))
            if answer.status != http.HTTPStatus.PARTIAL_CONTENT or sent is None or int(sent[1]) != first:
                raise RemoteError(f"{self.url}: the server sends no parts of files; use another --base-url")
            if self._size not in (-1, int(sent[2])):
                raise RemoteError(f"{self.url}: the file on the server changed meanwhile; run the command again")
            self._size = int(sent[2])
            while piece := answer.read(min(_PIECE, last - first + 1 - (len(content) - before))):
                content += piece
        if len(content) == before:
            raise http.client.IncompleteRead(b"")


def read_remote(url: str, retries: int = 5, timeout: float = 60, wait: float = 1) -> bytes:
    """Read a whole small file.

    Args:
        url: http or https.
        retries: as in `RemoteFile`.
        timeout: as in `RemoteFile`.
        wait: as in `RemoteFile`.

    Raises:
        RemoteError: there is no such file, or the server fails too often.
    """
    content: list[bytes] = []

    def read() -> bool:
        with urllib.request.urlopen(_checked(url), timeout=timeout) as answer:
            content[:] = [answer.read()]
        return True

    _persist(read, url, retries, wait)
    return content[0]


def _persist(attempt: Callable[[], bool], url: str, retries: int, wait: float) -> None:
    """Call until it says that all is done; raise RemoteError after too many failures in a row."""
    failures = 0
    while True:
        try:
            if attempt():
                return
            failures = 0
        except urllib.error.HTTPError as error:
            error.close()
            problem, final = f"{error.code} {error.reason}", error.code not in _WORTH_ANOTHER_TRY
            if final:
                raise RemoteError(f"{url}: the server answers {problem}; check the name") from None
        except (OSError, http.client.HTTPException) as error:
            problem = str(getattr(error, "reason", "") or error) or type(error).__name__
        else:
            continue
        if failures >= retries:
            raise RemoteError(f"{url}: {failures + 1} attempts failed, the last by '{problem}'; run the command again")
        time.sleep(wait * 2**failures)
        failures += 1


def _checked(url: str) -> str:
    if not re.match(r"https?://[^/]", url):
        raise RemoteError(f"'{url}' is no web address; it must begin with https:// or http://")
    return url
