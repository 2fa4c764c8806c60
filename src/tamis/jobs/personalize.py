"""`tamis personalize`, as a function: objects of references, found or missed in many images."""

import csv
import io
import json
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

import tamis
from tamis.arrays import ImageArray, MaskArray
from tamis.errors import InputError
from tamis.formats import binary
from tamis.image import MAX_PIXELS, read_image, write_image
from tamis.jobs.segment import Place, places_of
from tamis.mask import Masks, label_map
from tamis.personal.memory_file import save_memories
from tamis.personal.protocol import Memory, Method
from tamis.render.contact_sheet import Cell, contact_sheet, thumbnail
from tamis.render.overlays import painted, palette
from tamis.render.page import figure, write_page
from tamis.results.files import write_bytes, write_json
from tamis.results.folder import resumable_folder
from tamis.results.run import file_hash, fingerprint
from tamis.scale.executors import IN_PROCESS
from tamis.scale.running import Executor, in_order

THRESHOLD = 0.5
"""The presence from which on an object counts as there."""

COLUMNS = ("image", "object", "presence", "present", "predicted_iou", "area", "width", "height", "mask", "overlay")

SHOWN = 60
"""Images of an object on its contact sheet and page."""


@dataclass(frozen=True)
class Finding:
    """What became of one image: `error` is None where all went well.

    Attributes:
        path: the image.
        rows: of every object, as `COLUMNS` name them.
        error: one sentence.
        skipped: it was done by an earlier run.
    """

    path: Path
    rows: tuple[dict[str, Any], ...] = ()
    error: str | None = None
    skipped: bool = False


@dataclass(frozen=True)
class PersonalizeSettings:
    """What decides the results besides images, objects and method.

    Attributes:
        threshold: presence from which on an object counts as there.
        max_pixels: larger images are refused.
    """

    threshold: float = THRESHOLD
    max_pixels: int = MAX_PIXELS


def personalize_images(
    paths: Sequence[Path],
    out: Path,
    method: Method,
    memories: Mapping[str, Memory],
    settings: PersonalizeSettings = PersonalizeSettings(),
    origin: str = "",
    executor: Executor = IN_PROCESS,
) -> Generator[Finding]:
    """Look for objects in images; finished images are skipped when it is done again.

    Writes `out/masks/OBJECT/NAME.png` (0 and 255, of objects that are there), `out/overlay/NAME.jpg`, `out/scores.csv`
    and `out/scores.json` (every image and object, the surest first), `out/contact-sheet-OBJECT.png`, `out/index.html`,
    `out/masks.json` (for `tamis import`), `out/objects.npz` (what is remembered, for `--objects`), `out/run.json` and
    `out/journal.jsonl`.

    Args:
        paths: the images.
        out: the result folder, made if needed.
        method: that made the memories.
        memories: of the objects, by name.
        settings: the threshold and the limit.
        origin: a fingerprint of the references.
        executor: who works; the results are the same. For other processes than this method and memories can be pickled,
            and workers on other machines see the images and `out` in folders that are shared.

    Yields:
        What became of each image, in order.

    Raises:
        InputError: the folder holds another run.
        OutputError: a result cannot be written.
    """
    places = places_of(paths)
    signature = {
        "method": method.name,
        "weights": method.weights_sha256,
        "objects": list(memories),
        "references": origin,
        "threshold": settings.threshold,
        "version": tamis.__version__,
    }
    with resumable_folder(out, signature, {"max_pixels": settings.max_pixels}, method.weights_sha256) as (run, journal):
        save_memories(out / "objects.npz", method, memories)
        done: list[dict[str, Any]] = []
        digests = []
        try:
            known = (_Asked(path, places[path], journal.entries.get(places[path].file_name)) for path in paths)
            with closing(in_order(_Look(out, method, memories, settings), known, executor)) as results:
                for each in results:
                    asked = each.item
                    lost = Finding(asked.path, error=f"{asked.path}: {each.lost}"), ""
                    finding, digest = lost if each.result is None else each.result
                    if finding.error is None and not finding.skipped:
                        journal.add(asked.place.file_name, {"sha256": digest, "rows": finding.rows})
                    done += finding.rows
                    digests.append(digest)
                    yield finding
        finally:
            if done:
                write_scores(out, done, signature)
                write_index(out, list(memories), done)
                for name in memories:
                    _show(out, name, [row for row in done if row["object"] == name])
                _write_page(out, list(memories), done, settings.threshold)
        run.dataset = fingerprint(digests)


def write_scores(out: Path, rows: Sequence[Mapping[str, Any]], signature: Mapping[str, Any]) -> None:
    """`scores.csv` and `scores.json`: every image and object, the surest first."""
    ranked = sorted(rows, key=lambda row: -row["presence"])
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(ranked)
    write_bytes(out / "scores.csv", text.getvalue().encode())
    write_json(out / "scores.json", {"settings": dict(signature), "results": ranked})


