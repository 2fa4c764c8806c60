"""The same job over many images: `tamis segment`, as a function.

A folder of results holds `proposals/NAME.json` for every finished image, written last of all its files: an image with
such a record, made from the same bytes by the same settings, is not done again.
"""

import json
import os
from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

import tamis
from tamis import picture
from tamis.arrays import ImageArray
from tamis.errors import InputError
from tamis.files import write_json
from tamis.formats import coco
from tamis.image import MAX_PIXELS, read_image, write_image
from tamis.mask import label_map
from tamis.proposals import Proposals, grid_proposals
from tamis.runs import Run, file_hash, fingerprint, require_folder
from tamis.segmentors import HasWeights, Segmentor

FORMATS = ("coco", "labelmap", "overlay")


@dataclass(frozen=True)
class SegmentSettings:
    """What decides the result of an image besides the image and the segmentor.

    Attributes:
        grid: clicks per side.
        max_proposals: of the best to keep; all if None.
        min_area: of a mask, in pixels of the original image.
        formats: which of FORMATS to write.
        max_pixels: larger images are refused.
    """

    grid: int = 32
    max_proposals: int | None = None
    min_area: int = 256
    formats: tuple[str, ...] = FORMATS
    max_pixels: int = MAX_PIXELS


@dataclass(frozen=True)
class Outcome:
    """What became of one image: `error` is None where all went well.

    Attributes:
        path: the image.
        masks: how many proposals.
        seconds: from reading the image to its last file on disk, 0 where it was finished before.
        skipped: it was finished by an earlier run.
        error: one sentence.
    """

    path: Path
    masks: int = 0
    seconds: float = 0.0
    skipped: bool = False
    error: str | None = None


def segment_images(
    paths: Sequence[Path], out: Path, segmentor: Segmentor, settings: SegmentSettings | None = None
) -> Generator[Outcome]:
    """Segment images one after the other; `out/coco.json` is written at the end, even if the iteration is cut short.

    Writes, as the formats ask: `out/coco.json` (every mask of every finished image as RLE), `out/labelmap/NAME.png`
    (16-bit, small masks on top, 0 where there is none), `out/overlay/NAME.png`; and always `out/run.json`.

    Args:
        paths: the images.
        out: the result folder, made if needed.
        segmentor: who answers the clicks.
        settings: what to make.

    Yields:
        What became of each image, in order. An image that cannot be read is reported and does not stop the rest.

    Raises:
        OutputError: a result cannot be written; what is finished stays.
    """
    settings = settings or SegmentSettings()
    require_folder(out)
    places = places_of(paths)
    weights = segmentor.weights_sha256 if isinstance(segmentor, HasWeights) else None
    signature = {
        "segmentor": segmentor.name,
        "weights": weights,
        "version": tamis.__version__,
        **_jsonable(asdict(settings)),
    }
    run = Run(out, signature, weights=weights)
    run.save(finished=False)
    records: list[dict[str, Any]] = []
    try:
        for path in paths:
            try:
                outcome, record = _one(path, places[path], out, segmentor, settings, signature)
            except InputError as error:
                yield Outcome(path, error=str(error))
                continue
            records.append(record)
            yield outcome
    finally:
        if "coco" in settings.formats:
            images = [
                coco.CocoImage(record["file_name"], (record["height"], record["width"]), record["annotations"])
                for record in records
            ]
            info = {"description": f"proposals of tamis {tamis.__version__}, segmentor {segmentor.name}"}
            write_json(out / "coco.json", coco.dataset_of(images, info))
        run.dataset = fingerprint(record["sha256"] for record in records)
        run.save(finished=True)


class Place(NamedTuple):
    """Where an image belongs: its path below the folder that all share, and what its results are called."""

    file_name: str
    name: str


def places_of(paths: Sequence[Path]) -> dict[Path, Place]:
    """The place of each image; results go without the image's suffix unless two images differ in nothing else."""
    if not paths:
        return {}
    absolute = {path: Path(os.path.abspath(path)) for path in paths}
    shared = Path(os.path.commonpath([path.parent for path in absolute.values()]))
    relative = {path: place.relative_to(shared) for path, place in absolute.items()}
    stems = Counter(place.with_suffix("") for place in relative.values())
    return {
        path: Place(
            place.as_posix(), (place.with_suffix("") if stems[place.with_suffix("")] == 1 else place).as_posix()
        )
        for path, place in relative.items()
    }


def _one(
    path: Path, place: Place, out: Path, segmentor: Segmentor, settings: SegmentSettings, signature: dict[str, Any]
) -> tuple[Outcome, dict[str, Any]]:
    record_path = out / "proposals" / f"{place.name}.json"
    digest = file_hash(path) if path.is_file() else ""
    record = _finished(record_path, digest, signature)
    if record is not None and all(file.exists() for file in _pictures(out, place.name, settings)):
        return Outcome(path, masks=len(record["annotations"]), skipped=True), record
    start = perf_counter()
    image = read_image(path, settings.max_pixels)
    proposals = grid_proposals(
        segmentor.encode(image), settings.grid, min_area=settings.min_area, max_proposals=settings.max_proposals
    )
    _write_pictures(image, proposals, out, place.name, settings)
    record = {
        "sha256": digest,
        "settings": signature,
        "file_name": place.file_name,
        "height": image.shape[0],
        "width": image.shape[1],
        "annotations": coco.annotations_of(
            proposals.masks,
            (
                {"score": round(float(score), 6), "click": [round(click.x, 2), round(click.y, 2)]}
                for score, click in zip(proposals.scores, proposals.clicks, strict=True)
            ),
        ),
    }
    write_json(record_path, record)
    return Outcome(path, masks=len(proposals), seconds=perf_counter() - start), record


def _finished(record_path: Path, digest: str, signature: dict[str, Any]) -> dict[str, Any] | None:
    try:
        record = json.loads(record_path.read_bytes())
    except (OSError, ValueError):
        return None
    same = isinstance(record, dict) and record.get("sha256") == digest and record.get("settings") == signature
    return record if same else None


def _pictures(out: Path, name: str, settings: SegmentSettings) -> list[Path]:
    return [out / form / f"{name}.png" for form in ("labelmap", "overlay") if form in settings.formats]


def _write_pictures(image: ImageArray, proposals: Proposals, out: Path, name: str, settings: SegmentSettings) -> None:
    if "labelmap" in settings.formats:
        labels = label_map(proposals.masks)
        if labels.dtype != np.uint16:
            raise InputError(f"{len(proposals)} masks do not fit a 16-bit label map; use --max-proposals 65535")
        write_image(out / "labelmap" / f"{name}.png", labels)
    if "overlay" in settings.formats:
        write_image(out / "overlay" / f"{name}.png", picture.overlay(image, proposals.masks))


def _jsonable(settings: dict[str, Any]) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in settings.items()}
