"""The masks of a whole image by any strategy, and the files that say so."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ImageArray, ProbabilityArray
from tamis.clicks import Click
from tamis.compat.strategy import SamGenerator, generate
from tamis.errors import InputError
from tamis.formats.sam import sam_document, sam_records
from tamis.formats.svg import svg_of
from tamis.image import write_image
from tamis.mask import label_map
from tamis.partition.strategy import Partition, find_by_partition
from tamis.proposals import Proposals
from tamis.proposals.scores import stability
from tamis.proposals.strategies import Adaptive, Clicks, Tiles, find_by_clicks
from tamis.render.overlays import painted
from tamis.results.files import write_bytes, write_json
from tamis.segmentors import AnswersAlone, EncodedImage, Segmentor

SUFFIXES = {"labelmap": ".png", "overlay": ".png", "sam": ".json", "svg": ".svg"}
"""Formats with a file for each image, in a folder of the same name."""

FORMATS = ("coco", *SUFFIXES)

Strategy: TypeAlias = Clicks | Adaptive | Tiles | Partition | SamGenerator
"""A way to find the masks of a whole image."""


@dataclass(frozen=True)
class ImageMasks:
    """The masks of an image.

    Attributes:
        proposals: the masks.
        records: of SAM's generator, one for each; None where nobody asked for them.
    """

    proposals: Proposals
    records: list[dict[str, Any]] | None = None


def find_masks(
    segmentor: Segmentor, image: ImageArray, strategy: Strategy, encoded: EncodedImage | None = None
) -> ImageMasks:
    """The masks of an image; the records of SAM's generator come of that alone.

    Args:
        segmentor: the model.
        image: (H, W, 3) uint8 RGB.
        strategy: how they are found.
        encoded: the image, if it is encoded already.
    """
    if isinstance(strategy, SamGenerator):
        return ImageMasks(*generate(segmentor, image, strategy))
    encoded = segmentor.encode(image) if encoded is None else encoded
    if isinstance(strategy, Partition):
        return ImageMasks(find_by_partition(image, encoded, strategy))
    return ImageMasks(find_by_clicks(segmentor, image, encoded, strategy))


def with_records(segmentor: Segmentor, image: ImageArray, strategy: Clicks | Adaptive | SamGenerator) -> ImageMasks:
    """The same, with the records that SAM's generator would write of masks that are cut at one half."""
    if isinstance(strategy, SamGenerator):
        return find_masks(segmentor, image, strategy)
    encoded = segmentor.encode(image)
    found = find_masks(segmentor, image, strategy, encoded).proposals
    scores = found.scores.astype(np.float64).round(6).astype(np.float32)
    clicks = [Click(round(click.x, 2), round(click.y, 2)) for click in found.clicks]  # as the other files tell them
    return ImageMasks(found, sam_records(found.masks, scores, _stabilities(encoded, clicks), clicks))


def files_of(out: Path, name: str, formats: Iterable[str]) -> list[Path]:
    """The files of one image in a result folder."""
    return [out / form / f"{name}{SUFFIXES[form]}" for form in formats if form in SUFFIXES]


def write_files(
    image: ImageArray, found: ImageMasks, out: Path, name: str, file_name: str, formats: Iterable[str]
) -> None:
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
    labels = label_map(found.proposals.masks) if {"labelmap", "overlay"} & set(chosen) else None
    for form, path in zip(chosen, files_of(out, name, chosen), strict=True):
        if form == "labelmap" and labels is not None:
            if labels.dtype != np.uint16:
                raise InputError(
                    f"{len(found.proposals)} masks do not fit a 16-bit label map; use --max-proposals 65535"
                )
            write_image(path, labels)
        elif form == "overlay" and labels is not None:
            write_image(path, painted(image, labels))
        elif form == "svg":
            write_bytes(path, svg_of(found.proposals.masks, found.proposals.details()).encode())
        elif found.records is None:
            raise InputError("the records of SAM tell of clicks, which a partition has not: leave out sam")
        else:
            write_json(path, sam_document(file_name, found.proposals.masks.shape, found.records), indent=None)


def _stabilities(encoded: EncodedImage, clicks: Sequence[Click]) -> NDArray[np.float32]:
    """(N,) SAM's stability of the mask of each click at probability one half, at full resolution."""
    if isinstance(encoded, AnswersAlone):
        answers: Iterable[ProbabilityArray] = encoded.alone(clicks)
    else:
        answers = (encoded.probability([click]) for click in clicks)
    each, half = np.ones(encoded.shape[0] * encoded.shape[1], np.float32), np.full(1, 0.5, np.float32)
    return np.array([stability(answer.reshape(1, -1), each, half)[0] for answer in answers], np.float32)
