"""A project's masks to other programs, and masks of other programs into a project."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args
from uuid import uuid4

import numpy as np

from tamis.annotation.catalogue import ImageRow
from tamis.annotation.database import hold, tick
from tamis.annotation.events import Event
from tamis.annotation.fold import ASSISTANT, FINISHED, STATES, Drawing
from tamis.annotation.labels import adopt_labels, tidy_name
from tamis.annotation.leases import editors
from tamis.annotation.log import lengths
from tamis.annotation.problems import LeaseError, StaleError
from tamis.annotation.project import AnnotatedImage, Project
from tamis.errors import InputError
from tamis.formats.names import Shapes
from tamis.formats.record import Dataset, ImageRecord
from tamis.mask import Masks, iou_matrix

Overlap = Literal["refuse", "skip", "add"]
"""What to do with masks that are there already."""

SAME = 0.8
"""IoU with a mask of the same image from which an imported one counts as there already."""


ORIGIN = "origin"
"""The attribute by which an export tells how a mask began, where that was not a person's doing."""

BEGUN = ("progress", *FINISHED)

ALL = "all"
"""In a list of states: every state."""


@dataclass(frozen=True)
class ImportResult:
    """What an import has done.

    Attributes:
        images: how many have new masks.
        masks: how many are new.
        skipped: how many were there already, and were left out.
        new_labels: those that the project did not have.
        tagged: how many images without new masks have new tags.
    """

    images: int
    masks: int
    skipped: int
    new_labels: tuple[str, ...]
    tagged: int = 0


def to_dataset(project: Project, states: Collection[str] = STATES) -> Dataset:
    """The project's masks.

    Args:
        project: whose.
        states: only images in one of these.

    Raises:
        InputError: a state that is none.
    """
    wrong = [state for state in states if state not in STATES]
    if wrong:
        raise InputError(f"--states {wrong[0]}: there is no such state; choose from {', '.join(STATES)}, {ALL}")
    labels = project.labels()
    families = {family for label in labels for family in label.numbers}
    numbers = {
        family: {label.name: label.numbers[family] for label in labels if family in label.numbers}
        for family in sorted(families)
    }
    images = tuple(
        ImageRecord(
            image.name,
            image.masks,
            tuple(image.labels),
            image.state in FINISHED,
            _attributes(image),
            image.tags,
        )
        for image in project.images()
        if image.state in states
    )
    proposed = {
        label
        for image in images
        for label, said in zip(image.labels, image.attributes, strict=False)
        if said.get(ORIGIN) == ASSISTANT
    }
    kinds = {
        label.name: {**label.attributes, **({ORIGIN: "text"} if label.name in proposed else {})}
        for label in labels
        if label.attributes or label.name in proposed
    }
    return Dataset(tuple(label.name for label in labels), images, project.folder, numbers, kinds=kinds)


def _attributes(image: AnnotatedImage) -> tuple[Mapping[str, Any], ...]:
    """The attributes of an image's masks, and of those that the assistant has proposed, that it was so."""
    said = [
        {**given, ORIGIN: ASSISTANT} if tool == ASSISTANT else given
        for given, tool in zip(image.attributes, image.tools, strict=True)
    ]
    return tuple(said) if any(said) else ()


def states_in(text: str) -> tuple[str, ...]:
    """A list of states as a person writes it, such as "done,reviewed" or "all"; empty if there is none."""
    given = tuple(state.strip() for state in text.split(",") if state.strip())
    return STATES if ALL in given else given


