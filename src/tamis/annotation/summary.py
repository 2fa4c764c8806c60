"""What lists show and filter by, of an image: kept as JSON beside its events, in the same transaction."""

import json
import time
from functools import lru_cache
from typing import Any

from tamis.annotation.fold import Drawing
from tamis.mask import Masks


def summary_of(seen: Drawing) -> str:
    """JSON of what can be seen of an image in a list.

    `labels` are ids, `smallest` and `largest` pixels of masks (null without any), `comments` those that are open, `at`
    seconds since 1970, `rejected` the labels whose proposals are not wanted.
    """
    areas = [_area(*body["rle"]["size"], body["rle"]["counts"]) for body in seen.masks.values()]
    return json.dumps(
        {
            "labels": sorted({body["label"] for body in seen.masks.values()}),
            "smallest": min(areas, default=None),
            "largest": max(areas, default=None),
            "note": bool(seen.note.strip()),
            "tags": list(seen.tags),
            "reason": seen.reason,
            "rejected": list(seen.rejected),
            "comments": sum(not comment["done"] for comment in seen.comments),
            "at": round(time.time()),
        },
        ensure_ascii=False,
    )


def read_summary(text: str | None) -> dict[str, Any]:
    """What `summary_of` has written; of an image without one, or of an older program's, that there is nothing."""
    nothing: dict[str, Any] = {"labels": [], "smallest": None, "largest": None, "note": False, "tags": []}
    return nothing | {"reason": "", "comments": 0, "at": None, "rejected": []} | (json.loads(text) if text else {})


@lru_cache(maxsize=50_000)
def _area(height: int, width: int, counts: str) -> int:
    """Pixels of a mask; most masks of an image stay as they are when it changes."""
    return int(Masks.from_coco([{"size": [height, width], "counts": counts}], (height, width)).areas[0])
