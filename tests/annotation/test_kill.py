"""kill -9 at any moment loses nothing that was acknowledged, and the page's sending again repeats nothing."""

import http.client
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tamis.annotation import open_project
from tamis.annotation.fold import History, advanced, drawing
from tamis.server.serve import bound_socket

KILLS = 50


class Tab:
    """A scripted annotator: it keeps what was not acknowledged, and sends it again to the next server."""

    def __init__(self, port: int, label: str, seed: int) -> None:
        self.port, self.label = port, label
        self.random = random.Random(seed)
        self.acknowledged: list[dict[str, Any]] = []
        self.waiting: list[dict[str, Any]] = []
        self.made = 0

    def event(self) -> dict[str, Any]:
        self.made += 1
        name = f"m{self.random.randrange(12)}"
        kind, body = self.random.choice(
            [
                ("mask.set", {"id": name, "label": self.label, "rle": {"size": [6, 8], "counts": "`1"}}),
                ("mask.set", {"id": name, "label": self.label, "rle": {"size": [6, 8], "counts": "0`1"}}),
                ("mask.delete", {"id": name}),
                ("image.note", {"text": f"note {self.made}"}),
                ("undo", {}),
                ("redo", {}),
            ]
        )
        return {"uuid": f"event-{self.made}", "kind": kind, "body": body, "active_ms": 10, "clicks": 1}

    def work(self, answers: int, act: Callable[[], None]) -> None:
        """Work until the server is gone, and act once, as soon as so many requests were answered."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            lease = self.ask(connection, "lease", {"client": "tab", "takeover": True})["lease"]
            for answered in itertools.count():
                if answered == answers:
                    act()
                if not self.waiting or self.random.random() < 0.3:
                    self.waiting.append(self.event())
                body = {"client": "tab", "lease": lease, "base": len(self.acknowledged), "events": self.waiting}
                seq = self.ask(connection, "events", body)["seq"]
                self.acknowledged += self.waiting
                self.waiting = []
                assert seq == len(self.acknowledged)
        except (OSError, http.client.HTTPException):
            return
        finally:
            connection.close()

    @staticmethod
    def ask(connection: http.client.HTTPConnection, path: str, body: dict[str, Any]) -> Any:
        headers = {"content-type": "application/json"}
        connection.request("POST", f"/api/images/1/{path}", json.dumps(body), headers)
        answer = connection.getresponse()
        content = json.loads(answer.read())
        assert answer.status == 200, content
        return content


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kill -9 is of systems with fork")
def test_nothing_acknowledged_is_lost_when_the_server_is_killed(folder: Path) -> None:
    project = open_project(folder, labels=["cat"])
    label = project.labels()[0].id
    project.close()
    socket = bound_socket("127.0.0.1", 0)
    port = socket.getsockname()[1]
    socket.close()
    chance = random.Random(13)
    tab = Tab(port, label, 14)
    command = [sys.executable, str(Path(__file__).parent / "kill_server.py"), str(folder), str(port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        for _ in range(KILLS):
            print("go", file=server.stdin, flush=True)
            child = int(server.stdout.readline())
            # It dies in the middle of something, and how much was done before depends on no clock.
            killer = threading.Timer(chance.uniform(0, 0.02), os.kill, [child, signal.SIGKILL])
            tab.work(chance.randrange(8), killer.start)
            killer.join()
            assert server.stdout.readline() == "gone\n"
        server.stdin.close()

    project = open_project(folder)
    seq, events = project.log.history(1)
    there = [event["uuid"] for event in events]
    sent = [event["uuid"] for event in tab.acknowledged]
    assert there[: len(sent)] == sent
    unanswered = [event["uuid"] for event in tab.waiting]
    assert there[len(sent) :] in [unanswered[:saved] for saved in range(len(unanswered) + 1)]
    assert [event["body"] for event in events[: len(sent)]] == [event["body"] for event in tab.acknowledged]
    assert len(sent) > KILLS  # it did get to work between deaths
    wanted = drawing(advanced(History(), [(event["kind"], event["body"]) for event in events]))
    seen, row = project.drawing(1), project.row(1)
    assert (seen, row.seq, row.clicks, row.masks) == (wanted, seq, seq, len(wanted.masks))
    project.close()
