"""The next click of the interactive evaluation, against the usual program on scipy's distance transform."""

from collections.abc import Callable
from functools import partial

import numpy as np
from scipy.ndimage import distance_transform_edt

from benchmarks.report import Finding, measure
from benchmarks.segments import overlapping_masks
from benchmarks.timing import alternate
from tamis.arrays import MaskArray
from tamis.clicks import Click, corrective_click

N, REPEATS = 40, 7
Pairs = list[tuple[MaskArray, MaskArray]]
Clicker = Callable[[MaskArray, MaskArray, list[Click]], Click]


def run(seed: int = 0) -> Finding:
    """Time the correction of every mask that is taken for the one before it."""
    measures, same, total = [], 0, 0
    for shape in ((321, 481), (768, 1024)):
        dense, source = overlapping_masks(N, seed, shape)
        pairs = [(dense[i], dense[i - 1]) for i in range(N) if (dense[i] != dense[i - 1]).any()]
        clicks = [Click.at_pixel(shape[0] // 2, shape[1] // 2)]
        same += sum(_agreed(*pair, clicks) for pair in pairs)
        total += len(pairs)
        timing = alternate(
            partial(_all, corrective_click, pairs, clicks), partial(_all, with_scipy, pairs, clicks), REPEATS
        )
        cropped = alternate(
            partial(_all, corrective_click, pairs, clicks), partial(_all, with_scipy_in_box, pairs, clicks), REPEATS
        )
        what = f"{len(pairs)} clicks on {shape[1]}×{shape[0]}"
        measures.append(measure(what, "scipy's distance transform of the image", timing, 2, 2))
        measures.append(measure(what, "scipy's distance transform of the errors' box", cropped, 2, 2))
    return Finding(
        "corrective_click",
        "Corrective click",
        f"Pairs of a target and a prediction, {source}.",
        "The clicks are the same."
        if same == total
        else f"{same} of {total} clicks are the same, the others equally deep.",
        seed,
        ["src/tamis/clicks.py"],
        ["numpy", "opencv-python-headless", "scipy"],
        measures,
    )


def with_scipy(target: MaskArray, prediction: MaskArray, clicks: list[Click]) -> Click:
    """RITM's clicker as its published program has it, on scipy's distance transform."""
    free = np.ones(target.shape, np.bool_)
    for click in clicks:
        free[click.pixel] = False
    missed = distance_transform_edt(np.pad(target & ~prediction, 1))[1:-1, 1:-1] * free
    excess = distance_transform_edt(np.pad(prediction & ~target, 1))[1:-1, 1:-1] * free
    positive = bool(missed.max() > excess.max())
    row, column = divmod(int(np.argmax(missed if positive else excess)), target.shape[1])
    return Click.at_pixel(row, column, positive)


def with_scipy_in_box(target: MaskArray, prediction: MaskArray, clicks: list[Click]) -> Click:
    """The same within the bounding box of all errors, which holds every distance."""
    error = target ^ prediction
    rows, columns = np.flatnonzero(error.any(axis=1)), np.flatnonzero(error.any(axis=0))
    top, left = int(rows[0]), int(columns[0])
    box = np.s_[top : rows[-1] + 1, left : columns[-1] + 1]
    height, width = error[box].shape
    moved = [Click(click.x - left, click.y - top) for click in clicks]
    moved = [click for click in moved if 0 <= click.x < width and 0 <= click.y < height]
    found = with_scipy(target[box], prediction[box], moved)
    return Click(found.x + left, found.y + top, found.positive)


def _all(clicker: Clicker, pairs: Pairs, clicks: list[Click]) -> list[Click]:
    return [clicker(target, prediction, clicks) for target, prediction in pairs]


def _agreed(target: MaskArray, prediction: MaskArray, clicks: list[Click]) -> bool:
    """Whether the clicks are the same; an error where they are not even equally deep."""
    ours, theirs = corrective_click(target, prediction, clicks), with_scipy(target, prediction, clicks)
    if with_scipy_in_box(target, prediction, clicks) != theirs:
        raise AssertionError("scipy's click in the box of the errors differs from the one in the image")
    depths = []
    for click in (ours, theirs):
        error = target & ~prediction if click.positive else prediction & ~target
        depths.append(distance_transform_edt(np.pad(error, 1))[1:-1, 1:-1][click.pixel])
    if abs(depths[0] - depths[1]) > 1e-9:
        raise AssertionError(f"the clicks are {depths[0]} and {depths[1]} pixels deep")
    return ours == theirs
