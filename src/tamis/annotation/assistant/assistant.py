"""The assistant of a project at work: for every label a concept, kept in step with what people have finished."""

import logging
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Literal

import numpy as np

from tamis.annotation.assistant.concept import NEARLY, RegionView
from tamis.annotation.assistant.learner import Learner, Lesson
from tamis.annotation.assistant.parts import parts_of
from tamis.annotation.assistant.propose import Proposal
from tamis.annotation.catalogue import ImageRow
from tamis.annotation.fold import FINISHED, Drawing
from tamis.annotation.summary import read_summary
from tamis.annotation.threads import wait_for
from tamis.errors import TamisError
from tamis.mask import Masks
from tamis.regions.protocol import AnswersByRegion
from tamis.segmentors import EncodedImage

log = logging.getLogger(__name__)

Standing = Literal["off", "starting", "untaught", "learning", "ready", "complete"]
"""off: the segmentor has no regions; starting: it is being loaded; untaught: no finished image has a mask of the label;
learning: finished images are still to be learned; ready: it has learned all; complete: no image waits."""

WAITING = ("todo", "progress")
"""States of images that wait, as long as they have no mask."""

ROUND = 1.0
"""Seconds between two looks at what people have done, unless somebody wakes it."""

LEISURE = 1.0
"""How many times as long as each image takes is rested after it, so that clicks never wait for the processor."""

QUIET = 0.4
"""Seconds without a question before it looks at the next image that waits."""

VIEWS = 2000
"""Images whose regions are remembered, some tens of kilobytes each."""

LEAST_COMPARED = 4
"""Images that are learned from, below which none is held against the others."""

CONCEPTS = 16
"""Labels that are kept in step; those asked for last."""

Mark = tuple[str, int]
"""An image as it was learned from: the SHA-256 of its file, and how many events it had."""


@dataclass(frozen=True)
class Rating:
    """What the assistant thinks of an image that waits.

    Attributes:
        confidence: the IoU to expect of its proposal, from 0 to 1.
        distance: from the nearest image learned from, in standardised features.
        empty: nothing would be proposed.
        rejected: somebody does not want to see it.
    """

    confidence: float
    distance: float
    empty: bool
    rejected: bool = False


@dataclass
class _Pupil:
    """A concept, what it was taught, and what it thinks of images, each with the lesson after which it thought so."""

    learner: Learner = field(default_factory=Learner)
    marks: dict[int, Mark] = field(default_factory=dict)
    unseen: dict[int, Mark] = field(default_factory=dict)  # finished, and not encoded: nobody waits for them
    lesson: int = 0
    ratings: dict[int, tuple[int, str, Rating]] = field(default_factory=dict)
    agreements: dict[int, tuple[int, float]] = field(default_factory=dict)  # the lesson, and the IoU with the others
    masks: dict[int, int] = field(default_factory=dict)  # how many an image that was learned from has

    @property
    def several(self) -> bool:
        """Whether people annotate several objects in an image."""
        return max(self.masks.values(), default=0) > 1


