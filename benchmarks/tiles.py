"""What is small in a large image: `python -m benchmarks.tiles [--side PX …]`.

Lays the held-out photographs of DUTS side by side to one image of 31 megapixels, and measures the IoU of one random
click on each of some objects: answered by the whole, by tiles of several sides, and as if its photograph were alone.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np

from tamis.arrays import ImageArray, MaskArray, ProbabilityArray
from tamis.clicks import Click, random_click
from tamis.segmentors import EncodedImage, Segmentor, load_segmentor
from tamis.segmentors.wrappers.tiled import Tiled
from tamis.training.photographs import Photograph, read_photographs
from tamis.training.validate import masks_of

CELL = 384
"""Pixels of the side of each photograph's place."""

ACROSS = 16
"""Photographs side by side."""


@dataclass(frozen=True)
class Target:
    """An object, its place in the large image, and a click on it in pixels of its photograph."""

    photograph: Photograph
    top: int
    left: int
    mask: MaskArray
    click: Click


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, action="append", help="of tiles in pixels")
    parser.add_argument("--objects", type=int, default=60)
    asked = parser.parse_args()
    if "TAMIS_DATA" not in os.environ:
        sys.exit("set TAMIS_DATA to the folder that holds the data sets")
    photographs = list(read_photographs("duts", Path(os.environ["TAMIS_DATA"]) / "duts", "held-out", CELL))
    image = side_by_side(photographs)
    targets = list(targets_of(photographs, asked.objects))
    model = load_segmentor()
    print(f"{image.shape[1]} x {image.shape[0]} pixels, {len(photographs)} photographs, {len(targets)} objects")
    told(targets, "each photograph alone", lambda target: alone(model, target))
    for side in (None, *(asked.side or (512, 768, 1024, 2048))):
        start = perf_counter()
        encoded = (model if side is None else Tiled(model, side)).encode(image)
        seconds = perf_counter() - start
        name = f"tiles of {side}" if side else "the whole"
        told(targets, f"{name}, encoded in {seconds:.1f} s", partial(within, encoded))


def side_by_side(photographs: list[Photograph]) -> ImageArray:
    """All photographs, each in the corner of a grey place of its own."""
    image = np.full((-(-len(photographs) // ACROSS) * CELL, ACROSS * CELL, 3), 128, np.uint8)
    for number, photograph in enumerate(photographs):
        top, left = corner(number)
        height, width = photograph.image.shape[:2]
        image[top : top + height, left : left + width] = photograph.image
    return image


def corner(number: int) -> tuple[int, int]:
    """Row and column of a photograph's first pixel."""
    return number // ACROSS * CELL, number % ACROSS * CELL


def targets_of(photographs: list[Photograph], count: int) -> Iterator[Target]:
    """The object of some photographs, evenly spread."""
    rng = np.random.default_rng(0)
    for number in np.linspace(0, len(photographs) - 1, count).astype(int).tolist():
        mask = next(masks_of(photographs[number]), None)
        if mask is not None:
            yield Target(photographs[number], *corner(number), mask, random_click(mask, rng))


def within(encoded: EncodedImage, target: Target) -> ProbabilityArray:
    """The answer to the click on the large image."""
    return encoded.probability([Click(target.click.x + target.left, target.click.y + target.top)])


def alone(model: Segmentor, target: Target) -> ProbabilityArray:
    """The answer to the click on the photograph by itself."""
    return model.encode(target.photograph.image).probability([target.click])


def told(targets: list[Target], name: str, answer: Callable[[Target], ProbabilityArray]) -> None:
    """Print the mean IoU of the answers; outside its place a large image's answer is wrong."""
    start, ious = perf_counter(), []
    for target in targets:
        found = answer(target) > 0.5
        height, width = target.mask.shape
        top, left = (0, 0) if found.shape == target.mask.shape else (target.top, target.left)
        shared = np.count_nonzero(found[top : top + height, left : left + width] & target.mask)
        ious.append(shared / (np.count_nonzero(found) + np.count_nonzero(target.mask) - shared))
    seconds = (perf_counter() - start) / len(targets)
    print(f"{name}: mIoU@1 {np.mean(ious):.3f}, {seconds:.2f} s a click", flush=True)


if __name__ == "__main__":
    main()
