"""The queue of images to be made ready for clicks: the one on the screen, those beside it, then the rest."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tamis.annotation.threads import wait_for
from tamis.errors import InputError, TamisError
from tamis.image import MAX_PIXELS, read_image
from tamis.regions.protocol import AnswersByRegion
from tamis.regions.table import pack_answers
from tamis.segmentors import EncodedImage, Segmentor, TakesMask
from tamis.segmentors.cache import EncodingCache

State = Literal["waiting", "ready", "failed", "none"]

MEMORY = 600_000_000
"""Bytes of encoded images kept in memory, about."""

TABLES = 64
"""Tables of answers kept in memory, about a megabyte each."""


@dataclass(frozen=True)
class Source:
    """An image's file and the SHA-256 of its bytes."""

    path: Path
    sha256: str


class Encoder:
    """One thread that encodes the images of a project; everything else may be called from any thread.

    Args:
        load: gives the segmentor; called in the thread, since it can take seconds.
        order: the ids of all images in the order of the list.
        source: where an image is; raises InputError for one that cannot be worked on.
        report: called with an id whenever its state has changed.
        max_pixels: larger images are refused.
        cache: where encoded images are kept, made when the segmentor is there.
    """

    def __init__(
        self,
        load: Callable[[], Segmentor],
        order: Callable[[], Sequence[int]],
        source: Callable[[int], Source],
        report: Callable[[int], None],
        max_pixels: int = MAX_PIXELS,
        cache: Callable[[Segmentor], EncodingCache] = EncodingCache,
    ) -> None:
        self._load, self._order, self._source, self._report = load, order, source, report
        self._max_pixels = max_pixels
        self._make_cache = cache
        self._cache: EncodingCache | None = None
        self._segmentor: Segmentor | None = None
        self._broken: TamisError | None = None
        self._condition = threading.Condition()
        self._wanted: list[int] = []
        self._states: dict[int, tuple[str, State]] = {}  # with the bytes that they are about
        self._problems: dict[str, str] = {}
        self._memory: OrderedDict[str, tuple[EncodedImage, int]] = OrderedDict()
        self._tables: OrderedDict[str, bytes] = OrderedDict()  # empty bytes: the image has no table
        self._closing = False
        self._stirred = True
        self._thread = threading.Thread(target=self._work, name="encoder", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """Stop after the image at hand."""
        with self._condition:
            self._closing = True
            self._condition.notify_all()
        wait_for(self._thread)

    def state(self, image_id: int) -> State:
        """Whether an image is ready: on disk or in memory; "none" where nothing is encoded ahead."""
        with self._condition:
            state = self._states.get(image_id, ("", "waiting"))[1]
            if state == "failed" or self._broken is not None:
                return "failed"
            return state if self._cache is None or self._cache.usable else "none"

    def problem(self, image_id: int) -> str | None:
        """Why an image could not be encoded."""
        with self._condition:
            if self._broken is not None:
                return str(self._broken)
            return self._problems.get(self._states.get(image_id, ("", "waiting"))[0])

    def prefer(self, image_id: int) -> None:
        """Put an image and its neighbours in front of all others."""
        ids = list(self._order())
        near = [image_id]
        if image_id in ids:
            i = ids.index(image_id)
            near += ids[i + 1 : i + 3] + ids[max(0, i - 1) : i]
        with self._condition:
            if near != self._wanted:
                self._wanted = near
                self._stir()

    def stir(self) -> None:
        """Look through the list again: there are new images, or changed ones."""
        with self._condition:
            self._stir()

    def ready(self, source: Source) -> EncodedImage | None:
        """The encoded image if it is in memory."""
        with self._condition:
            return self._recalled(source.sha256)

    @property
    def keeps(self) -> bool | None:
        """Whether encoded images are kept on disk; None while the segmentor is not there yet."""
        with self._condition:
            return None if self._cache is None else self._cache.usable

    def stored(self, source: Source) -> EncodedImage | None:
        """The encoded image if it is in memory or on disk; nothing is encoded for whoever asks.

        Raises:
            InputError: the image cannot be read.
        """
        encoded = self.ready(source)
        if encoded is not None or self._cache is None or not self._cache.has(source.sha256):
            return encoded
        return self._cache.load(source.sha256, read_image(source.path, self._max_pixels))

    def table(self, source: Source) -> bytes | None:
        """The image's answers as `pack_answers` packs them, b"" if it has no such table, None while it is not ready."""
        with self._condition:
            return self._tables.get(source.sha256)

    def wait(self, image_id: int, seconds: float) -> EncodedImage:
        """The encoded image, as soon as it is ready.

        Raises:
            InputError: the image cannot be read.
            TamisError: the segmentor cannot be loaded, or it took too long.
        """
        source = self._source(image_id)
        self.prefer(image_id)
        with self._condition:
            self._condition.wait_for(
                lambda: (
                    source.sha256 in self._memory
                    or source.sha256 in self._problems
                    or self._broken is not None
                    or self._closing
                ),
                seconds,
            )
            if self._broken is not None:
                raise self._broken
            if source.sha256 in self._problems:
                raise InputError(self._problems[source.sha256])
            encoded = self._recalled(source.sha256)
        if encoded is None:
            raise TamisError("the image is not ready yet; try again in a moment")
        return encoded

    # -- the thread

    def _work(self) -> None:
        try:
            segmentor = self._load()
        except TamisError as error:
            with self._condition:
                self._broken = error
                self._condition.notify_all()
            for broken in self._order():
                self._report(broken)
            return
        with self._condition:
            self._segmentor, self._cache = segmentor, self._make_cache(segmentor)
        while (image_id := self._next()) is not None:
            self._attend(image_id)

    def _next(self) -> int | None:
        """The image to attend to; waits while there is none, None at the end."""
        while True:
            with self._condition:
                if self._closing:
                    return None
                self._stirred = False
                wanted = list(self._wanted)
            for image_id in wanted[: None if self._usable else 1]:
                if self._needs(image_id, shown=image_id == wanted[0], near=True):
                    return image_id
            for image_id in self._order() if self._usable else ():
                if self._stirred or self._closing:
                    break
                if self._needs(image_id):
                    return image_id
            with self._condition:
                if not self._stirred and not self._closing:
                    self._condition.wait()

    def _needs(self, image_id: int, shown: bool = False, near: bool = False) -> bool:
        """Whether there is work on an image; what is on disk already is marked as ready on the way.

        The image on the screen is kept in memory, those near it as tables, the rest on disk.
        """
        try:
            source = self._source(image_id)
        except TamisError:
            return False
        digest = source.sha256
        with self._condition:
            if digest in self._problems:
                return False
            if not near and self._states.get(image_id) == (digest, "ready"):
                return False
            complete = digest in self._tables if near else False
            complete = complete and (digest in self._memory or not shown)
        if complete or (not near and self._cache is not None and self._cache.has(digest)):
            self._mark(image_id, digest, "ready")
            return False
        return True

    def _attend(self, image_id: int) -> None:
        try:
            source = self._source(image_id)
            with self._condition:
                encoded = self._recalled(source.sha256)
                near = image_id in self._wanted
            if encoded is None:
                encoded = self._encoded(source)
                self._keep(source.sha256, encoded)
                self._mark(image_id, source.sha256, "ready")
            if near:
                self._tabulate(source.sha256, encoded)
        except TamisError as error:
            self._fail(image_id, str(error))
        except Exception as error:  # noqa: BLE001
            # The boundary of an image: a segmentor may fail in any way, and the next image may do better.
            self._fail(image_id, f"the segmentor failed on this image ({type(error).__name__}: {error})")

    def _keep(self, sha256: str, encoded: EncodedImage) -> None:
        with self._condition:
            self._memory[sha256] = encoded, 6 * encoded.shape[0] * encoded.shape[1] + 4_000_000
            while len(self._memory) > 1 and sum(size for _, size in self._memory.values()) > MEMORY:
                self._memory.popitem(last=False)
            self._condition.notify_all()

    def _tabulate(self, sha256: str, encoded: EncodedImage) -> None:
        table = b""
        if isinstance(encoded, AnswersByRegion):
            with suppress(InputError):  # too wide for a table: clicks are answered here instead
                table = pack_answers(encoded, corrects=isinstance(encoded, TakesMask))
        with self._condition:
            self._tables[sha256] = table
            while len(self._tables) > TABLES:
                self._tables.popitem(last=False)

    def _encoded(self, source: Source) -> EncodedImage:
        assert self._segmentor is not None
        assert self._cache is not None
        try:
            image = read_image(source.path, self._max_pixels)
        except InputError as error:
            raise InputError(str(error).removeprefix(f"{source.path}: ")) from error
        encoded = self._cache.load(source.sha256, image)
        if encoded is None:
            encoded = self._segmentor.encode(image)
            self._cache.save(source.sha256, encoded)
        return encoded

    def _fail(self, image_id: int, problem: str) -> None:
        try:
            sha256 = self._source(image_id).sha256
        except TamisError:
            sha256 = f"image {image_id}"
        with self._condition:
            self._problems[sha256] = problem
            self._states[image_id] = sha256, "failed"
            self._condition.notify_all()
        self._report(image_id)

    def _mark(self, image_id: int, sha256: str, state: State) -> None:
        with self._condition:
            changed = self._states.get(image_id) != (sha256, state)
            self._states[image_id] = sha256, state
            self._condition.notify_all()
        if changed:
            self._report(image_id)

    def _recalled(self, sha256: str) -> EncodedImage | None:
        entry = self._memory.get(sha256)
        if entry is None:
            return None
        self._memory.move_to_end(sha256)
        return entry[0]

    @property
    def _usable(self) -> bool:
        return self._cache is not None and self._cache.usable

    def _stir(self) -> None:
        self._stirred = True
        self._condition.notify_all()