def write_index(out: Path, names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """`masks.json`: the masks that were found, as `tamis import --format masks` takes them into a project."""
    images: dict[str, dict[str, Any]] = {}
    for row in rows:
        if row["present"] and row["area"]:
            blank = {"file_name": row["image"], "width": row["width"], "height": row["height"], "masks": []}
            images.setdefault(row["image"], blank)["masks"].append({"file": row["mask"], "label": row["object"]})
    write_json(out / binary.INDEX, {"labels": list(names), "images": list(images.values())})


@dataclass(frozen=True)
class _Asked:
    """An image to look at, and what an earlier run found in it."""

    path: Path
    place: Place
    known: dict[str, Any] | None


@dataclass(frozen=True)
class _Look:
    """What a worker does: from an image to what became of it, and the hash of its bytes."""

    out: Path
    method: Method
    memories: Mapping[str, Memory]
    settings: PersonalizeSettings

    def __call__(self, asked: _Asked) -> tuple[Finding, str]:
        path, place, known = asked.path, asked.place, asked.known
        try:
            digest = file_hash(path)
            if known and known["sha256"] == digest and (self.out / "overlay" / f"{place.name}.jpg").exists():
                return Finding(path, tuple(known["rows"]), skipped=True), digest
            image = read_image(path, self.settings.max_pixels)
        except InputError as error:
            return Finding(path, error=str(error)), ""
        return Finding(path, tuple(_found(image, place, self.out, self.method, self.memories, self.settings))), digest


def _found(
    image: ImageArray,
    place: Place,
    out: Path,
    method: Method,
    memories: Mapping[str, Memory],
    settings: PersonalizeSettings,
) -> list[dict[str, Any]]:
    height, width = image.shape[:2]
    rows, masks = [], []
    seen = method.look(image)
    overlay = f"overlay/{place.name}.jpg"
    for name, memory in memories.items():
        located = memory.locate(seen)
        present = located.presence >= settings.threshold
        mask = located.mask
        file = f"masks/{name}/{place.name}.png"
        if present:
            write_image(out / file, mask.astype(np.uint8) * np.uint8(255))
        else:
            (out / file).unlink(missing_ok=True)
        masks.append(mask if present else np.zeros_like(mask))
        rows.append(
            {
                "image": place.file_name,
                "object": name,
                "presence": round(located.presence, 4),
                "present": present,
                "predicted_iou": round(located.predicted_iou, 4),
                "area": int(np.count_nonzero(mask)) if present else 0,
                "width": width,
                "height": height,
                "mask": file if present else "",
                "overlay": overlay,
            }
        )
    write_image(out / overlay, _overlay(image, masks))
    return rows


def _overlay(image: ImageArray, masks: Sequence[MaskArray]) -> ImageArray:
    """The image as large as a screen at most, its objects in colours."""
    small = thumbnail(image, 1280)
    shape = small.shape[:2]
    import cv2

    fitted = [
        cv2.resize(mask.astype(np.uint8), shape[::-1], interpolation=cv2.INTER_NEAREST_EXACT) > 0 for mask in masks
    ]
    return painted(small, label_map(Masks.from_dense(fitted, shape)), 0.45)


def _ranked(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(rows, key=lambda row: -row["presence"])[:SHOWN]


def _show(out: Path, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    cells = []
    for row in _ranked(rows):
        picture = out / row["overlay"]
        if picture.exists():
            cells.append(
                Cell(read_image(picture), f"{row['presence']:.2f}  {_short(row['image'])}", bool(row["present"]))
            )
    if cells:
        write_image(out / f"contact-sheet-{name}.png", contact_sheet(cells))


def _short(name: str, most: int = 26) -> str:
    return name if len(name) <= most else f"…{name[-most:]}"


def _write_page(out: Path, names: Sequence[str], rows: Sequence[Mapping[str, Any]], threshold: float) -> None:
    body = []
    for colour, name in zip(palette(len(names)).tolist(), names, strict=True):
        own = [row for row in rows if row["object"] == name]
        shown = _ranked(own)
        there = [row for row in shown if row["present"]]
        others = [row for row in shown if not row["present"]]
        count = sum(bool(row["present"]) for row in own)
        swatch = f'<span style="color: rgb{tuple(colour)}">■</span>'
        body.append(f"<h2>{swatch} {escape(name)} <small>in {count} of {len(own)} images</small></h2>{_row(there)}")
        if others:
            body.append(f'<p class="quiet">not there: presence below {threshold:g}</p>{_row(others)}')
    write_page(out / "index.html", "Found again", "".join(body))


def _row(rows: Sequence[Mapping[str, Any]]) -> str:
    figures = "".join(figure(row["overlay"], f"{row['presence']:.2f} {row['image']}") for row in rows)
    return f'<div class="row">{figures}</div>'


def references_digest(described: Sequence[Any]) -> str:
    """A fingerprint of what the objects were made of, given as JSON values."""
    return fingerprint([json.dumps(each, sort_keys=True) for each in described])
