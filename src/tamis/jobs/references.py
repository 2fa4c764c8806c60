"""The masks that people drew in a project, as references of personalised segmentation."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from tamis.annotation.project import open_project
from tamis.errors import InputError
from tamis.image import MAX_PIXELS, read_image
from tamis.jobs.personalize import references_digest
from tamis.personal.protocol import Reference

MOST = 8
"""References of an object, the largest masks first: more say little new, and take longer."""


def references_in(
    folder: Path, labels: Collection[str] = (), max_pixels: int = MAX_PIXELS
) -> tuple[dict[str, list[Reference]], str]:
    """The objects of a project, each label one, and a fingerprint of their masks.

    Args:
        folder: of the project.
        labels: only these; all by default.
        max_pixels: larger images are refused.

    Raises:
        InputError: there is no project, no mask, or no such label.
    """
    drawn: dict[str, list[tuple[int, str, dict[str, Any], Any]]] = {}
    with open_project(folder, create=False, max_pixels=max_pixels) as project:
        known = [label.name for label in project.labels()]
        for name in labels:
            if name not in known:
                raise InputError(f"--label {name}: the project {folder} has the labels {', '.join(known)}")
        project.look([row.id for row in project.rows()])  # their sizes
        for image in project.images():
            rles, areas = image.masks.coco(), image.masks.areas.tolist()
            for number, label in enumerate(image.labels):
                if (not labels or label in labels) and areas[number]:
                    drawn.setdefault(label, []).append((areas[number], image.name, rles[number], image.masks[number]))
    if not drawn:
        raise InputError(f"{folder}: no mask was drawn there yet; draw the object in one image, or give --reference")
    said, found = [], {}
    for label, masks in drawn.items():
        chosen = sorted(masks, key=lambda each: (-each[0], each[1]))[:MOST]
        said += [{"object": label, "image": name, "mask": str(rle["counts"])} for _, name, rle, _ in chosen]
        found[label] = [
            Reference(read_image(folder / name, max_pixels), mask, f"{folder / name}") for _, name, _, mask in chosen
        ]
    return found, references_digest(said)
