"""The same job over many images: `tamis segment`, as a function.

A folder of results holds `proposals/NAME.json` for every finished image, written last of all its files: an image with
such a record, made from the same bytes by the same settings, is not done again.
"""

import json
import os
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import tamis
from tamis.arrays import ImageArray
from tamis.errors import InputError, NameTooLongError, OutputError, UnavailableError
from tamis.files import write_json
from tamis.formats import coco
from tamis.image import MAX_PIXELS, read_image
from tamis.proposals import Selection
from tamis.proposals.scores import SCORES
from tamis.proposals.selection import LIKELY
from tamis.runs import Run, alone_in, file_hash, fingerprint, require_folder
from tamis.segmented import (
    Found,
    files_of,
    found_adaptively,
    found_by_clicks,
    found_by_partition,
    found_by_protocol,
    found_in_tiles,
    with_records,
    write_files,
)
from tamis.segmentors import HasWeights, Segmentor
from tamis.workers import in_order

USUAL = ("coco", "labelmap", "overlay")
"""The formats that are written unless others are asked for."""


@dataclass(frozen=True)
class SegmentSettings:
    """What decides the result of an image besides the image and the segmentor.

    Attributes:
        grid: clicks per side; None clicks in every region of a segmentor that has regions, 32 × 32 for any other.
        max_proposals: of the best to keep; all if None.
        min_area: of a mask, in pixels of the original image.
        formats: which of `tamis.segmented.FORMATS` to write.
        max_pixels: larger images are refused.
        partition: cut the image into so many regions, in place of proposals.
        levels: probabilities that the masks of a click are cut at.
        score: of `tamis.proposals.scores.SCORES`; None for the predicted IoU of a segmentor that has one, otherwise the
            expected IoU.
        adaptive: a coarse grid of clicks, and finer ones where no answer was certain.
        protocol: of `tamis.segmented.GENERATORS`: what that generator finds, `grid` its points per side; nothing else
            here but `formats` then counts.
        tiles: pixels of the side of tiles in which images that are larger are segmented too.
        min_score: of a mask, from 0 to 1; 0 keeps all that differ.
    """

    grid: int | None = None
    max_proposals: int | None = None
    min_area: int = 256
    formats: tuple[str, ...] = USUAL
    max_pixels: int = MAX_PIXELS
    partition: int | None = None
    levels: tuple[float, ...] = (0.5,)
    score: str | None = None
    adaptive: bool = False
    protocol: str | None = None
    tiles: int | None = None
    min_score: float = LIKELY


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
    paths: Sequence[Path],
    out: Path,
    segmentor: Segmentor,
    settings: SegmentSettings | None = None,
    workers: int = 1,
) -> Generator[Outcome]:
    """Segment images; `out/coco.json` is written at the end, even if the iteration is cut short.

    Writes, as the formats ask: `out/coco.json` (every mask of every finished image as RLE, of images that a cut-short
    run has not come to as an earlier one left them), `out/labelmap/NAME.png` (16-bit, small masks on top, 0 where there
    is none), `out/overlay/NAME.png`, `out/sam/NAME.json`, `out/svg/NAME.svg`; and always `out/run.json`.

    Args:
        paths: the images.
        out: the result folder, made if needed.
        segmentor: who answers the clicks.
        settings: what to make.
        workers: processes; the results are the same. A segmentor for several can be pickled.

    Yields:
        What became of each image, in order. An image that cannot be read is reported and does not stop the rest.

    Raises:
        InputError: another run is writing there, or a result would be written over one of the images.
        OutputError: a result cannot be written; what is finished stays.
    """
    settings = settings or SegmentSettings()
    require_folder(out)
    places = places_of(paths)
    _require_apart(places, out, settings)
    weights = segmentor.weights_sha256 if isinstance(segmentor, HasWeights) else None
    limits = {"max_pixels": settings.max_pixels}  # decide whether there is a result, not what it is
    signature = {
        "segmentor": segmentor.name,
        "weights": weights,
        "version": tamis.__version__,
        **{key: value for key, value in _jsonable(asdict(settings)).items() if key not in limits},
    }
    with alone_in(out, out / "proposals" / ".lock"):
        run = Run(out, {**signature, **limits}, weights=weights)
        run.save(finished=False)
        records: list[dict[str, Any]] = []
        reached = 0
        try:
            work = partial(_tried, out=out, segmentor=segmentor, settings=settings, signature=signature)
            with closing(in_order(work, [(path, places[path]) for path in paths], workers)) as results:
                for outcome, record in results:
                    if record is not None:
                        records.append(record)
                    reached += 1
                    yield outcome
        finally:
            if "coco" in settings.formats:
                earlier = (_record(out, places[path], signature) for path in paths[reached:])
                _write_coco(out / "coco.json", [*records, *filter(None, earlier)], segmentor.name)
        run.dataset = fingerprint(record["sha256"] for record in records)
        run.save(finished=True)


class Place(NamedTuple):
    """Where an image belongs: its path below the folder that all share, and what its results are called."""

    file_name: str
    name: str


