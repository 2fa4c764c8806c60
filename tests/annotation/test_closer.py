import threading
from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from tamis.annotation.closer import CloserLooks
from tamis.arrays import MaskArray
from tamis.clicks import Click


class Looked:
    """An encoded image that remembers what it was asked to look at; the first look waits to be released."""

    def __init__(self) -> None:
        self.seen: list[int] = []
        self.begun, self.go_on = threading.Event(), threading.Event()

    def look_closer(self, mask: MaskArray, clicks: Sequence[Click]) -> None:
        self.begun.set()
        assert self.go_on.wait(10)
        if not len(clicks):
            raise ValueError("this look fails")
        self.seen.append(int(mask.sum()))


@pytest.fixture
def looks() -> Iterator[CloserLooks]:
    looks = CloserLooks()
    looks.start()
    yield looks
    looks.close()


def mask(pixels: int) -> MaskArray:
    return np.arange(9).reshape(3, 3) < pixels


def test_only_the_latest_mask_is_looked_at(looks: CloserLooks) -> None:
    image = Looked()
    looks.want(image, mask(1), [Click(0, 0)])
    assert image.begun.wait(10)
    for pixels in (2, 3, 4):
        looks.want(image, mask(pixels), [Click(0, 0)])
    image.go_on.set()
    assert looks.wait(10)
    assert image.seen == [1, 4]


def test_a_look_that_fails_is_not_the_last(looks: CloserLooks, caplog: pytest.LogCaptureFixture) -> None:
    image = Looked()
    image.go_on.set()
    looks.want(image, mask(1), [])
    assert looks.wait(10)
    assert "a closer look failed" in caplog.text
    looks.want(image, mask(2), [Click(0, 0)])
    assert looks.wait(10)
    assert image.seen == [2]
