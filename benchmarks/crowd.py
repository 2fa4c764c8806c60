"""Scripted people for `benchmarks.annotators`: each takes images, draws masks on them, and listens to what changes."""

import asyncio
import json
import random
import time
from collections import Counter
from typing import Any

import numpy as np

from tamis.mask import Masks

SIDE = 64
"""Pixels along a side of the images."""

OBSERVERS = 5
"""People whose streams are read and not only received: a browser does so on a computer of its own."""

LONGEST = 1 << 26
"""Bytes of an event in a stream."""


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
        return int(head.split()[1]), json.loads(said) if "json" in head else None, time.perf_counter() - start


class Person:
    """Somebody at work: takes an image, draws some masks on it, gives it back, takes another."""

    def __init__(self, number: int, port: int, images: int, label: str) -> None:
        self.name = f"person {number}"
        self.images, self.label = images, label
        self.chance = random.Random(number)
        self.port, self.saving = port, Connection(port)
        self.saves: list[float] = []
        self.nexts: list[float] = []
        self.problems: Counter[str] = Counter()
        self.acknowledged: list[tuple[int, str]] = []
        self.sent: dict[tuple[int, int], float] = {}  # image and number of its event: when it was sent
        self.seen: dict[tuple[int, int], float] = {}

    async def listen(self, reads: bool) -> None:
        """Receive the stream of changes until cancelled; whoever reads it notes when he learned of what."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=LONGEST)
        try:
            writer.write(b"GET /api/changes HTTP/1.1\r\nHost: localhost\r\n\r\n")
            while line := await reader.readline():
                if line.startswith(b"HTTP/1.1 ") and b"200" not in line:
                    self.problems[f"stream {line.split()[1].decode()}"] += 1
                if reads and line.startswith(b"data: "):
                    now = time.perf_counter()
                    for image in json.loads(line[6:])["images"]:
                        self.seen.setdefault((image["id"], image["seq"]), now)
            self.problems["stream ended"] += 1
        finally:
            writer.close()

    async def work(self, end: float) -> None:
        """Draw until the end: half of the time on the next image that waits, otherwise on one by chance."""
        await asyncio.sleep(self.chance.random())
        who = {"client": self.name, "user": self.name}
        while time.monotonic() < end:
            image = self.chance.randrange(1, self.images + 1)
            path = f"/api/images/{image}/lease" if self.chance.random() < 0.5 else "/api/next"
            status, told, seconds = await self.saving.ask("POST", path, who)
            if status == 423:
                continue
            if status != 200:
                self.problems[f"{path.rpartition('/')[2]} {status}"] += 1
                await asyncio.sleep(1)
                continue
            if path == "/api/next":
                self.nexts.append(seconds)
                image = told["image"] or image
            if told["lease"]:
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
            sent = time.perf_counter()
            status, told, _ = await self.saving.ask("POST", f"/api/images/{image}/events", body)
            while status == 503:  # as a page does: what is not saved is kept, and sent again
                self.problems["sent again"] += 1
                await asyncio.sleep(1)
                status, told, _ = await self.saving.ask("POST", f"/api/images/{image}/events", body)
            if status != 200:
                self.problems[f"save {status}"] += 1
                return
            seq = told["seq"]
            self.saves.append(time.perf_counter() - sent)
            self.sent[image, seq] = sent
            self.acknowledged.append((image, uuid))

    def _mask(self, uuid: str) -> dict[str, Any]:
        pixels = np.zeros((1, SIDE, SIDE), bool)
        top, left = self.chance.randrange(40), self.chance.randrange(40)
        pixels[0, top : top + 20, left : left + 20] = True
        rle = Masks.from_dense(pixels).coco()[0]
        return {"id": uuid, "label": self.label, "rle": {"size": rle["size"], "counts": rle["counts"].decode()}}


async def crowd(port: int, count: int, images: int, seconds: float) -> tuple[list[Person], list[float]]:
    """Everybody at work for a while, once all images have been looked at.

    Returns:
        The people, and the seconds from the sending of each save to when somebody else had been told of it.
    """
    label = await ready(port, images)
    people = [Person(number, port, images, label) for number in range(count)]
    listening = [asyncio.create_task(person.listen(number < OBSERVERS)) for number, person in enumerate(people)]
    await asyncio.sleep(2)
    end = time.monotonic() + seconds
    await asyncio.gather(*(person.work(end) for person in people))
    await asyncio.sleep(1)  # for the last news
    for task in listening:
        task.cancel()
    await asyncio.gather(*listening, return_exceptions=True)
    sent = {key: when for person in people for key, when in person.sent.items()}
    seen = [(key, when) for person in people[:OBSERVERS] for key, when in person.seen.items()]
    return people, [when - sent[key] for key, when in seen if key in sent]


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
