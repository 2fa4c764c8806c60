"""Many annotators at once: 50 scripted people on 5,000 images, a second of thought between two saves, a poll a second.

    python -m benchmarks.annotators [--db postgresql://...] [--people 50] [--images 5000] [--seconds 60] [--servers 1]

Prints how long saves and polls take, and how many updates were lost and leases violated, which must be none. People and
server share the computer.
"""

import argparse
import asyncio
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tamis.annotation.project import project_of
from tamis.mask import Masks

SIDE = 64
"""Pixels along a side of the images."""


class Connection:
    """One connection of a browser, kept open; as little work as can be, since it shares the processor."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any, float]:
        """The status, the answer and the seconds of a request."""
        start = time.perf_counter()
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        content = b"" if body is None else json.dumps(body).encode()
        kind = f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n" if content else ""
        writer.write(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{kind}\r\n".encode() + content)
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length:")[2].partition("\r\n")[0] or 0)
        said = await reader.readexactly(length)
        if "connection: close" in head:
            writer.close()
            self._streams = None
        return int(head.split()[1]), json.loads(said), time.perf_counter() - start


class Person:
    """Somebody at work: takes an image, draws some masks on it, gives it back, takes another."""

    def __init__(self, number: int, port: int, images: int, label: str) -> None:
        self.name = f"person {number}"
        self.images, self.label = images, label
        self.chance = random.Random(number)
        self.saving, self.polling = Connection(port), Connection(port)
        self.saves: list[float] = []
        self.polls: list[float] = []
        self.problems: Counter[str] = Counter()
        self.acknowledged: list[tuple[int, str]] = []

    async def poll(self, end: float) -> None:
        """Ask for the list every second, as a page does."""
        version: int | None = None
        await asyncio.sleep(self.chance.random())
        while time.monotonic() < end:
            path = "/api/images" if version is None else f"/api/images?since={version}"
            status, told, seconds = await self.polling.ask("GET", path)
            if status != 200:
                self.problems[f"poll {status}"] += 1
            elif version is None:
                version = told["version"]  # the first answer is the whole list
            else:
                version = told["version"]
                self.polls.append(seconds)
            await asyncio.sleep(1)

    async def work(self, end: float) -> None:
        """Draw until the end."""
        await asyncio.sleep(self.chance.random())
        while time.monotonic() < end:
            image = self.chance.randrange(1, self.images + 1)
            status, told, _ = await self.saving.ask(
                "POST", f"/api/images/{image}/lease", {"client": self.name, "user": self.name}
            )
            if status == 423:
                continue
            if status != 200:
                self.problems[f"lease {status}"] += 1
                continue
            await self._draw(image, told["lease"], end)
            await self.saving.ask("DELETE", f"/api/images/{image}/lease?lease={told['lease']}")

    async def _draw(self, image: int, lease: str, end: float) -> None:
        _, history, _ = await self.saving.ask("GET", f"/api/images/{image}/events")
        seq = history["seq"]
        for _ in range(self.chance.randrange(2, 8)):
            if time.monotonic() > end:
                return
            await asyncio.sleep(self.chance.uniform(0.5, 1.5))
            uuid = f"{self.chance.getrandbits(64):x}"
            event = {"uuid": uuid, "kind": "mask.set", "body": self._mask(uuid), "active_ms": 1000, "clicks": 1}
            body = {"client": self.name, "lease": lease, "base": seq, "events": [event]}
            status, told, seconds = await self.saving.ask("POST", f"/api/images/{image}/events", body)
            if status != 200:
                self.problems[f"save {status}"] += 1
                return
            seq = told["seq"]
            self.saves.append(seconds)
            self.acknowledged.append((image, uuid))

    def _mask(self, uuid: str) -> dict[str, Any]:
        pixels = np.zeros((1, SIDE, SIDE), bool)
        top, left = self.chance.randrange(40), self.chance.randrange(40)
        pixels[0, top : top + 20, left : left + 20] = True
        rle = Masks.from_dense(pixels).coco()[0]
        return {"id": uuid, "label": self.label, "rle": {"size": rle["size"], "counts": rle["counts"].decode()}}


def main() -> None:
    """Measure, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--db")
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--servers", type=int, default=1, help="processes on the same project, which people share")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        pictures(Path(folder), given.images)
        with ExitStack() as running:
            ports = [served(running, folder, given.db) for _ in range(given.servers)]
            people = asyncio.run(crowd(ports, given.people, given.images, given.seconds))
        project = project_of(folder, given.db)
        lost, violated = differences(project.log.history, people, given.images)
        project.close()
    for what in ("saves", "polls"):
        times = sorted(seconds for person in people for seconds in getattr(person, what))
        median, p95 = statistics.median(times), times[int(len(times) * 0.95)]
        shown = f"median {median * 1e3:.0f} ms, p95 {p95 * 1e3:.0f} ms, worst {times[-1] * 1e3:.0f} ms"
        print(f"{len(times)} {what}: {shown}")
    problems = sum((person.problems for person in people), Counter[str]())
    print(f"lost updates {lost}, lease violations {violated}, problems {dict(problems)}")


def served(running: ExitStack, folder: str, db: str | None) -> int:
    """The port of a server that runs until the stack is closed."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    command = [sys.executable, "-m", "tamis", "annotate", folder, "--no-browser", "--no-token", "--port", str(port)]
    environment = {**os.environ, "TAMIS_CACHE": f"{folder}/.cache"}
    options = ["--segmentor", "grabcut", *(["--db", db] if db else [])]
    server = running.enter_context(subprocess.Popen([*command, *options], env=environment))
    running.callback(server.terminate)
    return port


async def crowd(ports: list[int], count: int, images: int, seconds: float) -> list[Person]:
    """Everybody at work for a while, once all images have been looked at."""
    for port in ports:
        label = await ready(port, images)
    people = [Person(number, ports[number % len(ports)], images, label) for number in range(count)]
    end = time.monotonic() + seconds
    await asyncio.gather(*(task for person in people for task in (person.work(end), person.poll(end))))
    return people


async def ready(port: int, images: int) -> str:
    """The id of a label, once a server has looked at all images."""
    first = Connection(port)
    for _ in range(120):
        try:
            _, told, _ = await first.ask("GET", "/api/images")
            if all(image["width"] for image in told["images"]) and len(told["images"]) == images:
                break
        except OSError:
            first = Connection(port)
        await asyncio.sleep(1)
    return str((await first.ask("GET", "/api/project"))[1]["labels"][0]["id"])


def differences(history: Any, people: list[Person], images: int) -> tuple[int, int]:
    """Acknowledged saves that are not there; and changes of an image by two people whose turns were not kept apart."""
    there: dict[str, int] = {}
    for image in range(1, images + 1):
        for event in history(image)[1]:
            there[event["uuid"]] = image
    sent = [(image, uuid) for person in people for image, uuid in person.acknowledged]
    lost = sum(there.get(uuid) != image for image, uuid in sent)
    return lost, len(there) - len(sent)


def pictures(folder: Path, count: int) -> None:
    """Small pictures, each another."""
    rng = np.random.default_rng(0)
    for number in range(count):
        Image.fromarray(rng.integers(0, 255, (SIDE, SIDE), dtype=np.uint8)).save(folder / f"{number}.png")


if __name__ == "__main__":
    main()
