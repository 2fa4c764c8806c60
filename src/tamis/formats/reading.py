"""What comes of reading a file of another program: masks, and all that was not taken, counted and named."""

import operator
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from tamis.errors import InputError
from tamis.formats.names import Names
from tamis.formats.record import LONGEST_VALUE, MOST_VALUES, Dataset, ImageRecord
from tamis.mask import Masks

Attributes = Mapping[str, Any]
"""Of a mask, by name: text, numbers, true or false."""

NAMED = 3
"""Examples in a sentence."""


@dataclass(frozen=True)
class Loaded:
    """What was read.

    Attributes:
        dataset: with the project's names of images.
        unknown: names of images that the project does not have.
        unreadable: images of the project that the file has masks for, and that cannot be read.
        by_name: names found by their file name or stem alone, and the image of each.
        left_out: how many shapes of each kind were not taken.
        taken: how many shapes of each kind that is no mask were made one.
        problems: a sentence for each annotation, image or file of the export that cannot be right.
        notes: further sentences.
    """

    dataset: Dataset
    unknown: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    by_name: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)
    taken: Mapping[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def sentences(self, reasons: Mapping[str, str | None] = MappingProxyType({})) -> list[str]:
        """All that has to be told, for people; unknown images are not among it.

        Args:
            reasons: why images cannot be read.
        """
        told: list[str] = [*self.notes]
        if self.by_name:
            pairs = [f"{image} for {name}" for name, image in self.by_name.items()]
            told.append(f"{_many(len(pairs), 'image')} found by file name alone: {_some(pairs)}")
        if self.taken:
            told.append(f"taken as masks: {_counted(self.taken)}")
        if self.left_out:
            told.append(f"left out: {_counted(self.left_out)}")
        if self.unreadable:
            named = [f"{image} ({reasons.get(image) or 'no more is known'})" for image in self.unreadable]
            told.append(f"{_many(len(named), 'image')} cannot be read, and got no mask: {_some(named)}")
        if self.problems:
            many = "1 entry" if len(self.problems) == 1 else f"{len(self.problems)} entries"
            told.append(f"{many} passed over: {_some(self.problems, '; ')}")
        return told


class Reading:
    """Gathers what a format's reader finds.

    Attributes:
        names: finds the project's images.
    """

    def __init__(self, names: Names) -> None:
        self.names = names
        self._parts: dict[str, list[tuple[Masks, Sequence[str], Sequence[Attributes]]]] = {}
        self._tags: dict[str, tuple[str, ...]] = {}
        self._left_out: Counter[str] = Counter()
        self._taken: Counter[str] = Counter()
        self._problems: list[str] = []
        self._notes: list[str] = []

    def add(self, image: str, masks: Masks, labels: Sequence[str], attributes: Sequence[Attributes] = ()) -> None:
        """Masks of an image, the label of each and its attributes; an image may come several times."""
        self._parts.setdefault(image, []).append((masks, labels, attributes or [{}] * len(labels)))

    def tag(self, image: str, tags: Iterable[Any]) -> None:
        """Tags of an image as a whole; what can be none is counted."""
        given = [str(tag) for tag in tags if tag is not None]
        good = [tag for tag in given if tag.strip() and _is_value(tag)][:MOST_VALUES]
        if len(good) < len(given):
            self.leave_out("tags that are no short text", len(given) - len(good))
        if good:
            self._tags[image] = tuple(dict.fromkeys([*self._tags.get(image, ()), *good]))

    def attributes(self, given: Any) -> dict[str, Any]:
        """Attributes of a mask as a file has them: what is no short text, number, true or false is counted."""
        if not isinstance(given, Mapping):
            return {}
        good = {name: value for name, value in given.items() if _is_value(name) and name.strip() and _is_value(value)}
        kept = dict(list(good.items())[:MOST_VALUES])
        if lost := sum(value is not None for value in given.values()) - len(kept):
            self.leave_out("attributes that are no short text, number, true or false", lost)
        return kept

    def leave_out(self, kind: str, count: int = 1) -> None:
        """Shapes that are not taken; `kind` is a word in the plural."""
        self._left_out[kind] += count

    def take(self, kind: str, count: int = 1) -> None:
        """Shapes that are no masks are made some."""
        self._taken[kind] += count

    def problem(self, sentence: str) -> None:
        """An annotation that cannot be right is passed over."""
        self._problems.append(" ".join(sentence.split())[:300])

    @contextmanager
    def each(self, called: str) -> Iterator[None]:
        """Whatever is wrong with one annotation, image or file of an export costs it alone, and is told.

        Args:
            called: what it is called in the sentence.
        """
        try:
            yield
        except (InputError, AttributeError, TypeError, ValueError, LookupError, OverflowError) as error:
            said = _said(error)
            self.problem(said if called in said else f"{called}: {said}")

    def distinct(self, names: Iterable[str]) -> set[str]:
        """Names that one image of a file has.

        Of images that share a name nobody can know which one the project has, and no mask of theirs is taken: that is
        told.

        Args:
            names: of all images of a file that have an annotation.
        """
        counts = Counter(names)
        for name, count in counts.items():
            if count > 1:
                self.problem(f"{count} images of the file are called {name}: rename them, or import them apart")
        return {name for name, count in counts.items() if count == 1}

    def note_repeated(self, names: Iterable[str]) -> None:
        """Tell of images that several files or tasks are about, whose masks come together."""
        if repeated := [name for name, count in Counter(names).items() if count > 1]:
            self.note(f"masks of several files or tasks come together on {_some(repeated)}")

    def note(self, sentence: str) -> None:
        """Something else that has to be told."""
        self._notes.append(sentence)

    def note_namesakes(self, labels: Iterable[str]) -> None:
        """Tell of classes of the same name, which become one label."""
        twice = [label for label, count in Counter(labels).items() if count > 1]
        if twice:
            self.note(f"several classes are called {_some(twice)}, and become one label each")

    def done(
        self, labels: Iterable[str] = (), numbers: Mapping[str, Mapping[str, int]] = MappingProxyType({})
    ) -> Loaded:
        """What it comes to.

        Args:
            labels: those that the file lists, in its order; others that masks have come after them.
            numbers: of the labels in the file, by the family of formats.
        """
        names = dict.fromkeys(labels)
        images = []
        for image in self._tags:  # a tag is of an image, whether there is a mask on it or not
            self._parts.setdefault(image, [(Masks.none(self.names.shape(image)), (), ())])
        for image, parts in self._parts.items():
            masks = Masks.concatenate([masks for masks, _, _ in parts])
            theirs = [label for _, several, _ in parts for label in several]
            attributes = [each for _, _, several in parts for each in several]
            full = masks.areas > 0
            if not full.all():
                self.leave_out("masks without a pixel", int((~full).sum()))
                masks = masks[full]
                theirs = [label for label, some in zip(theirs, full.tolist(), strict=True) if some]
                attributes = [each for each, some in zip(attributes, full.tolist(), strict=True) if some]
            names.update(dict.fromkeys(theirs))
            said = tuple(attributes) if any(attributes) else ()
            images.append(ImageRecord(image, masks, tuple(theirs), attributes=said, tags=self._tags.get(image, ())))
        dataset = Dataset(tuple(names), tuple(images), numbers=numbers)
        found = self.names
        return Loaded(
            dataset,
            list(found.unknown),
            list(found.unreadable),
            dict(found.by_name),
            dict(self._left_out),
            dict(self._taken),
            list(self._problems),
            list(self._notes),
        )


def label_in(value: Any) -> str:
    """The name of a class as a file has it.

    Raises:
        InputError: there is none.
    """
    if value is None or not str(value).strip():
        raise InputError("has no label")
    return str(value)


def label_at(labels: Sequence[str], number: Any) -> str:
    """The name of a class by its number.

    Raises:
        InputError: there is no such class.
    """
    try:
        place = operator.index(number)
    except TypeError:
        raise InputError(f"has no label, but {str(number)[:40]} for its number") from None
    if not 0 <= place < len(labels):
        raise InputError(f"has the label {place}, which the file does not list")
    return labels[place]


def _is_value(value: Any) -> bool:
    """Whether an attribute can be this: text that every database takes, a number, true or false."""
    if isinstance(value, str):
        return len(value) <= LONGEST_VALUE and "\0" not in value and not any("\ud800" <= c <= "\udfff" for c in value)
    return isinstance(value, bool) or (isinstance(value, int | float) and abs(value) < 1e15)


def _said(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"has no {error.args[0]}"
    if isinstance(error, AttributeError):
        return f"is not what stands there in such files ({error})"
    return str(error)


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def _some(examples: Sequence[str], between: str = ", ") -> str:
    more = " and others" if len(examples) > NAMED else ""
    return between.join(examples[:NAMED]) + more


def _counted(kinds: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items(), key=lambda item: -item[1]))
