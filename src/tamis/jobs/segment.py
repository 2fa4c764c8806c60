"""The same job over many images: `tamis segment`, as a function.

A folder of results holds `proposals/NAME.json` for every finished image, written last of all its files: an image with
such a record, made from the same bytes by the same settings, is not done again.
"""

import json
import os
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import tamis
from tamis.arrays import ImageArray
from tamis.compat.strategy import SamGenerator
from tamis.errors import InputError, NameTooLongError, OutputError, UnavailableError
from tamis.formats import coco
from tamis.image import MAX_PIXELS, read_image
from tamis.jobs.masks import FORMATS, ImageMasks, Strategy, files_of, find_masks, with_records, write_files
from tamis.partition.strategy import Partition
from tamis.proposals import Adaptive, Clicks, Selection, Tiles
from tamis.proposals.scores import SCORES
from tamis.proposals.selection import LIKELY
from tamis.results.files import write_json
from tamis.results.folder import result_folder
from tamis.results.run import file_hash, fingerprint, require_folder
from tamis.scale.executors import IN_PROCESS
from tamis.scale.running import Executor, in_order
from tamis.segmentors import Segmentor, weights_of

USUAL = ("coco", "labelmap", "overlay")
"""The formats that are written unless others are asked for."""

_EVERYWHERE = Clicks()


@dataclass(frozen=True)
class SegmentSettings:
    """What decides the result of an image besides the image and the segmentor.

    Attributes:
        strategy: how masks are found, and which are kept.
        formats: which of `tamis.jobs.masks.FORMATS` to write.
        max_pixels: larger images are refused.

    Raises:
        InputError: a format that there is not, or SAM's records of masks that have none.
    """

    strategy: Strategy = _EVERYWHERE
    formats: tuple[str, ...] = USUAL
    max_pixels: int = MAX_PIXELS

    def __post_init__(self) -> None:
        unknown = [name for name in self.formats if name not in FORMATS]
        if unknown or not self.formats:
            said = f"'{unknown[0]}' is none" if unknown else "none was given"
            raise InputError(f"{said} of the formats {', '.join(FORMATS)}")
        if "sam" not in self.formats:
            return
        if isinstance(self.strategy, Partition | Tiles):
            raise InputError("SAM's records tell of clicks on the whole image: leave out the format sam")
        if isinstance(self.strategy, Clicks | Adaptive) and tuple(self.strategy.selection.levels) != (0.5,):
            raise InputError("SAM's records are of masks at a threshold of one half: leave out sam or the thresholds")

    def record(self) -> dict[str, Any]:
        """What decides the result, as the records of results tell it; two that differ have different results."""
        found: dict[str, Any] = dict.fromkeys(("grid", "max_proposals"))
        found |= {"min_area": Selection().min_area, "formats": list(self.formats)}
        found |= {"partition": None, "levels": [0.5], "score": None, "adaptive": False, "protocol": None, "tiles": None}
        found |= {"min_score": LIKELY}
        match self.strategy:
            case Partition(regions):
                return found | {"partition": regions}
            case SamGenerator(version, points):
                return found | {"protocol": version, "grid": points}
            case Clicks(grid, selection):
                found |= {"grid": grid}
            case Tiles(side, grid, selection):
                found |= {"tiles": side, "grid": grid}
            case Adaptive(selection):
                found |= {"adaptive": True}
        names = {score: name for name, score in SCORES.items()}
        return found | {
            "max_proposals": selection.max_proposals,
            "min_area": selection.min_area,
            "levels": list(selection.levels),
            "score": names[selection.score] if selection.score else None,
            "min_score": selection.min_score,
        }


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
    executor: Executor = IN_PROCESS,
) -> Generator[Outcome]:
    """Segment images; `out/coco.json` is written at the end, even if the iteration is cut short.

    Writes, as the formats ask: `out/coco.json` (every mask of every finished image as RLE, of images that a cut-short
    run has not come to as an earlier one left them), `out/labelmap/NAME.png` (16-bit, small masks on top, 0 where there
    is none), `out/overlay/NAME.png`, `out/sam/NAME.json`, `out/svg/NAME.svg`; and always `out/run.json`.

    Args:
        paths: the images.
        out: the result folder, made if needed.
        segmentor: the model.
        settings: what to make.
        executor: who works; the results are the same. For other processes than this the segmentor can be pickled, and
            workers on other machines see the images and `out` in folders that are shared.

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
    weights = weights_of(segmentor)
    signature = {"segmentor": segmentor.name, "weights": weights, "version": tamis.__version__, **settings.record()}
    limits = {"max_pixels": settings.max_pixels}  # decide whether there is a result, not what it is
    with result_folder(out, {**signature, **limits}, weights, lock="proposals/.lock") as run:
        records: list[dict[str, Any]] = []
        reached = 0
        try:
            work = partial(_tried, out=out, segmentor=segmentor, settings=settings, signature=signature)
            with closing(in_order(work, ((path, places[path]) for path in paths), executor)) as results:
                for done in results:
                    lost = Outcome(done.item[0], error=f"{done.item[0]}: {done.lost}"), None
                    outcome, record = lost if done.result is None else done.result
                    if executor.far and record is not None:
                        _require_shared(out, done.item[1])
                    if record is not None:
                        records.append(record)
                    reached += 1
                    yield outcome
        finally:
            if "coco" in settings.formats:
                earlier = (_record(out, places[path], signature) for path in paths[reached:])
                _write_coco(out / "coco.json", [*records, *filter(None, earlier)], segmentor.name)
        run.dataset = fingerprint(record["sha256"] for record in records)


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


def _require_shared(out: Path, place: Place) -> None:
    if not _record_path(out, place).is_file():
        raise InputError(
            f"--out {out}: a worker has written into a folder of this name on its own machine; with --ray name a "
            "folder that all machines share, or a URL such as s3://BUCKET/FOLDER with --format parquet"
        )


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
    found = image_masks(image, segmentor, settings)
    write_files(image, found, out, place.name, place.file_name, settings.formats)
    record = {
        "sha256": digest,
        "settings": signature,
        "file_name": place.file_name,
        "height": image.shape[0],
        "width": image.shape[1],
        "annotations": coco.annotations_of(found.proposals.masks, found.proposals.details()),
    }
    write_json(_record_path(out, place), record, indent=None)
    return Outcome(path, masks=len(found.proposals), seconds=perf_counter() - start), record


def image_masks(image: ImageArray, segmentor: Segmentor, settings: SegmentSettings) -> ImageMasks:
    """The masks of an image (H, W, 3) uint8 RGB, with SAM's records where they are to be written."""
    strategy = settings.strategy
    if "sam" in settings.formats and not isinstance(strategy, Partition | Tiles):
        return with_records(segmentor, image, strategy)
    return find_masks(segmentor, image, strategy)


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
