"""A project at work: its images looked at and encoded in the background, and clicks answered."""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Any

from tamis.annotation.answers import answer_prompt
from tamis.annotation.assistant.assistant import Assistant
from tamis.annotation.assistant.propose import Proposal
from tamis.annotation.board import Board
from tamis.annotation.catalogue import AT_ONCE, ImageRow
from tamis.annotation.closer import CloserLooks
from tamis.annotation.encoder import Encoder, Source
from tamis.annotation.events import mask_of
from tamis.annotation.found import Finder
from tamis.annotation.problems import RequestError
from tamis.annotation.project import Project
from tamis.annotation.threads import wait_for
from tamis.annotation.watch import Watch
from tamis.arrays import ImageArray, MaskArray
from tamis.clicks import Box, Click
from tamis.errors import InputError, TamisError
from tamis.image import read_image
from tamis.mask import Masks
from tamis.mask.expected import expected_iou_of
from tamis.personal.methods import method_beside
from tamis.personal.protocol import Location
from tamis.proposals import Proposals, Selection, grid_proposals
from tamis.proposals.selection import CLEAR, EVERYTHING
from tamis.segmentors import EncodedImage, LooksCloser, ScoresMasks, Segmentor, load_segmentor

log = logging.getLogger(__name__)

PATROL = 5.0
"""Seconds between looks at the folder."""

LEISURE = 20
"""How many times as long as such a look takes there is at least between two of them."""

HEAD_START = 4.0
"""Seconds that the first image has for itself, at most."""

ANSWER_TIMEOUT = 60.0
"""Seconds that a question waits for an image to be encoded."""

QUESTIONS = 16
"""That may wait at once: each holds a thread of the server, and saving must never have to queue behind them."""

REMEMBERED = 32
"""Images whose proposals are kept."""


