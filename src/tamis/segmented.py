"""What `tamis segment` finds in an image, and the files that say so."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis import picture
from tamis.arrays import ImageArray, ProbabilityArray
from tamis.errors import InputError
from tamis.files import write_bytes, write_json
from tamis.formats.sam import sam_records
from tamis.formats.svg import svg_of
from tamis.image import write_image
from tamis.mask import Masks, label_map, masks_from_labels
from tamis.proposals import Proposals, propose
from tamis.proposals.grid import clicks_for
from tamis.proposals.partition import partition
from tamis.proposals.scores import Score, stability
from tamis.segmentors import AnswersAlone, EncodedImage

SUFFIXES = {"labelmap": ".png", "overlay": ".png", "sam": ".json", "svg": ".svg"}
"""Formats with a file for each image, in a folder of the same name."""

FORMATS = ("coco", *SUFFIXES)


@dataclass(frozen=True)
class Found:
    """The masks of an image.

    Attributes:
        masks: N of them.
        extra: N mappings of what is said of each besides its pixels.
        proposals: the same with their scores and clicks; None for the regions of a partition.
    """

    masks: Masks
    extra: list[dict[str, Any]]
    proposals: Proposals | None = None


def found_by_clicks(
    encoded: EncodedImage,
    grid: int | None,
    min_area: int,
    most: int | None,
    levels: Sequence[float] = (0.5,),
    score: Score | None = None,
) -> Found:
    """The proposals of simulated clicks; arguments as those of `clicks_for` and `propose`."""
    clicks = clicks_for(encoded, grid)
    proposals = propose(encoded, clicks, levels, min_area=min_area, max_proposals=most, score=score)
    extra: list[dict[str, Any]] = [
        {"score": round(float(score), 6), "click": [round(click.x, 2), round(click.y, 2)]}
        for score, click in zip(proposals.scores, proposals.clicks, strict=True)
    ]
    return Found(proposals.masks, extra, proposals)


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


def write_files(
    image: ImageArray, encoded: EncodedImage, found: Found, out: Path, name: str, file_name: str, formats: Iterable[str]
) -> None:
    """Write the files of one image.

    Args:
        image: (H, W, 3) uint8 RGB.
        encoded: the same; asked again for the stability of SAM's records.
        found: its masks.
        out: the result folder.
        name: of the files, without suffix.
        file_name: of the image, as files name it.
        formats: of FORMATS.

    Raises:
        InputError: more masks than a label map can number, or SAM's records of a partition.
        OutputError: a file cannot be written.
    """
    for form, path in zip((form for form in formats if form in SUFFIXES), files_of(out, name, formats), strict=True):
        if form == "labelmap":
            labels = label_map(found.masks)
            if labels.dtype != np.uint16:
                raise InputError(f"{len(found.masks)} masks do not fit a 16-bit label map; use --max-proposals 65535")
            write_image(path, labels)
        elif form == "overlay":
            write_image(path, picture.overlay(image, found.masks))
        elif form == "svg":
            write_bytes(path, svg_of(found.masks, found.extra).encode())
        else:
            proposals = found.proposals
            if proposals is None:
                raise InputError("the records of SAM tell of clicks, which a partition has not: leave out sam")
            stabilities = _stabilities(encoded, proposals)
            records = sam_records(file_name, proposals.masks, proposals.scores, stabilities, proposals.clicks)
            write_json(path, records, indent=None)


def _stabilities(encoded: EncodedImage, proposals: Proposals) -> NDArray[np.float32]:
    """(N,) SAM's stability of the mask of each click at probability one half, at full resolution."""
    if isinstance(encoded, AnswersAlone):
        answers: Iterable[ProbabilityArray] = encoded.alone(proposals.clicks)
    else:
        answers = (encoded.probability([click]) for click in proposals.clicks)
    each, half = np.ones(encoded.shape[0] * encoded.shape[1], np.float32), np.full(1, 0.5, np.float32)
    return np.array([stability(answer.reshape(1, -1), each, half)[0] for answer in answers], np.float32)