def usual_states(project: Project) -> tuple[tuple[str, ...], str]:
    """The states of images that an export holds unless somebody says otherwise, and a sentence on all others.

    Images that are done or reviewed; in a project without any those that are begun. An image that nobody has looked at
    is no example of an image without objects.
    """
    rows = project.rows()
    states = FINISHED if any(row.state in FINISHED for row in rows) else BEGUN
    counts = Counter(row.state for row in rows if row.state not in states)
    if not counts:
        return states, ""
    parts = [f"{counts[state]} {_CALLED[state]}" for state in STATES if counts[state]]
    masks = sum(row.masks for row in rows if row.state not in states)
    with_masks = f", with {masks} mask{'s' * (masks != 1)}" if masks else ""
    images = sum(counts.values())
    return (
        states,
        f"left out {images} image{'s' * (images != 1)}: {', '.join(parts)}{with_masks}; --states all takes them",
    )


_CALLED = {
    "todo": "todo (nobody has opened them)",
    "progress": "in progress",
    "rejected": "rejected",
    "skipped": "skipped",
}


def shapes(project: Project) -> Shapes:
    """The names of a project's images and their sizes, None for those that cannot be read."""
    rows = project.look([row.id for row in project.rows()])
    return {row.name: row.shape for row in rows}


def import_dataset(
    project: Project,
    dataset: Dataset,
    user: str,
    overlap: Overlap = "refuse",
    add_labels: bool = False,
    merge_labels: bool = False,
) -> ImportResult:
    """Add masks to a project as if somebody had drawn them: one event for each image, which undo takes back.

    Everything is prepared first and written in one transaction: all of it is there afterwards, or nothing.

    Args:
        project: where to.
        dataset: the masks, with the project's names of images.
        user: who does it.
        overlap: what to do with masks whose IoU with one that is there is over `SAME`.
        add_labels: make labels that the project does not have, those without a mask too.
        merge_labels: take labels that differ in capitals alone for the same.

    Raises:
        InputError: there is nothing to import, a label is unknown or none, or masks are there already.
        LeaseError: somebody is at work on one of the images.
        StaleError: somebody has changed one of them meanwhile.
    """
    if overlap not in get_args(Overlap):
        raise InputError(f"--overlap {overlap}: choose from {', '.join(get_args(Overlap))}")
    if not dataset.masks and not any(image.tags for image in dataset.images):
        raise InputError("there is nothing to import: the file holds no mask of an image of this project")
    names = _names_of(project, dataset, merge_labels)
    present = {tidy_name(label.name) for label in project.labels()}
    used = {names[label] for image in dataset.images for label in image.labels}
    unknown = tuple(dict.fromkeys(names[label] for label in dataset.labels if names[label] not in present))
    if not add_labels:
        _require_known([name for name in unknown if name in used], present)
        unknown = ()
    rows = {row.name: row for row in project.rows()}
    new, skipped = _new_masks(project, dataset, rows, overlap)
    bodies = {image.name: image.masks.coco() for image in new}
    wanted = [name for name in dict.fromkeys(names.values()) if name in present or name in unknown]
    numbers = {
        family: {names[label]: number for label, number in theirs.items() if label in names}
        for family, theirs in dataset.numbers.items()
    }
    client = f"import {uuid4().hex[:8]}"
    with project.database.writing() as connection:
        hold(connection)
        now = tick(connection)
        labels = adopt_labels(connection, wanted, numbers, user)
        at_work, seqs = editors(connection), lengths(connection)
        changes: dict[int, Event] = {}
        for image in new:
            row = rows[image.name]
            if row.id in at_work:
                who = at_work[row.id]
                raise LeaseError(f"{who} is at work on {image.name}, and nothing was imported; try again later", who)
            if seqs.get(row.id) != row.seq:
                raise StaleError(
                    f"{image.name} was changed meanwhile, and nothing was imported; run it again", row.seq, ()
                )
            ids = [labels[names[label]].id for label in image.labels]
            changes[row.id] = _event(image, bodies[image.name], ids)
        project.log.append_to_each(connection, now, changes, user, client)
    with_masks = sum(len(image.masks) > 0 for image in new)
    return ImportResult(with_masks, sum(len(image.masks) for image in new), skipped, unknown, len(new) - with_masks)


