"""Slow, greedy and noisy clients of a running server."""

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from tamis.server import patience
from tamis.server.patience import PatientProtocol, Sparingly

Connect = Callable[[bytes], socket.socket]


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Reads a body, and answers its length."""
    length, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        length += len(message.get("body", b""))
        more = message.get("more_body", False)
    await PlainTextResponse(str(length))(scope, receive, send)


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Iterator[Connect]:
    """connect(first bytes) → a connection to a server with little patience."""
    monkeypatch.setattr(patience, "HEADERS_WITHIN", 0.4)
    monkeypatch.setattr(patience, "BODY_WITHIN", 0.6)
    protocol = type("Protocol", (PatientProtocol,), {"per_address": 5})
    config = uvicorn.Config(app, http=protocol, log_level="critical", lifespan="off", timeout_keep_alive=30)
    server = uvicorn.Server(config)
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    opened: list[socket.socket] = []

    def made(first: bytes) -> socket.socket:
        connection = socket.create_connection(listening.getsockname(), timeout=5)
        opened.append(connection)
        connection.sendall(first)
        return connection

    yield made
    for connection in opened:
        connection.close()
    server.should_exit = True
    thread.join(10)
    listening.close()


def is_closed_after(connection: socket.socket) -> float:
    """Seconds until the other side ends a connection."""
    start = time.monotonic()
    try:
        while connection.recv(1000):
            pass
    except ConnectionResetError:
        pass
    return time.monotonic() - start


@pytest.mark.parametrize("first", [b"", b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "])
def test_headers_that_never_end(connect: Connect, first: bytes) -> None:
    assert 0.2 < is_closed_after(connect(first)) < 3


def drip(connection: socket.socket) -> None:
    """Send a byte at a time for two seconds."""
    for _ in range(40):
        connection.sendall(b"x")
        time.sleep(0.05)


@pytest.mark.parametrize(
    "first",
    [b"GET / HTTP/1.1\r\nHost: x\r\n", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"],
    ids=["headers", "body"],
)
def test_a_byte_at_a_time_is_too_slow(connect: Connect, first: bytes) -> None:
    connection = connect(first)
    with pytest.raises((ConnectionResetError, BrokenPipeError)):
        drip(connection)


def answered(connection: socket.socket, ending: bytes) -> bytes:
    """What comes, until its end."""
    said = b""
    while not said.endswith(ending):
        more = connection.recv(1000)
        assert more, said
        said += more
    return said


def said(connection: socket.socket) -> bytes:
    """What comes first; nothing from a connection that is ended."""
    try:
        return connection.recv(1000)
    except ConnectionResetError:
        return b""


def test_whoever_is_quick_is_answered_again_and_again(connect: Connect) -> None:
    connection = connect(b"")
    for _ in range(4):
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
        assert answered(connection, b"\r\n\r\n3").startswith(b"HTTP/1.1 200")
        time.sleep(0.3)  # longer in all than headers may take
    time.sleep(0.5)
    connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answered(connection, b"\r\n\r\n0").startswith(b"HTTP/1.1 200")


def test_too_many_connections_from_one_address(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "HEADERS_WITHIN", 30)
    held = [connect(b"GET / HTTP/1.1\r\n") for _ in range(5)]
    assert is_closed_after(connect(b"")) < 2
    held[0].close()
    end = time.monotonic() + 20
    while not said(connect(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")).startswith(b"HTTP/1.1 200"):
        assert time.monotonic() < end  # until it notices that one is gone
        time.sleep(0.05)


def test_the_same_line_is_printed_once_in_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("tamis.server.patience.time.monotonic", lambda: now[0])
    sparingly = Sparingly()

    def printed(text: str) -> str | None:
        record = logging.LogRecord("uvicorn.error", logging.WARNING, "", 0, text, (), None)
        return record.getMessage() if sparingly.filter(record) else None

    assert printed("Invalid HTTP request received.") == "Invalid HTTP request received."
    assert [printed("Invalid HTTP request received.") for _ in range(50)] == [None] * 50
    assert printed("another") == "another"
    now[0] += 61
    assert printed("Invalid HTTP request received.") == "Invalid HTTP request received. (50 more like this since)"
