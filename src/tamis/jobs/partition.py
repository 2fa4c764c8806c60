"""`tamis partition`, as a function: one image in several numbers of regions, as label maps, pictures and a page."""

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import tamis
from tamis.arrays import ImageArray, LabelArray
from tamis.errors import InputError
from tamis.image import MAX_PIXELS, read_image, write_image
from tamis.jobs.segment import places_of
from tamis.mask import boundaries
from tamis.partition.nested import METHODS, partition
from tamis.partition.page import detail_slider
from tamis.render.page import figure, write_page
from tamis.results.folder import result_folder
from tamis.results.run import file_hash
from tamis.scale.executors import IN_PROCESS
from tamis.scale.running import Executor, in_order
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


@dataclass(frozen=True)
class PartitionOutcome:
    """What became of one of several images: `error` is None where all went well.

    Attributes:
        path: the image.
        written: what was written.
        error: one sentence.
    """

    path: Path
    written: PartitionFiles | None = None
    error: str | None = None


def write_all_partitions(
    paths: Sequence[Path],
    out: Path,
    segmentor: Segmentor,
    counts: Sequence[int],
    method: str = "linkage",
    max_pixels: int = MAX_PIXELS,
    executor: Executor = IN_PROCESS,
) -> Generator[PartitionOutcome]:
    """The same of several images, each into the folder `out/NAME`.

    Args:
        paths: the images.
        out: the result folder, made if needed.
        segmentor: as of `write_partitions`; for other processes than this it can be pickled.
        counts: likewise.
        method: likewise.
        max_pixels: likewise.
        executor: who works.

    Yields:
        What became of each image, in order.

    Raises:
        OutputError: a result cannot be written; what is finished stays.
    """
    work = _Cut(segmentor, tuple(counts), method, max_pixels)
    asked = [(path, out / place.name) for path, place in places_of(paths).items()]
    with closing(in_order(work, asked, executor)) as results:
        for done in results:
            path, _ = done.item
            yield PartitionOutcome(path, error=f"{path}: {done.lost}") if done.result is None else done.result


@dataclass(frozen=True)
class _Cut:
    """What a worker does: one image into its folder."""

    segmentor: Segmentor
    counts: tuple[int, ...]
    method: str
    max_pixels: int

    def __call__(self, asked: tuple[Path, Path]) -> PartitionOutcome:
        path, folder = asked
        try:
            return PartitionOutcome(
                path, write_partitions(path, folder, self.segmentor, self.counts, self.method, self.max_pixels)
            )
        except InputError as error:
            return PartitionOutcome(path, error=str(error))


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
