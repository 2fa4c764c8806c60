"""What a simulation comes to: seconds, clicks, and masks that are good enough."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

WARM = 18
"""From this image on MultiverSeg (Wong et al., ICCV 2025, arXiv 2412.15058) needs about one click."""

MOST = 0.9
"""Share of the images that `seconds_to_most` asks for."""


def curve_of(rows: Sequence[Mapping[str, Any]], target_iou: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(N,) seconds worked and (N,) images at the target, after each image of one seed."""
    seconds = np.cumsum([sum(action["seconds"] for action in row["actions"]) for row in rows])
    return seconds, np.cumsum([float(row["iou"] >= target_iou) for row in rows])


def summary_of(rows: Sequence[Mapping[str, Any]], target_iou: float) -> dict[str, Any]:
    """The figures of one policy, means over seeds, as JSON values.

    `seconds`: in all; `seconds_per_image`; `iou`: of the masks that are left; `clicks`: an image; `clicks_warm`: an
    image from the 18th on; `accepted`: share of proposals that were accepted as they were; `drawn`: share of images
    that were drawn by hand; `area`: under the curve of the share of images at the target against seconds, as a share of
    the rectangle; `seconds_to_most`: until nine tenths of the images are at the target, None where that is never.

    Args:
        rows: of all its seeds, images in the order in which they were annotated.
        target_iou: that a mask must reach.
    """
    by_seed: dict[int, list[Mapping[str, Any]]] = {}
    for row in rows:
        by_seed.setdefault(row["seed"], []).append(row)
    each = [_of_one(those, target_iou) for those in by_seed.values()]
    means = {key: _mean([one[key] for one in each]) for key in each[0]} if each else {}
    band = [round(float(value), 2) for value in np.quantile([one["seconds"] for one in each], [0, 1])] if each else []
    return {"images": len(rows), "seeds": len(each), **means, "seconds_range": band}


def _of_one(rows: Sequence[Mapping[str, Any]], target_iou: float) -> dict[str, float | None]:
    seconds, good = curve_of(rows, target_iou)
    clicks = np.array([sum(action["kind"] == "click" for action in row["actions"]) for row in rows], float)
    kinds = [[action["kind"] for action in row["actions"]] for row in rows]
    proposed = [row["proposed"] is not None for row in rows]
    untouched = [
        row["proposed"] is not None and not {"click", "polygon", "reject"} & set(done)
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
        "drawn": float(np.mean(["polygon" in done for done in kinds])),
        "area": float(np.trapezoid(good / len(rows), seconds) / seconds[-1]) if len(rows) > 1 else 0.0,
        "seconds_to_most": float(seconds[enough[0]]) if len(enough) else None,
    }


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(float(np.mean(known)), 4) if len(known) == len(values) else None
