"""What `tamis segment` finds in an image, and the files that say so."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ImageArray, ProbabilityArray
from tamis.clicks import Click
from tamis.compat import SAM2AutomaticMaskGenerator, SamAutomaticMaskGenerator
from tamis.errors import InputError
from tamis.formats.sam import sam_document, sam_records
from tamis.formats.svg import svg_of
from tamis.image import write_image
from tamis.mask import Masks, label_map, masks_from_labels
from tamis.partition.nested import partition
from tamis.proposals import Proposals, Selection, grid_proposals
from tamis.proposals.adaptive import adaptive_answers
from tamis.proposals.grid import GRID, propose_from
from tamis.proposals.scores import stability
from tamis.proposals.tiles import tiled_proposals
from tamis.render.overlays import painted
from tamis.results.files import write_bytes, write_json
from tamis.segmentors import AnswersAlone, EncodedImage, Segmentor

SUFFIXES = {"labelmap": ".png", "overlay": ".png", "sam": ".json", "svg": ".svg"}
"""Formats with a file for each image, in a folder of the same name."""

FORMATS = ("coco", *SUFFIXES)

GENERATORS: Mapping[str, type[SamAutomaticMaskGenerator]] = MappingProxyType(
    {"sam": SamAutomaticMaskGenerator, "sam2": SAM2AutomaticMaskGenerator}
)
""""Segment everything" as others do it."""


@dataclass(frozen=True)
class Found:
    """The masks of an image.

    Attributes:
        masks: N of them.
        extra: N mappings of what is said of each besides its pixels.
        records: of SAM's generator, one for each; None where nobody asked for them.
    """

    masks: Masks
    extra: list[dict[str, Any]]
    records: list[dict[str, Any]] | None = None


def found_by_clicks(encoded: EncodedImage, grid: int | None, selection: Selection) -> Found:
    """The proposals of simulated clicks, as of `grid_proposals`."""
    return _of(grid_proposals(encoded, grid, selection))


def found_adaptively(encoded: EncodedImage, selection: Selection) -> Found:
    """The proposals of a coarse grid of clicks, and of finer ones where no answer was certain."""
    return _of(propose_from(encoded, adaptive_answers(encoded), selection))


def found_in_tiles(segmentor: Segmentor, image: ImageArray, side: int, grid: int | None, selection: Selection) -> Found:
    """The proposals of simulated clicks on the whole and on tiles of `side` pixels, as `tiled_proposals` joins them."""
    all_of_a_tile = replace(selection, max_proposals=None)

    def find(encoded: EncodedImage) -> Proposals:
        return grid_proposals(encoded, grid, all_of_a_tile)

    return _of(tiled_proposals(image, segmentor, side, find, selection.suppress, selection.max_proposals))


def _of(proposals: Proposals) -> Found:
    extra: list[dict[str, Any]] = [
        {"score": round(float(score), 6), "click": [round(click.x, 2), round(click.y, 2)]}
        for score, click in zip(proposals.scores, proposals.clicks, strict=True)
    ]
    return Found(proposals.masks, extra)


def found_by_protocol(segmentor: Segmentor, image: ImageArray, protocol: str, grid: int | None) -> Found:
    """What the mask generator of SAM or SAM 2 finds, by its own thresholds, steps and order.

    Args:
        segmentor: who answers the clicks.
        image: (H, W, 3) uint8 RGB.
        protocol: a key of `GENERATORS`.
        grid: points per side; None for the generator's own 32.
    """
    make = GENERATORS[protocol]
    records = make(segmentor, points_per_side=grid or GRID, output_mode="coco_rle").generate(image)
    masks = Masks.from_coco([record["segmentation"] for record in records], (image.shape[0], image.shape[1]))
    extra: list[dict[str, Any]] = [
        {
            "score": round(record["predicted_iou"], 6),
            "stability": round(record["stability_score"], 6),
            "click": [round(x + 0.5, 2), round(y + 0.5, 2)],
        }
        for record in records
        for x, y in record["point_coords"]
    ]
    return Found(masks, extra, records)


def with_records(found: Found, encoded: EncodedImage) -> Found:
    """The same masks of clicks, cut at one half, with the records that SAM's generator would write of them."""
    clicks = [Click(*extra["click"]) for extra in found.extra]
    scores = np.array([extra["score"] for extra in found.extra], np.float32)
    return replace(found, records=sam_records(found.masks, scores, _stabilities(encoded, clicks), clicks))


def found_by_partition(encoded: EncodedImage, image: ImageArray, regions: int) -> Found:
    """The regions of a partition, the largest first; an image with fewer superpixels is cut into those.

    Args:
        encoded: the image.
        image: (H, W, 3) uint8 RGB, the same.
        regions: how many.
    """
    cut = partition(encoded, image, most=regions)
    masks, _ = masks_from_labels(cut.labels(len(cut.levels)), background=None)
    masks = masks[np.argsort(-masks.areas, kind="stable")]
    return Found(masks, [{} for _ in range(len(masks))])


def files_of(out: Path, name: str, formats: Iterable[str]) -> list[Path]:
    """The files of one image in a result folder."""
    return [out / form / f"{name}{SUFFIXES[form]}" for form in formats if form in SUFFIXES]


def write_files(image: ImageArray, found: Found, out: Path, name: str, file_name: str, formats: Iterable[str]) -> None:
    """Write the files of one image.

    Args:
        image: (H, W, 3) uint8 RGB.
        found: its masks.
        out: the result folder.
        name: of the files, without suffix.
        file_name: of the image, as files name it.
        formats: of FORMATS.

    Raises:
        InputError: more masks than a label map can number, or SAM's records of masks that have none.
        OutputError: a file cannot be written.
    """
    chosen = [form for form in formats if form in SUFFIXES]
    labels = label_map(found.masks) if {"labelmap", "overlay"} & set(chosen) else None
    for form, path in zip(chosen, files_of(out, name, chosen), strict=True):
        if form == "labelmap" and labels is not None:
            if labels.dtype != np.uint16:
                raise InputError(f"{len(found.masks)} masks do not fit a 16-bit label map; use --max-proposals 65535")
            write_image(path, labels)
        elif form == "overlay" and labels is not None:
            write_image(path, painted(image, labels))
        elif form == "svg":
            write_bytes(path, svg_of(found.masks, found.extra).encode())
        elif found.records is None:
            raise InputError("the records of SAM tell of clicks, which a partition has not: leave out sam")
        else:
            write_json(path, sam_document(file_name, found.masks.shape, found.records), indent=None)


def _stabilities(encoded: EncodedImage, clicks: Sequence[Click]) -> NDArray[np.float32]:
    """(N,) SAM's stability of the mask of each click at probability one half, at full resolution."""
    if isinstance(encoded, AnswersAlone):
        answers: Iterable[ProbabilityArray] = encoded.alone(clicks)
    else:
        answers = (encoded.probability([click]) for click in clicks)
    each, half = np.ones(encoded.shape[0] * encoded.shape[1], np.float32), np.full(1, 0.5, np.float32)
    return np.array([stability(answer.reshape(1, -1), each, half)[0] for answer in answers], np.float32)
