"""What a simulation comes to: seconds, clicks, and masks that are good enough."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

WARM = 18
"""From this image on MultiverSeg (Wong et al., ICCV 2025, arXiv 2412.15058) needs about one click."""

MOST = 0.9
"""Share of the images that `seconds_to_most` asks for."""


POINTS = 60
"""Of a curve against time."""

WINDOW = 5
"""Images that a curve of clicks is the mean of."""

Rows = Sequence[Mapping[str, Any]]
"""What was done to images, in the order in which they were finished."""


@dataclass(frozen=True)
class Band:
    """A curve: its mean over seeds, and its lowest and highest.

    Attributes:
        x: (K,) float64.
        mean: (K,) float64.
        low: (K,) float64.
        high: (K,) float64.
    """

    x: NDArray[np.float64]
    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def by_seed(rows: Rows) -> list[list[Mapping[str, Any]]]:
    """The rows of each seed."""
    found: dict[int, list[Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["seed"], []).append(row)
    return list(found.values())


def rows_of(actions: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """By policy, a row for each image from a table with a row for each action."""
    found: dict[tuple[str, int, int], dict[str, Any]] = {}
    for action in actions:
        key = action["policy"], action["seed"], action["number"]
        kept = {name: action[name] for name in ("seed", "number", "image", "proposed")}
        row = found.setdefault(key, {**kept, "actions": []})
        row["actions"].append({name: action[name] for name in ("kind", "seconds", "iou")})
        row["iou"] = action["iou"]
    policies: dict[str, list[Mapping[str, Any]]] = {}
    for (policy, _, _), row in found.items():
        policies.setdefault(policy, []).append(row)
    return policies


def good_against_time(rows: Rows, target_iou: float, images: int) -> Band:
    """The share of all images that are at the target, against seconds of work."""
    return _against_time(rows, lambda row: float(row["iou"] >= target_iou - 1e-6), images)


def iou_against_time(rows: Rows, images: int) -> Band:
    """The mean IoU of all images, an image that nobody has annotated counting 0, against seconds of work."""
    return _against_time(rows, lambda row: float(row["iou"]), images)


def clicks_by_number(rows: Rows, window: int = WINDOW) -> Band:
    """Clicks an image against its number, each point the mean of the last `window` images."""
    every = []
    for those in by_seed(rows):
        sums = np.cumsum([0.0, *map(clicks_of, those)])
        first = np.maximum(0, np.arange(1, len(sums)) - window)
        every.append((sums[1:] - sums[first]) / (np.arange(1, len(sums)) - first))
    shortest = min(map(len, every), default=0)
    table = np.array([each[:shortest] for each in every]).reshape(-1, shortest)
    return _band(np.arange(1, shortest + 1, dtype=float), table)


def clicks_of(row: Mapping[str, Any]) -> int:
    """On an image."""
    return sum(action["kind"] == "click" for action in row["actions"])


def _against_time(rows: Rows, worth: Callable[[Mapping[str, Any]], float], images: int) -> Band:
    each = []
    for those in by_seed(rows):
        seconds = np.cumsum([sum(action["seconds"] for action in row["actions"]) for row in those])
        each.append((seconds, np.cumsum([worth(row) for row in those]) / images))
    grid = np.linspace(0, max((float(seconds[-1]) for seconds, _ in each), default=1.0), POINTS)
    steps = [np.concatenate([[0.0], y])[np.searchsorted(x, grid, side="right")] for x, y in each]
    return _band(grid, np.array(steps).reshape(-1, POINTS))


def _band(x: NDArray[np.float64], table: NDArray[np.float64]) -> Band:
    if not table.size:
        return Band(x, x * 0, x * 0, x * 0)
    return Band(x, table.mean(axis=0), table.min(axis=0), table.max(axis=0))


def curve_of(rows: Rows, target_iou: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(N,) seconds worked and (N,) images at the target, after each image of one seed."""
    seconds = np.cumsum([sum(action["seconds"] for action in row["actions"]) for row in rows])
    return seconds, np.cumsum([float(row["iou"] >= target_iou) for row in rows])


def summary_of(rows: Rows, target_iou: float) -> dict[str, Any]:
    """The figures of one policy, means over seeds, as JSON values.

    `seconds`: in all; `seconds_per_image`; `iou`: of the masks that are left; `clicks`: an image; `clicks_warm`: an
    image from the 18th on; `accepted`: share of proposals that were accepted as they were; `drawn`: share of images
    that the brush or a polygon had to finish; `area`: under the curve of the share of images at the target against
    seconds, as a share of the rectangle; `seconds_to_most`: until nine tenths of the images are at the target, None
    where that is never.

    Args:
        rows: of all its seeds, images in the order in which they were annotated.
        target_iou: that a mask must reach.
    """
    each = [_of_one(those, target_iou) for those in by_seed(rows)]
    means = {key: _mean([one[key] for one in each]) for key in each[0]} if each else {}
    band = [round(float(value), 2) for value in np.quantile([one["seconds"] for one in each], [0, 1])] if each else []
    return {"images": len(rows), "seeds": len(each), **means, "seconds_range": band}


def _of_one(rows: Rows, target_iou: float) -> dict[str, float | None]:
    seconds, good = curve_of(rows, target_iou)
    clicks = np.array([clicks_of(row) for row in rows], float)
    kinds = [[action["kind"] for action in row["actions"]] for row in rows]
    proposed = [row["proposed"] is not None for row in rows]
    untouched = [
        row["proposed"] is not None and not {"click", "brush", "polygon", "reject"} & set(done)
        for row, done in zip(rows, kinds, strict=True)
    ]
    enough = np.flatnonzero(good >= MOST * len(rows))
    return {
        "seconds": float(seconds[-1]),
        "seconds_per_image": float(seconds[-1] / len(rows)),
        "iou": float(np.mean([row["iou"] for row in rows])),
        "clicks": float(clicks.mean()),
        "clicks_warm": float(clicks[WARM - 1 :].mean()) if len(rows) >= WARM else None,
        "accepted": float(np.sum(untouched) / max(np.sum(proposed), 1)),
        "drawn": float(np.mean([bool({"brush", "polygon"} & set(done)) for done in kinds])),
        "area": float(np.trapezoid(good / len(rows), seconds) / seconds[-1]) if len(rows) > 1 else 0.0,
        "seconds_to_most": float(seconds[enough[0]]) if len(enough) else None,
    }


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(float(np.mean(known)), 4) if len(known) == len(values) else None
