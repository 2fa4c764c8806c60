"""A project's masks to other programs, and masks of other programs into a project."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args
from uuid import uuid4

import numpy as np

from tamis.annotation.events import Event
from tamis.annotation.fold import STATES, Drawing
from tamis.annotation.labels import Label, add_label
from tamis.annotation.leases import release_lease, take_lease
from tamis.annotation.project import Project
from tamis.errors import InputError
from tamis.formats.record import Dataset, ImageRecord, Shapes
from tamis.mask import Masks, iou_matrix

Overlap = Literal["refuse", "skip", "add"]
"""What to do with masks that are there already."""

SAME = 0.8
"""IoU with a mask of the same image from which an imported one counts as there already."""


@dataclass(frozen=True)
class Imported:
    """What an import has done.

    Attributes:
        images: how many have new masks.
        masks: how many are new.
        skipped: how many were there already, and were left out.
        new_labels: those that the project did not have.
    """

    images: int
    masks: int
    skipped: int
    new_labels: tuple[str, ...]


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
        raise InputError(f"--states {wrong[0]}: there is no such state; choose from {', '.join(STATES)}")
    names = [label.name for label in project.labels()]
    images = tuple(
        ImageRecord(image.name, image.masks, tuple(image.labels)) for image in project.images() if image.state in states
    )
    return Dataset(tuple(names), images, project.folder)


def shapes(project: Project) -> Shapes:
    """The names of a project's images and their sizes; those that cannot be read are left out."""
    rows = project.look([row.id for row in project.rows()])
    return {row.name: row.shape for row in rows if row.shape is not None}


def import_dataset(
    project: Project, dataset: Dataset, user: str, overlap: Overlap = "refuse", add_labels: bool = False
) -> Imported:
    """Add masks to a project as if somebody had drawn them: one event for each image, which undo takes back.

    Nothing is changed if anything is refused.

    Args:
        project: where to.
        dataset: the masks, with the project's names of images.
        user: who does it.
        overlap: what to do with masks whose IoU with one that is there is over `SAME`.
        add_labels: make labels that the project does not have.

    Raises:
        InputError: there is nothing to import, a label is unknown, or masks are there already.
        LeaseError: somebody is at work on one of the images.
    """
    if overlap not in get_args(Overlap):
        raise InputError(f"--overlap {overlap}: choose from {', '.join(get_args(Overlap))}")
    if not dataset.masks:
        raise InputError("there is nothing to import: the file holds no mask of an image of this project")
    present = {label.name: label for label in project.labels()}
    used = {label for image in dataset.images for label in image.labels}
    unknown = tuple(label for label in dataset.labels if label in used and label not in present)
    if unknown and not add_labels:
        raise InputError(
            f"the project has no label {', '.join(repr(label) for label in unknown[:5])}"
            f"{' and others' if len(unknown) > 5 else ''}; make them with --add-labels"
        )
    ids = {row.name: row.id for row in project.rows()}
    new, skipped = _new_masks(project, dataset, ids, overlap)
    if unknown:
        with project.database.writing() as connection:
            for label in unknown:
                present[label] = add_label(connection, label, user)
    with _leases(project, [ids[image.name] for image in new], user) as leases:
        for image in new:
            _append(project, ids[image.name], image, present, leases[ids[image.name]])
    return Imported(len(new), sum(len(image.masks) for image in new), skipped, unknown)


def masks_of(seen: Drawing, shape: tuple[int, int]) -> Masks:
    """The masks of an image, in order."""
    return Masks.from_coco([body["rle"] for body in seen.masks.values()], shape)


def _new_masks(
    project: Project, dataset: Dataset, ids: dict[str, int], overlap: Overlap
) -> tuple[list[ImageRecord], int]:
    """The images and masks to be added, and how many masks are left out."""
    new: list[ImageRecord] = []
    doubled: dict[str, int] = {}
    for image in dataset.images:
        there = masks_of(project.drawing(ids[image.name]), image.shape)
        same = np.zeros(len(image.masks), np.bool_)
        if len(there) and overlap != "add":
            same = iou_matrix(image.masks, there).max(axis=1) > SAME
        if same.any():
            doubled[image.name] = int(same.sum())
        kept = tuple(label for label, is_same in zip(image.labels, same.tolist(), strict=True) if not is_same)
        if kept:
            new.append(ImageRecord(image.name, image.masks[~same], kept))
    skipped = sum(doubled.values())
    if skipped and overlap == "refuse":
        raise InputError(
            f"{skipped} mask{'s' * (skipped > 1)} on {len(doubled)} image{'s' * (len(doubled) > 1)}, such as "
            f"{next(iter(doubled))}, would lie on masks that are there already; leave them out with --overlap skip, "
            "or add them all the same with --overlap add"
        )
    return new, skipped


def _append(project: Project, image_id: int, image: ImageRecord, labels: dict[str, Label], lease: str) -> None:
    made = [
        {
            "id": uuid4().hex,
            "label": labels[label].id,
            "rle": {"size": rle["size"], "counts": rle["counts"].decode()},
            "tool": "import",
        }
        for rle, label in zip(image.masks.coco(), image.labels, strict=True)
    ]
    event = Event(uuid4().hex, "masks.set", {"set": made, "deleted": []})
    project.log.append(image_id, [event], "import", lease, project.row(image_id).seq)


@contextmanager
def _leases(project: Project, image_ids: Sequence[int], user: str) -> Iterator[dict[int, str]]:
    """Hold the leases of all images at once, or of none."""
    client = f"import {uuid4().hex[:8]}"
    with project.database.writing() as connection:
        held = {image_id: take_lease(connection, image_id, client, user).lease for image_id in image_ids}
    try:
        yield held
    finally:
        with project.database.writing() as connection:
            for image_id, lease in held.items():
                release_lease(connection, image_id, lease)


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
