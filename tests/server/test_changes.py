"""News as a stream, and several processes that serve one project at one address."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

Stream = Iterator[dict[str, Any]]


@contextmanager
def stream(address: str, since: int | None = None, **headers: str) -> Iterator[Stream]:
    """The events of a stream, each with its id."""
    with (
        httpx.Client(timeout=30) as client,  # of its own: another connection may reach another process
        client.stream(
            "GET", f"{address}api/changes", params={"since": since} if since else {}, headers=headers
        ) as told,
    ):
        assert told.headers["content-type"].startswith("text/event-stream")

        def events() -> Stream:
            number = ""
            for line in told.iter_lines():
                if line.startswith("id: "):
                    number = line[4:]
                if line.startswith("data: "):
                    event = json.loads(line[6:])
                    assert str(event["version"]) == number
                    yield event

        yield events()


@pytest.fixture
def served(folder: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The address of `tamis annotate --processes 2`, and the process that started both."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--no-browser", "--no-token", "--port", str(port), "--model", "grabcut", "--processes", "2"]
    command = [sys.executable, "-m", "tamis", "annotate", str(folder), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
        assert server.stdout is not None
        assert "annotating" in server.stdout.readline()
        yield f"http://localhost:{port}/", server
        server.kill()


def children(of: int) -> list[int]:
    """The processes that serve."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command, stat = (entry / "cmdline").read_text(), (entry / "stat").read_text()
        except OSError:
            continue
        if int(stat.rpartition(")")[2].split()[1]) == of and "spawn_main" in command:
            found.append(int(entry.name))
    return sorted(found)


def until(fact: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not fact():
        assert time.monotonic() < end
        time.sleep(0.05)


def boards(address: str) -> set[int]:
    """Which processes answer: the upper bits of their versions tell."""
    return {httpx.get(f"{address}api/images").json()["version"] >> 32 for _ in range(20)}


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
def test_two_processes_are_as_one(served: tuple[str, subprocess.Popen[str]]) -> None:
    address, server = served
    until(lambda: len(boards(address)) == 2)

    with stream(address) as one, stream(address) as other:
        assert [image["name"] for image in next(one)["images"]] == ["<i>c<.png", "a.png", "b.jpg"]
        next(other)
        answer = httpx.post(f"{address}api/next", json={"client": "tab", "user": "anna"}).json()
        for told in (one, other):  # both learn of it, whichever process has given the lease
            news = next(event for event in told if any(image["editor"] for image in event["images"]))
            assert {image["id"]: image["editor"] for image in news["images"]}[answer["image"]] == "anna"
        last = news["version"]

    with stream(address, last) as again:
        assert len(next(again)["images"]) in (0, 3)  # nothing new, or all of it from the process that knows no better
    with stream(address, None, **{"last-event-id": str(last + 10**9)}) as again:
        assert len(next(again)["images"]) == 3

    first, second = children(server.pid)
    os.kill(first, signal.SIGKILL)
    until(lambda: len(children(server.pid)) == 2 and first not in children(server.pid))
    assert second in children(server.pid)
    until(lambda: len(boards(address)) == 2)

    with stream(address) as one:
        next(one)
        begun = time.monotonic()
        server.send_signal(signal.SIGTERM)
        assert list(one) == []  # the stream ends, and does not hold up the end
        assert server.wait(10) == 0
        assert time.monotonic() - begun < 5
    assert server.stdout is not None
    assert "Traceback" not in server.stdout.read()


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
def test_no_process_outlives_the_one_that_was_killed(served: tuple[str, subprocess.Popen[str]]) -> None:
    _, server = served
    until(lambda: len(children(server.pid)) == 2)
    left = children(server.pid)
    server.kill()
    until(lambda: not any(Path(f"/proc/{each}").exists() and "spawn" in cmdline(each) for each in left))


def cmdline(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_text()
    except OSError:
        return ""
