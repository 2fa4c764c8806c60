"""Evaluation by first clicks that people made, in the layout of RClicks (Antonov et al., arXiv 2410.11722).

Its `clicks.csv` has a row for every click: `dataset`, `image_stem`, `object_stem` (empty where an image has only one),
`click_type` (`first`, and `fp` or `fn` for clicks on masks of other models, which are not used here), `x` and `y` in
pixels of the image. Every first click begins a try of its own; further clicks go into the middle of the largest error.
"""

import csv
import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis.clicks import Click
from tamis.errors import InputError

SETS = {"grabcut": "GrabCut", "berkeley": "Berkeley", "davis345": "DAVIS", "coco-mval": "COCO", "tetris": "TETRIS"}
"""Our names of the data sets, and those in the file."""

COLUMNS = ("dataset", "image_stem", "object_stem", "click_type", "x", "y")

GROUPS = 10
"""Of the clicks on an object, from those where the fewest people click to those where most do."""

SPREAD = 5.0
"""Standard deviation, in pixels, of the Gaussians that the authors smooth clicks with."""


@dataclass(frozen=True)
class RealClicks:
    """First clicks of people.

    Attributes:
        sha256: of the file.
        by_object: clicks by (stem of the image, object), the object empty where the image has only one.
    """

    sha256: str
    by_object: Mapping[tuple[str, str], tuple[Click, ...]]

    def on(self, image: str, target: str, shape: tuple[int, int]) -> tuple[Click, ...]:
        """The clicks on a target of an image (height, width), moved inside where they are beyond its border.

        Args:
            image: stem of its file.
            target: its id; a number at its end is what the file calls the object.
            shape: of the image.
        """
        digits = target[len(target.rstrip("0123456789")) :].lstrip("0") or "0"
        keys = ((image, ""), (image, target), (image, digits))
        found = next((self.by_object[key] for key in keys if key in self.by_object), ())
        height, width = shape
        return tuple(Click(min(max(c.x, 0), width - 1), min(max(c.y, 0), height - 1)) for c in found)


def read_real_clicks(path: Path, dataset: str) -> RealClicks:
    """Read the first clicks on a data set.

    Args:
        path: of the file.
        dataset: our name of it, one of `SETS`; or the name in the file.

    Raises:
        InputError: the file cannot be read, has no such columns, or no first clicks on the data set.
    """
    name = SETS.get(dataset, dataset)
    try:
        content = path.read_bytes()
        rows = list(csv.DictReader(content.decode("utf-8").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read as a CSV file of clicks: {error}") from error
    missing = [column for column in COLUMNS if rows and column not in rows[0]]
    if missing or not rows:
        lacks = f"has no column {', '.join(missing)}" if missing else "is empty"
        raise InputError(f"{path} {lacks}; clicks come in the columns {', '.join(COLUMNS)}")
    clicks: dict[tuple[str, str], list[Click]] = defaultdict(list)
    for number, row in enumerate(rows, start=2):
        if row["dataset"] == name and row["click_type"] == "first":
            try:
                clicks[row["image_stem"], row["object_stem"]].append(Click(float(row["x"]), float(row["y"])))
            except ValueError as error:
                raise InputError(f"{path}, line {number}: x and y must be numbers: {error}") from error
    if not clicks:
        others = ", ".join(sorted({row["dataset"] for row in rows}))
        raise InputError(f"{path} has no first clicks on {name!r}; it has such on {others}")
    return RealClicks(hashlib.sha256(content).hexdigest(), {key: tuple(each) for key, each in clicks.items()})


def groups_of(clicks: NDArray[np.float64]) -> NDArray[np.intp]:
    """(N,) from 0 to `GROUPS` − 1: how many people click near each of the clicks (N, 2) of an object.

    The density is that of all clicks smoothed by `SPREAD`; clicks in order of it are cut into equal parts, as the
    authors cut the probability mass of their model of clicks.
    """
    apart = np.square(clicks[:, None] - clicks).sum(axis=2)
    density = np.exp(-apart / (2 * SPREAD**2)).sum(axis=1)
    ranks = np.empty(len(clicks), np.intp)
    ranks[np.argsort(density, kind="stable")] = np.arange(len(clicks))
    return ranks * GROUPS // len(clicks)


def real_clicks_summary(tries: list[dict[str, Any]]) -> dict[str, Any]:
    """What people's clicks cost against clicks in the middle, as JSON values.

    `noc90` and `noc90_center`: means over objects of the clicks to IoU .9 after people's first clicks (the mean over
    them) and after one in the middle; `loss`: how much more the first is, in percent. `noc90_by_group`: the mean by
    number of `groups_of`, and `gap`: how much more the first group needs than the last, in percent. `iou`, `iou_std`
    and `nsr` of the first click alone: mean over objects of mean, standard deviation and their ratio.

    Args:
        tries: dicts of `image`, `mask`, `noc` (clicks to IoU .9), `iou` (after the first click), and `click`, (x, y) of
            a person's first click, or None for the one in the middle.
    """
    objects: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for each in tries:
        objects[each["image"], each["mask"]].append(each)
    center, people, ious = [], [], []
    groups: dict[int, list[float]] = {}
    for those in objects.values():
        real = [each for each in those if each["click"] is not None]
        if not real:
            continue
        noc = np.array([each["noc"] for each in real], np.float64)
        center += [each["noc"] for each in those if each["click"] is None]
        people.append(noc.mean())
        ious.append([each["iou"] for each in real])
        group = groups_of(np.array([each["click"] for each in real], np.float64))
        for number in np.unique(group).tolist():
            groups.setdefault(number, []).append(float(noc[group == number].mean()))
    if not people:
        return {"objects": 0}
    by_group = {number: float(np.mean(groups[number])) for number in sorted(groups)}
    fewest, most = by_group[min(by_group)], by_group[max(by_group)]
    return {
        "objects": len(people),
        "clicks": sum(len(each) for each in ious),
        "noc90": _rounded(np.mean(people)),
        "noc90_center": _rounded(np.mean(center)),
        "loss": _rounded(100 * (np.mean(people) - np.mean(center)) / np.mean(center)),
        "noc90_by_group": {str(number): _rounded(mean) for number, mean in by_group.items()},
        "gap": _rounded(100 * (fewest - most) / most),
        "iou": _rounded(np.mean([np.mean(each) for each in ious])),
        "iou_std": _rounded(np.mean([np.std(each) for each in ious])),
        "nsr": _rounded(np.mean([np.std(each) / (np.mean(each) + 1e-9) for each in ious])),
    }


def _rounded(value: float | np.floating[Any]) -> float:
    return round(float(value), 4)
