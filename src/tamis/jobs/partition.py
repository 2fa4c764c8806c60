"""`tamis partition`, as a function: one image in several numbers of regions, as label maps, pictures and a page."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import tamis
from tamis.arrays import ImageArray, LabelArray
from tamis.errors import InputError
from tamis.image import MAX_PIXELS, read_image, write_image
from tamis.mask import boundaries
from tamis.partition.nested import METHODS, partition
from tamis.partition.page import detail_slider
from tamis.render.page import figure, write_page
from tamis.results.folder import result_folder
from tamis.results.run import file_hash
from tamis.segmentors import Segmentor, weights_of

STRIP = 360
"""Pixels of the height of the strip."""

MOST = 400
"""Regions that the slider goes up to, if not more were asked for."""


@dataclass(frozen=True)
class PartitionFiles:
    """What came of an image.

    Attributes:
        superpixels: that regions are made of.
        counts: of regions, of each partition written.
        page: the HTML file.
    """

    superpixels: int
    counts: tuple[int, ...]
    page: Path


def write_partitions(
    path: Path,
    out: Path,
    segmentor: Segmentor,
    counts: Sequence[int],
    method: str = "linkage",
    max_pixels: int = MAX_PIXELS,
) -> PartitionFiles:
    """Cut an image into each of several numbers of regions.

    Writes `out/labels/K.png` (16-bit, regions from 1), `out/pictures/K.png` (mean colours and borders),
    `out/strip.png` (the image and all partitions side by side), `out/index.html` (a slider) and `out/run.json`.

    Args:
        path: the image.
        out: the result folder, made if needed.
        segmentor: whose answers say what belongs together.
        counts: numbers of regions, each at least 1.
        method: of `METHODS`.
        max_pixels: larger images are refused.

    Raises:
        InputError: the image cannot be read, it has too few superpixels, there is no such method, or another run is
            writing there.
        OutputError: a result cannot be written.
    """
    if method not in METHODS:
        raise InputError(f"there is no method '{method}' to cut an image: choose {' or '.join(METHODS)}")
    weights = weights_of(segmentor)
    settings = {
        "image": str(path),
        "segmentor": segmentor.name,
        "regions": list(counts),
        "method": method,
        "version": tamis.__version__,
    }
    image = read_image(path, max_pixels)
    with result_folder(out, settings, weights, file_hash(path)):
        found = partition(segmentor.encode(image), image, METHODS[method], max(MOST, *counts))
        strip = [_scaled(image, STRIP)]
        figures = []
        for count in counts:
            labels = found.labels(count)
            painted = in_mean_colours(image, labels)
            write_image(out / "labels" / f"{count}.png", labels + np.uint16(1))
            write_image(out / "pictures" / f"{count}.png", painted)
            strip.append(_scaled(painted, STRIP))
            figures.append(figure(f"pictures/{count}.png", f"{count} regions"))
        gap = np.full((STRIP, 6, 3), 255, np.uint8)
        write_image(out / "strip.png", np.concatenate([part for each in strip for part in (each, gap)][:-1], axis=1))
        body = detail_slider(image, found, min(counts[-1], len(found.levels)))
        write_page(
            out / "index.html",
            f"{path.name}, in any number of regions",
            body + f'<div class="row">{"".join(figures)}</div>',
        )
    return PartitionFiles(len(found.superpixels), tuple(counts), out / "index.html")


def in_mean_colours(image: ImageArray, labels: LabelArray) -> ImageArray:
    """Every region in its mean colour, with white borders one pixel wide.

    Args:
        image: (H, W, 3) uint8 RGB.
        labels: (H, W) integers from 0.
    """
    flat = labels.ravel()
    areas = np.maximum(np.bincount(flat), 1)
    means = np.stack([np.bincount(flat, image[..., c].ravel()) for c in range(3)], axis=1) / areas[:, None]
    painted = means.round().astype(np.uint8)[labels]
    painted[boundaries(labels)] = 255
    return painted


def _scaled(pixels: ImageArray, height: int) -> ImageArray:
    import cv2

    width = max(1, round(pixels.shape[1] * height / pixels.shape[0]))
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