def _names_of(project: Project, dataset: Dataset, merge: bool) -> dict[str, str]:
    """What each label of a file is called in the project."""
    present = {tidy_name(label.name) for label in project.labels()}
    alike = {name.casefold(): name for name in sorted(present, reverse=True)}
    names: dict[str, str] = {}
    for label in dataset.labels:
        name = tidy_name(label)
        if merge and name not in present:
            name = alike.setdefault(name.casefold(), name)
        names[label] = name
    return names


def _require_known(unknown: Sequence[str], present: Collection[str]) -> None:
    if not unknown:
        return
    alike = {name.casefold(): name for name in present}
    near = [f"'{name}' (but '{alike[name.casefold()]}')" for name in unknown if name.casefold() in alike]
    hint = ", or take labels that differ in capitals alone for the same with --merge-labels" if near else ""
    listed = ", ".join(near[:5] or [f"'{name}'" for name in unknown[:5]])
    more = " and others" if len(unknown) > min(5, len(near) or 5) else ""
    raise InputError(f"the project has no label {listed}{more}; make them with --add-labels{hint}")


def masks_of(seen: Drawing, shape: tuple[int, int]) -> Masks:
    """The masks of an image, in order."""
    return Masks.from_coco([body["rle"] for body in seen.masks.values()], shape)


def _new_masks(
    project: Project, dataset: Dataset, rows: Mapping[str, ImageRow], overlap: Overlap
) -> tuple[list[ImageRecord], int]:
    """The images and masks to be added, and how many masks are left out."""
    new: list[ImageRecord] = []
    doubled: dict[str, int] = {}
    for image in dataset.images:
        if not len(image.masks) and not image.tags:
            continue
        row = rows[image.name]
        seen = project.drawing(row.id) if row.seq else None
        there = masks_of(seen, image.shape) if seen else Masks.none(image.shape)
        tags = tuple(dict.fromkeys([*(seen.tags if seen else ()), *image.tags]))
        same = np.zeros(len(image.masks), np.bool_)
        if len(there) and overlap != "add":
            same = iou_matrix(image.masks, there).max(axis=1) > SAME
        if same.any():
            doubled[image.name] = int(same.sum())
        kept = tuple(label for label, is_same in zip(image.labels, same.tolist(), strict=True) if not is_same)
        if kept or (seen.tags if seen else ()) != tags:
            said = [each for each, is_same in zip(image.attributes, same.tolist(), strict=False) if not is_same]
            new.append(ImageRecord(image.name, image.masks[~same], kept, attributes=tuple(said), tags=tags))
    skipped = sum(doubled.values())
    if skipped and overlap == "refuse":
        raise InputError(
            f"{skipped} mask{'s' * (skipped > 1)} on {len(doubled)} image{'s' * (len(doubled) > 1)}, such as "
            f"{next(iter(doubled))}, would lie on masks that are there already; leave them out with --overlap skip, "
            "or add them all the same with --overlap add"
        )
    return new, skipped


def _event(image: ImageRecord, rles: Sequence[Mapping[str, Any]], labels: Sequence[str]) -> Event:
    made = [
        {
            "id": uuid4().hex,
            "label": label,
            "rle": {"size": rle["size"], "counts": rle["counts"].decode()},
            "tool": "import",
            **({"attributes": dict(image.attributes_of(i))} if image.attributes_of(i) else {}),
        }
        for i, (rle, label) in enumerate(zip(rles, labels, strict=True))
    ]
    tags = {"tags": list(image.tags)} if image.tags else {}
    if tags and not made:  # nobody has drawn anything
        return Event(uuid4().hex, "image.tags", tags)
    return Event(uuid4().hex, "masks.set", {"set": made, "deleted": [], **tags})


def export_folder(out: Path) -> Path:
    """A folder for an export: a new one, or one that is empty.

    Raises:
        InputError: there is something in it, which an export could be mixed up with.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(
            f"--out {out}: is not empty; choose a new folder, so that old files are not taken for new ones"
        )
    return out
