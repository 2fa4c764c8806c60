"""`tamis mosaic`, as a function: textures side by side with exact truth, and what a segmentor makes of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import tamis
from tamis.arrays import ImageArray
from tamis.clicks import Click, center_click
from tamis.errors import InputError
from tamis.image import read_image, write_image
from tamis.jobs.partition import in_mean_colours
from tamis.partition.nested import partition
from tamis.render.overlays import heat
from tamis.render.page import figure, write_page
from tamis.results.files import write_json
from tamis.results.folder import result_folder
from tamis.results.run import file_hash, fingerprint
from tamis.segmentors import Segmentor, weights_of

SIDE = 384
"""Pixels of each side of a mosaic."""


@dataclass(frozen=True)
class Mosaic:
    """Textures side by side.

    Attributes:
        image: (SIDE, SIDE, 3) uint8 RGB.
        truth: (SIDE, SIDE) uint8, the patch of every pixel, 0 to P - 1.
    """

    image: ImageArray
    truth: NDArray[np.uint8]


def cells(patches: int, rng: np.random.Generator, side: int = SIDE) -> NDArray[np.uint8]:
    """(side, side) uint8: the nearest of random points at every pixel, points at least a third of a cell apart.

    Args:
        patches: 2 to 255.
        rng: source of the points.
        side: pixels of each side.
    """
    apart = side / np.sqrt(patches) * 0.6
    points = rng.uniform(0.1, 0.9, (1, 2)) * side
    while len(points) < patches:
        tried = rng.uniform(0.05, 0.95, 2) * side
        if np.hypot(*(points - tried).T).min() > apart:
            points = np.concatenate([points, tried[None]])
        else:
            apart *= 0.99
    rows, columns = np.indices((side, side)) + 0.5
    distances = (rows[..., None] - points[:, 0]) ** 2 + (columns[..., None] - points[:, 1]) ** 2
    return np.asarray(np.argmin(distances, axis=2), np.uint8)


def generated_texture(rng: np.random.Generator, side: int = SIDE) -> ImageArray:
    """(side, side, 3) uint8: noise with a direction and a grain of its own, between two colours.

    White noise is filtered to a ring of frequencies, stretched along one direction.
    """
    down, across = np.meshgrid(np.fft.fftfreq(side), np.fft.rfftfreq(side), indexing="ij")
    angle, stretch = rng.uniform(0, np.pi), rng.uniform(1, 6)
    along, beside = np.cos(angle) * across + np.sin(angle) * down, np.cos(angle) * down - np.sin(angle) * across
    radius, centre = np.hypot(along * stretch, beside), np.exp(rng.uniform(np.log(0.03), np.log(0.2)))
    ring = np.exp(-(((radius - centre) / (0.35 * centre)) ** 2))
    noise = np.fft.irfft2(np.fft.rfft2(rng.normal(size=(side, side))) * ring, (side, side))
    share = 1 / (1 + np.exp(-2 * noise / noise.std()))
    first, second = rng.uniform(30, 225, (2, 3))
    return np.asarray(first + (second - first) * share[..., None], np.uint8)


def composed(textures: Sequence[ImageArray], truth: NDArray[np.uint8], rng: np.random.Generator) -> Mosaic:
    """A mosaic whose patch i is cut from texture i at a random place; smaller textures are mirrored on.

    Args:
        textures: as many as there are patches, each (H, W, 3) uint8.
        truth: (side, side) the patch of every pixel.
        rng: says where to cut.
    """
    side = len(truth)
    image = np.zeros((side, side, 3), np.uint8)
    for patch, texture in enumerate(textures):
        missing = [max(0, side - length) for length in texture.shape[:2]]
        large = np.pad(texture, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="symmetric")
        top, left = (int(rng.integers(length - side + 1)) for length in large.shape[:2])
        inside = truth == patch
        image[inside] = large[top : top + side, left : left + side][inside]
    return Mosaic(image, truth)


def write_mosaics(
    out: Path,
    segmentor: Segmentor,
    images: Sequence[Path] = (),
    count: int = 3,
    patches: int = 5,
    seed: int = 0,
) -> list[float]:
    """Make mosaics and show what a segmentor makes of them.

    Writes `out/images/N.png` and `out/masks/N.png` (patches from 1; together a dataset that `--dataset folder` reads),
    `out/shown/` with the probability map of a click in the middle of every patch, the partition into as many regions
    and the superpixels, `out/index.html`, `out/results.json` (IoUs of the clicks) and `out/run.json`.

    Args:
        out: the result folder, made if needed.
        segmentor: the model.
        images: textures to cut patches from, in turn; generated ones if there are none.
        count: of mosaics.
        patches: of each, 2 to 255.
        seed: of everything random.

    Returns:
        The mean IoU of the click in every patch, for each mosaic.

    Raises:
        InputError: a number out of range, or an image that cannot be read.
        OutputError: a result cannot be written.
    """
    if not 2 <= patches <= 255 or count < 1:
        raise InputError(f"{count} mosaics of {patches} patches cannot be made: 1 or more of 2 to 255 are possible")
    weights = weights_of(segmentor)
    settings = {
        "segmentor": segmentor.name,
        "images": [str(path) for path in images],
        "count": count,
        "patches": patches,
        "seed": seed,
        "version": tamis.__version__,
    }
    given = [read_image(path) for path in images]
    with result_folder(out, settings, weights, fingerprint(map(file_hash, images)) if images else None):
        rng = np.random.default_rng(seed)
        parts, results = [], []
        for number in range(count):
            first = number * patches
            textures = [
                given[i % len(given)] if given else generated_texture(rng) for i in range(first, first + patches)
            ]
            mosaic = composed(textures, cells(patches, rng), rng)
            body, found = _shown(out, number, mosaic, segmentor, patches)
            parts.append(body)
            results.append(found)
        write_json(out / "results.json", {**settings, "mosaics": results})
        write_page(out / "index.html", f"Mosaics, by {segmentor.name}", "\n".join(parts))
    return [float(np.mean(found["ious"])) for found in results]


def _shown(out: Path, number: int, mosaic: Mosaic, segmentor: Segmentor, patches: int) -> tuple[str, dict[str, Any]]:
    """The pictures of one mosaic as a part of the page, and the IoUs of its clicks."""
    write_image(out / "images" / f"{number}.png", mosaic.image)
    write_image(out / "masks" / f"{number}.png", mosaic.truth + np.uint8(1))
    encoded = segmentor.encode(mosaic.image)
    figures = [figure(f"images/{number}.png", f"{patches} patches")]
    ious = []
    for patch in range(patches):
        wanted = mosaic.truth == patch
        click = center_click(wanted)
        probability = encoded.probability([click])
        inside = probability > 0.5
        ious.append(round(float((inside & wanted).sum() / (inside | wanted).sum()), 4))
        name = f"shown/{number}-click-{patch}.png"
        write_image(out / name, _with_click(heat(probability), click))
        figures.append(figure(name, f"P(pixel in mask | click), IoU {ious[-1]:.2f}"))
    found = partition(encoded, mosaic.image)
    write_image(out / "shown" / f"{number}-superpixels.png", in_mean_colours(mosaic.image, found.superpixels.labels))
    figures.append(figure(f"shown/{number}-superpixels.png", f"{len(found.superpixels)} superpixels"))
    regions = min(patches, len(found.levels))
    write_image(out / "shown" / f"{number}-partition.png", in_mean_colours(mosaic.image, found.labels(regions)))
    figures.append(figure(f"shown/{number}-partition.png", f"{regions} regions"))
    body = f'<h2>Mosaic {number}</h2><div class="row">{"".join(figures)}</div>'
    return body, {"image": f"images/{number}.png", "ious": ious}


def _with_click(grey: NDArray[np.uint8], click: Click) -> ImageArray:
    import cv2

    shown = np.repeat(grey[..., None], 3, axis=2)
    row, column = click.pixel
    cv2.circle(shown, (column, row), 6, (255, 255, 255), -1, cv2.LINE_AA)
    cv2.circle(shown, (column, row), 4, (20, 160, 60), -1, cv2.LINE_AA)
    return shown