def places_of(paths: Sequence[Path]) -> dict[Path, Place]:
    """The place of each image; results go without the image's suffix unless that is the name of another image's."""
    if not paths:
        return {}
    absolute = {path: Path(os.path.abspath(path)) for path in paths}
    try:
        shared = Path(os.path.commonpath([path.parent for path in absolute.values()]))
    except ValueError:
        drives = ", ".join(sorted({path.drive for path in absolute.values()}))
        raise InputError(
            f"the images lie on several drives ({drives}): segment those of each drive by itself"
        ) from None
    relative = {path: place.relative_to(shared) for path, place in absolute.items()}
    # Names that differ in capitals alone are the same on some disks.
    taken = Counter(
        name.as_posix().casefold() for place in set(relative.values()) for name in {place, place.with_suffix("")}
    )
    return {
        path: Place(place.as_posix(), (place if taken[stem.casefold()] > 1 else Path(stem)).as_posix())
        for path, place in relative.items()
        for stem in [place.with_suffix("").as_posix()]
    }


def _require_apart(places: Mapping[Path, Place], out: Path, settings: SegmentSettings) -> None:
    """Make sure that no image stands where the files of a result go."""
    images = {os.path.abspath(path) for path in places}
    for place in places.values():
        for file in files_of(out, place.name, settings.formats):
            if os.path.abspath(file) in images:
                raise InputError(f"--out {out}: a result would be written over the image {file}; choose another folder")


def _tried(
    item: tuple[Path, Place],
    out: Path,
    segmentor: Segmentor,
    settings: SegmentSettings,
    signature: dict[str, Any],
) -> tuple[Outcome, dict[str, Any] | None]:
    """What became of one image, and its record where there is one."""
    path, place = item
    try:
        return _one(path, place, out, segmentor, settings, signature)
    except (InputError, NameTooLongError) as error:
        return Outcome(path, error=str(error)), None
    except (UnavailableError, OutputError):
        raise
    except Exception as error:  # noqa: BLE001
        # The boundary of an image: a segmentor may fail on it in any way, and the next one may do better.
        said = " ".join(str(error).split())[:200] or "no more is known"
        return Outcome(path, error=f"{path}: the segmentor failed on this image ({type(error).__name__}: {said})"), None


def _one(
    path: Path, place: Place, out: Path, segmentor: Segmentor, settings: SegmentSettings, signature: dict[str, Any]
) -> tuple[Outcome, dict[str, Any]]:
    digest = file_hash(path) if path.is_file() else ""
    record = _record(out, place, signature)
    unchanged = record is not None and record.get("sha256") == digest
    if record is not None and unchanged and all(file.exists() for file in files_of(out, place.name, settings.formats)):
        return Outcome(path, masks=len(record["annotations"]), skipped=True), record
    start = perf_counter()
    image = read_image(path, settings.max_pixels)
    found = found_in(image, segmentor, settings)
    write_files(image, found, out, place.name, place.file_name, settings.formats)
    record = {
        "sha256": digest,
        "settings": signature,
        "file_name": place.file_name,
        "height": image.shape[0],
        "width": image.shape[1],
        "annotations": coco.annotations_of(found.masks, found.extra),
    }
    write_json(_record_path(out, place), record, indent=None)
    return Outcome(path, masks=len(found.masks), seconds=perf_counter() - start), record


def found_in(image: ImageArray, segmentor: Segmentor, settings: SegmentSettings) -> Found:
    """The masks of an image (H, W, 3) uint8 RGB."""
    if settings.protocol is not None:
        return found_by_protocol(segmentor, image, settings.protocol, settings.grid)
    selection = Selection(
        settings.levels,
        settings.min_area,
        settings.min_score,
        max_proposals=settings.max_proposals,
        score=SCORES[settings.score] if settings.score else None,
    )
    if settings.tiles is not None:
        return found_in_tiles(segmentor, image, settings.tiles, settings.grid, selection)
    encoded = segmentor.encode(image)
    if settings.partition is not None:
        return found_by_partition(encoded, image, settings.partition)
    if settings.adaptive:
        found = found_adaptively(encoded, selection)
    else:
        found = found_by_clicks(encoded, settings.grid, selection)
    return with_records(found, encoded) if "sam" in settings.formats else found


def _record_path(out: Path, place: Place) -> Path:
    return out / "proposals" / f"{place.name}.json"


def _record(out: Path, place: Place, signature: dict[str, Any]) -> dict[str, Any] | None:
    """What an earlier run has found in an image by the same settings, if it has."""
    try:
        record = json.loads(_record_path(out, place).read_bytes())
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) and record.get("settings") == signature else None


def _write_coco(path: Path, records: Sequence[Mapping[str, Any]], segmentor: str) -> None:
    images = [
        coco.CocoImage(record["file_name"], (record["height"], record["width"]), record["annotations"])
        for record in records
    ]
    info = {"description": f"proposals of tamis {tamis.__version__}, segmentor {segmentor}"}
    write_json(path, coco.dataset_of(images, info), indent=None)


def _jsonable(settings: dict[str, Any]) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in settings.items()}