class ProjectService:
    """What the server needs besides the project; may be used by several threads.

    Args:
        project: to work on.
        segmentor: the name of the model.
        load: gives it.
        share: the number of this process, from 0, and of how many that serve the project: all answer everything, but
            they begin to encode at different images, and the first alone looks after the folder.
    """

    def __init__(
        self,
        project: Project,
        segmentor: str,
        load: Callable[[str], Segmentor] = load_segmentor,
        share: tuple[int, int] = (0, 1),
    ) -> None:
        self.project = project
        self.segmentor = segmentor
        self._share = share
        self.board = Board(project, self._encoded, lambda: self.watch.stir())
        self.watch = Watch(self.board, project.database)
        self.encoder = Encoder(lambda: load(segmentor), self._order, self.source, self.board.note, project.max_pixels)
        self.closer = CloserLooks()
        self._asked = 0.0
        self.assistant = Assistant(self._rows, project.drawing, self._stored, lambda: self.encoder.keeps, self._quiet)
        self.finder = Finder(lambda: method_beside(segmentor, load))
        self._proposals: OrderedDict[str, Proposals] = OrderedDict()
        self._lock = threading.Lock()
        self._asking = threading.BoundedSemaphore(QUESTIONS)
        self._closing = threading.Event()
        care = self._patrol if share[0] == 0 else self._follow
        self._caretaker = threading.Thread(target=care, name="caretaker", daemon=True)

    def start(self) -> None:
        """Begin the work in the background."""
        self.board.update()
        first = self._order()[:1]
        with suppress(TamisError, OSError):  # as in every later round: the page still opens
            self.project.look(first)
            self.board.update()
        if first:
            self.encoder.prefer(first[0])
        self.encoder.start()
        self.closer.start()
        self.watch.start()
        self._caretaker.start()
        self.assistant.start()

    def close(self) -> None:
        """End it."""
        self._closing.set()
        self.watch.close()
        self.assistant.close()
        self.encoder.close()
        self.closer.close()
        wait_for(self._caretaker)

    def look(self, image_id: int) -> ImageRow:
        """What is known of an image after a look at its file.

        Raises:
            NoSuchImageError: there is none with this number.
        """
        (row,) = self.project.look([image_id])
        known = self.board.row(image_id)
        if row != known:
            self.board.update()
            if known is None or (row.found_sha256, row.problem) != (known.found_sha256, known.problem):
                self.encoder.stir()
        return row

    def readable(self, image_id: int) -> ImageRow:
        """The same, for an image whose pixels are wanted.

        Raises:
            NoSuchImageError: there is none with this number.
            InputError: its file cannot be used.
        """
        row = self.look(image_id)
        if row.problem is not None or row.found_sha256 is None:
            raise InputError(f"{row.name}: {row.problem or 'cannot be read'}")
        return row

    def source(self, image_id: int) -> Source:
        """Where the encoder finds an image.

        Raises:
            InputError: it cannot be encoded, or has not been looked at.
        """
        row = self.board.row(image_id)
        if row is None or row.problem is not None or row.found_sha256 is None or row.shape is None:
            raise InputError("the image cannot be encoded")
        return Source(self.project.folder / row.name, row.found_sha256)

    def table(self, image_id: int) -> bytes | None:
        """The image's answers for a browser, b"" if there is no such table, None while it is not ready.

        The image comes next in the queue.

        Raises:
            InputError: the image cannot be read or encoded.
        """
        self.readable(image_id)
        source = self.source(image_id)
        table = self.encoder.table(source)
        self.encoder.prefer(image_id)
        if table is None and (problem := self.encoder.problem(image_id)):
            raise InputError(problem)
        return table

    def answer(
        self,
        image_id: int,
        clicks: Sequence[Click],
        box: Box | None,
        granularity: int,
        threshold: float,
        begun: Any = None,
    ) -> tuple[Masks, float]:
        """The mask that clicks or a box ask for, and the score to expect; `begun` is an rle that the clicks correct.

        Raises:
            InputError: the image cannot be read, or a click lies outside of it.
            TamisError: too many ask at once.
            RequestError: neither clicks nor a box, no such granularity, or the mask so far is damaged.
        """
        self._asked = monotonic()
        row = self.readable(image_id)
        assert row.shape is not None
        mask = None if begun is None else mask_of(begun, row.shape, "the mask so far").dense()[0]
        with self._question():
            encoded = self.encoder.wait(image_id, ANSWER_TIMEOUT)
            probability = answer_prompt(encoded, clicks, box, granularity, mask)
        if mask is not None and isinstance(encoded, LooksCloser):
            self.closer.want(encoded, mask, clicks)  # whoever hovers here may click here
        self._asked = monotonic()
        score = expected_iou_of(probability[None], threshold)
        return Masks.from_dense((probability > threshold)[None]), float(score[0])

    def proposals(self, image_id: int) -> Proposals:
        """The masks that clicks all over an image find, but for doubtful ones.

        Raises:
            InputError: the image cannot be read.
        """
        row = self.readable(image_id)
        assert row.found_sha256 is not None
        key = row.found_sha256
        with self._question(), self._lock:  # one after the other: each takes all that the processor has
            if key not in self._proposals:
                encoded = self.encoder.wait(image_id, ANSWER_TIMEOUT)
                # Scores that are no predicted IoU can be low for masks as good.
                clear = Selection(min_score=CLEAR) if isinstance(encoded, ScoresMasks) else EVERYTHING
                self._proposals[key] = grid_proposals(encoded, selection=clear)
                while len(self._proposals) > REMEMBERED:
                    self._proposals.popitem(last=False)
            return self._proposals[key]

    def proposed(self, image_id: int, label: str) -> Proposal | None:
        """The mask of a label that the assistant proposes for an image that is encoded; None if there is none.

        Raises:
            InputError: the image cannot be read.
        """
        self.readable(image_id)
        with self._question():
            return self.assistant.propose(image_id, label)

    def found(self, image_id: int, source_id: int, mask_id: str) -> Location:
        """Where the object of a mask of one image, `source_id`, is in another, and whether it is there.

        Raises:
            InputError: an image cannot be read.
            RequestError: there is no such mask.
        """
        target, source = self.readable(image_id), self.readable(source_id)
        body = self.project.drawing(source_id).masks.get(mask_id)
        if body is None:
            raise RequestError(f"{source.name} has no mask with the id {mask_id[:80]!r}; save it first")
        rle = body["rle"]

        def reference() -> tuple[ImageArray, MaskArray]:
            pixels = self._pixels(source)
            return pixels, Masks.from_coco([rle], pixels.shape[:2]).dense()[0]

        with self._question():
            return self.finder.find(f"{source.found_sha256} {rle}", reference, lambda: self._pixels(target))

    def _pixels(self, row: ImageRow) -> ImageArray:
        self._asked = monotonic()  # the assistant waits until nobody asks
        return read_image(self.project.folder / row.name, self.project.max_pixels)

    @contextmanager
    def _question(self) -> Iterator[None]:
        if not self._asking.acquire(blocking=False):
            raise TamisError("there are too many questions at once; ask again in a moment")
        try:
            yield
        finally:
            self._asking.release()

    def _order(self) -> list[int]:
        """The images as this process encodes them: from its share on, and all of them in the end."""
        ids, (number, of) = self.board.order(), self._share
        first = len(ids) * number // of
        return ids[first:] + ids[:first]

    def _rows(self) -> list[ImageRow]:
        self.board.update()
        return self.board.rows()

    def _quiet(self) -> float:
        return monotonic() - self._asked

    def _stored(self, image_id: int) -> EncodedImage | None:
        return self.encoder.stored(self.source(image_id))

    def _encoded(self, row: ImageRow) -> Mapping[str, Any]:
        state = self.encoder.state(row.id)
        return {"encoded": state, "problem": self.encoder.problem(row.id) if state == "failed" else None}

    def _patrol(self) -> None:
        """Look at every file once, then at the folder every few seconds."""
        looked: set[int] = set()
        self._let_the_first_go_ahead()
        while not self._closing.is_set():
            start = monotonic()
            try:
                self.project.refresh()
                self.board.update()
                waiting = [image_id for image_id in self.board.order() if image_id not in looked]
                while waiting and not self._closing.is_set():
                    some, waiting = waiting[:AT_ONCE], waiting[AT_ONCE:]
                    self.project.look(some)
                    looked.update(some)
                    self.board.update()
                    self.encoder.stir()
                self._look_again(self.board.order())
                self.board.update()
            except (TamisError, OSError):
                pass  # a locked database or a folder out of reach: the pages learn of it, and the next round may do
            except Exception:
                # The boundary of the watcher: it must outlive whatever there is in a folder, or nobody looks any more.
                log.exception("looking at the folder failed; the next round may do better")
            self._closing.wait(max(PATROL, LEISURE * (monotonic() - start)))

    def _follow(self) -> None:
        """Encode what another process of this project has found in the folder."""
        while not self._closing.wait(PATROL):
            self.encoder.stir()

    def _look_again(self, ids: Sequence[int]) -> None:
        """Look at files some at a time, with pauses as long as the looks, in which others are answered."""
        for first in range(0, len(ids), AT_ONCE):
            start = monotonic()
            self.project.look(ids[first : first + AT_ONCE])
            if self._closing.wait(monotonic() - start):
                return

    def _let_the_first_go_ahead(self) -> None:
        """Wait until the image that the page will show can be clicked on: hashing a large folder would slow it down."""
        end = monotonic() + HEAD_START
        first = self.board.order()[0]
        while monotonic() < end and not self._closing.wait(0.02):
            try:
                if self.encoder.table(self.source(first)) is not None:
                    return
            except TamisError:
                return
            if self.encoder.problem(first):
                return
