"""The queue: the image on the screen first, then its neighbours, then the rest; and what goes wrong."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tamis.annotation.encoder import Encoder, Source
from tamis.arrays import ImageArray
from tamis.errors import InputError, TamisError, UnavailableError
from tamis.regions.encoded import EncodedRegions
from tamis.segmentors.cache import EncodingCache


class Counting:
    """A segmentor that notes what it encodes, and waits until it is let on."""

    name = "counting"
    encoding_version = "1"

    def __init__(self) -> None:
        self.seen: list[int] = []
        self.gate = threading.Semaphore(0)

    def encode(self, image: ImageArray) -> EncodedRegions:
        self.seen.append(int(image[0, 0, 0]))
        assert self.gate.acquire(timeout=20)
        if image[0, 0, 1] == 255:
            raise RuntimeError("out of luck")
        region_map = np.zeros(image.shape[:2], np.uint16)
        answers, ratings = np.full((1, 1, 1), 255, np.uint8), np.full((1, 1), 255, np.uint8)
        return EncodedRegions(image, region_map, answers, np.ones((1, 1), np.float32), ratings)

    def from_arrays(self, image: ImageArray, arrays: Any) -> EncodedRegions:
        return EncodedRegions.from_arrays(image, arrays)


class Queue:
    """An encoder over images 0 to 9, whose first pixel is their number."""

    def __init__(self, folder: Path, load: Callable[[], Any] | None = None) -> None:
        from PIL import Image

        self.segmentor = Counting()
        self.reports: list[int] = []
        self.folder = folder
        for number in range(10):
            pixels = np.full((4, 5, 3), number, np.uint8)
            pixels[..., 1] = 255 if number == 7 else 0
            Image.fromarray(pixels).save(folder / f"{number}.png")
        self.encoder = Encoder(
            load or (lambda: self.segmentor),
            lambda: list(range(10)),
            self.source,
            self.reports.append,
            cache=lambda segmentor: EncodingCache(segmentor, folder / "cache"),
        )

    def source(self, number: int) -> Source:
        if number == 9:
            raise InputError("cannot be read")
        return Source(self.folder / f"{number}.png", f"{number:064}")

    def let(self, count: int) -> list[int]:
        """Let some images be encoded, and wait until the next has begun; gives the order of all so far."""
        eventually(lambda: len(self.segmentor.seen) > 0)
        wanted = len(self.segmentor.seen) + count
        self.segmentor.gate.release(count)
        eventually(lambda: len(self.segmentor.seen) == wanted)
        return list(self.segmentor.seen)


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    made = Queue(tmp_path)
    yield made
    made.segmentor.gate.release(100)
    made.encoder.close()


def eventually(question: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not question():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_order_of_work(queue: Queue) -> None:
    queue.encoder.prefer(4)
    queue.encoder.start()
    assert queue.let(3) == [4, 5, 6, 3]
    queue.encoder.prefer(1)  # while 3 is being encoded, somebody goes elsewhere
    assert queue.let(2)[4:] == [1, 2]
    assert queue.let(3)[6:] == [0, 7, 8]
    queue.segmentor.gate.release()
    eventually(lambda: queue.encoder.state(8) == "ready")
    assert [queue.encoder.state(number) for number in range(10)] == ["ready"] * 7 + ["failed", "ready", "waiting"]
    assert queue.encoder.problem(7) == "the segmentor failed on this image (RuntimeError: out of luck)"
    assert set(range(9)) <= set(queue.reports)


def test_what_is_on_disk_is_ready_at_once(queue: Queue, tmp_path: Path) -> None:
    queue.segmentor.gate.release(100)
    queue.encoder.start()
    eventually(lambda: queue.encoder.state(8) == "ready")
    queue.encoder.close()
    again = Queue(tmp_path)
    again.encoder.prefer(2)
    again.encoder.start()
    eventually(lambda: again.encoder.table(again.source(2)) is not None)
    eventually(lambda: again.encoder.state(6) == "ready")
    eventually(lambda: again.segmentor.seen == [7])  # which failed, and is tried again
    again.segmentor.gate.release(100)
    again.encoder.close()


def test_waiting_for_an_image(queue: Queue) -> None:
    queue.encoder.start()
    queue.segmentor.gate.release(100)
    assert queue.encoder.wait(5, 20).shape == (4, 5)
    with pytest.raises(InputError, match="out of luck"):
        queue.encoder.wait(7, 20)
    with pytest.raises(InputError, match="cannot be read"):
        queue.encoder.wait(9, 20)


def test_waiting_is_bounded(queue: Queue) -> None:
    queue.encoder.start()
    with pytest.raises(TamisError, match="not ready yet"):
        queue.encoder.wait(5, 0.05)


def test_a_segmentor_that_cannot_be_loaded(tmp_path: Path) -> None:
    def load() -> Any:
        raise UnavailableError("install it first")

    queue = Queue(tmp_path, load)
    queue.encoder.start()
    with pytest.raises(UnavailableError, match="install it first"):
        queue.encoder.wait(3, 20)
    assert (queue.encoder.state(3), queue.encoder.problem(3)) == ("failed", "install it first")
    eventually(lambda: set(queue.reports) == set(range(10)))
    queue.encoder.close()


def test_images_in_memory_are_few(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tamis.annotation.encoder.MEMORY", 9_000_000)
    queue.segmentor.gate.release(100)
    queue.encoder.start()
    eventually(lambda: queue.encoder.state(8) == "ready")
    kept = [number for number in range(9) if queue.encoder.ready(queue.source(number)) is not None]
    assert len(kept) <= 2
    assert queue.encoder.wait(0, 20).shape == (4, 5)  # from disk
    assert queue.segmentor.seen.count(0) == 1