class Assistant:
    """One thread that learns and rates; everything else may be called from any thread.

    It keeps nothing on disk: whatever it knows follows from the images that are finished, and is learned again after a
    start. It changes nothing either: proposals become masks when a person accepts them.

    Args:
        rows: what is known of all images, as people have left them.
        drawing: what is drawn on an image.
        encoded: an image as the segmentor sees it, None if it is not encoded yet.
        keeps: whether the segmentor's encoded images are kept, None while it is being loaded.
        quiet: for how many seconds nobody has asked the segmentor anything.
    """

    def __init__(
        self,
        rows: Callable[[], Sequence[ImageRow]],
        drawing: Callable[[int], Drawing],
        encoded: Callable[[int], EncodedImage | None],
        keeps: Callable[[], bool | None],
        quiet: Callable[[], float] = lambda: QUIET,
    ) -> None:
        self._rows, self._drawing, self._encoded, self._keeps, self._quiet = rows, drawing, encoded, keeps, quiet
        self._lock = threading.Lock()  # around concepts and all that is remembered; nothing slow is done within
        self._pupils: OrderedDict[str, _Pupil] = OrderedDict()
        self._views: OrderedDict[str, RegionView] = OrderedDict()
        self._regions: bool | None = None  # whether encoded images have any; None before the first
        self._version = secrets.randbits(20) << 32  # none that another process, or an earlier run, has told
        self._wake, self._closing = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._work, name="assistant", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """Stop after the image at hand."""
        self._closing.set()
        self._wake.set()
        wait_for(self._thread)

    def stir(self) -> None:
        """Somebody has done something."""
        self._wake.set()

    @property
    def version(self) -> int:
        """A number that grows with everything that is learned or rated."""
        with self._lock:
            return self._version

    def standing(self, label: str) -> tuple[Standing, int]:
        """How it stands with a label, which is kept in step from now on, and from how many images it was learned."""
        rows = self._rows()
        with self._lock:
            known = label in self._pupils
            pupil = self._pupils.setdefault(label, _Pupil())
            self._pupils.move_to_end(label)
            while len(self._pupils) > CONCEPTS:
                self._pupils.popitem(last=False)
            ready, marks, unseen = pupil.learner.concept.ready, dict(pupil.marks), dict(pupil.unseen)
        if not known:
            self.stir()
        if self._regions is False or self._keeps() is False:
            return "off", 0
        if self._keeps() is None:
            return "starting", 0
        wanted = _lessons(rows)
        if not marks.items() <= wanted.items() or any(
            mark != {**unseen, **marks}.get(each) for each, mark in wanted.items()
        ):
            return "learning", len(marks)
        if not ready:
            return "untaught", len(marks)
        return "ready" if any(map(waits, rows)) else "complete", len(marks)

    def ratings(self, label: str) -> dict[int, Rating]:
        """Images that wait and have been looked at, by number; some may be from before the last lesson."""
        rows = self._rows()
        with self._lock:
            pupil = self._pupils.get(label)
            found = dict(pupil.ratings) if pupil is not None and pupil.learner.concept.ready else {}
        return {
            row.id: replace(found[row.id][2], rejected=label in read_summary(row.summary)["rejected"])
            for row in rows
            if waits(row) and row.id in found
        }

    def sure(self, label: str) -> float | None:
        """The confidence from which on proposals were mostly right, or nearly; None while that is not known."""
        with self._lock:
            pupil = self._pupils.get(label)
            return None if pupil is None else pupil.learner.concept.sure_from(NEARLY)

    def agreements(self, label: str) -> dict[int, float]:
        """Of images learned from, by number, the IoU of their masks with what all others would propose there."""
        with self._lock:
            pupil = self._pupils.get(label)
            return {} if pupil is None else {key: agreed for key, (_, agreed) in pupil.agreements.items()}

    def propose(self, image_id: int, label: str) -> Proposal | None:
        """The mask of a label on an image, with its parts if people annotate several objects of the label in an image.

        None if nothing can be proposed, or there is nothing.

        Raises:
            InputError: the image cannot be read.
        """
        encoded = self._encoded(image_id)
        if encoded is None or not isinstance(encoded, AnswersByRegion):
            return None
        view = RegionView.of(encoded)
        with self._lock:
            pupil = self._pupils.get(label)
            if pupil is None or not pupil.learner.concept.ready:
                return None
            asked, several = pupil.learner.query(view), pupil.several
        found = asked.proposal(encoded, view)
        if not found.mask.any():
            return None
        return replace(found, parts=tuple(parts_of(found.mask))) if several else found

    # -- the thread

    def _work(self) -> None:
        while not self._closing.is_set():
            self._wake.wait(ROUND)
            self._wake.clear()
            try:
                self._round()
            except (TamisError, OSError):
                pass  # a locked database or a folder out of reach: the next round may do
            except Exception:
                # The boundary of the assistant: whatever it stumbles over, it must go on with the next round.
                log.exception("the assistant failed; its next round may do better")

    def _round(self) -> None:
        with self._lock:
            labels = list(reversed(self._pupils.items()))
        for label, pupil in labels:
            for _ in self._learn(label, pupil):
                if self._closing.wait(QUIET / 8 if self._quiet() < QUIET else 0):
                    return
        for _, pupil in labels:
            for seconds in chain(self._rate(pupil), self._compare(pupil)):
                pause = LEISURE * seconds
                while not self._closing.wait(pause) and not self._wake.is_set() and self._quiet() < QUIET:
                    pause = QUIET / 8
                if self._closing.is_set() or self._wake.is_set():
                    return  # what people have done meanwhile is learned first

    def _learn(self, label: str, pupil: _Pupil) -> Iterator[None]:
        """Bring a concept in step with the finished images, one at each step."""
        rows = {row.id: row for row in self._rows()}
        wanted = _lessons(rows.values())
        for image_id in [each for each, mark in pupil.marks.items() if wanted.get(each) != mark]:
            with self._lock:
                pupil.learner.forget(str(image_id))
                del pupil.marks[image_id]
                pupil.agreements.pop(image_id, None)
                pupil.masks.pop(image_id, None)
                self._taught(pupil)
            yield
        for image_id, mark in wanted.items():
            if image_id in pupil.marks:
                continue
            lesson = None
            with suppress(TamisError):  # an image that cannot be read any more teaches nothing
                lesson = self._lesson(rows[image_id], label, pupil.learner)
            with self._lock:
                pupil.unseen.pop(image_id, None)
                if lesson is None:
                    pupil.unseen[image_id] = mark
                else:
                    taught, pupil.masks[image_id] = lesson
                    pupil.learner.learn(str(image_id), taught)
                    pupil.marks[image_id] = mark
                    self._taught(pupil)
            yield

    def _taught(self, pupil: _Pupil) -> None:
        pupil.lesson += 1
        self._version += 1

    def _lesson(self, row: ImageRow, label: str, learner: Learner) -> tuple[Lesson, int] | None:
        """What an image teaches of a label, and how many masks of it there are; None before it is encoded."""
        assert row.shape is not None
        rles = [body["rle"] for body in self._drawing(row.id).masks.values() if body["label"] == label]
        if not rles:
            view = self._view(row)
            return None if view is None else (Lesson(view, np.zeros(len(view.areas))), 0)
        encoded = self._encoded(row.id)
        view = self._viewed(row, encoded)
        if encoded is None or view is None or not isinstance(encoded, AnswersByRegion):
            return None
        mask = np.logical_or.reduce(Masks.from_coco(rles, row.shape).dense())
        return learner.lesson(encoded, view, mask), len(rles)

    def _rate(self, pupil: _Pupil) -> Iterator[float]:
        """Look at the images that wait, those first that were not looked at for longest; gives the seconds of each."""
        if not pupil.learner.concept.ready:
            return
        rows = [row for row in self._rows() if waits(row)]
        rows.sort(key=lambda row: pupil.ratings.get(row.id, (-1,))[0])
        for row in rows:
            start = time.monotonic()
            if pupil.ratings.get(row.id, (-1, ""))[:2] == (pupil.lesson, row.sha256):
                continue
            with suppress(TamisError):  # an image that cannot be read is no reason to leave out the rest
                view = self._view(row)
                if view is not None and pupil.learner.concept.ready:
                    with self._lock:
                        concept = pupil.learner.concept
                        probability = concept.probability(view)
                        confidence, distance = concept.confidence(probability, view), concept.distance(view)
                        rating = Rating(confidence, distance, not (probability > 0.5).any())
                        pupil.ratings[row.id] = pupil.lesson, row.sha256 or "", rating
                        self._version += 1
            yield time.monotonic() - start

    def _compare(self, pupil: _Pupil) -> Iterator[float]:
        """Hold what was learned against the rest, those first that were looked at longest ago; gives the seconds."""
        if len(pupil.marks) < LEAST_COMPARED:
            return
        for image_id in sorted(pupil.marks, key=lambda each: pupil.agreements.get(each, (-1,))[0]):
            if pupil.agreements.get(image_id, (-1,))[0] == pupil.lesson:
                return
            start = time.monotonic()
            with self._lock:
                agreed = pupil.learner.concept.agreement(str(image_id))
                pupil.agreements[image_id] = pupil.lesson, agreed
                self._version += 1
            yield time.monotonic() - start

    def _view(self, row: ImageRow) -> RegionView | None:
        with self._lock:
            known = self._views.get(row.sha256 or "")
        return known or self._viewed(row, self._encoded(row.id))

    def _viewed(self, row: ImageRow, encoded: EncodedImage | None) -> RegionView | None:
        if encoded is None:
            return None
        if not isinstance(encoded, AnswersByRegion):
            self._regions = self._regions or False
            return None
        self._regions = True
        view = RegionView.of(encoded)
        with self._lock:
            self._views[row.sha256 or ""] = view
            self._views.move_to_end(row.sha256 or "")
            while len(self._views) > VIEWS:
                self._views.popitem(last=False)
        return view


def waits(row: ImageRow) -> bool:
    """Whether an image is one that nobody has annotated."""
    return row.state in WAITING and not row.masks and usable(row)


def usable(row: ImageRow) -> bool:
    """Whether an image is there, and its masks belong to the file that is there."""
    return row.problem is None and row.sha256 is not None and row.shape is not None and not row.changed


def _lessons(rows: Iterable[ImageRow]) -> dict[int, Mark]:
    """What is to be learned from, in the order in which it was last changed, so that a restart learns as before."""
    finished = [row for row in rows if row.state in FINISHED and usable(row)]
    finished.sort(key=lambda row: (read_summary(row.summary)["at"] or 0, row.id))
    return {row.id: (row.sha256 or "", row.seq) for row in finished}
