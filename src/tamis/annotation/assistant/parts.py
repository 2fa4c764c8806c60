"""One mask of a concept taken apart into objects."""

import numpy as np

from tamis.arrays import MaskArray
from tamis.mask.regions import components

CRUMB = 0.05
"""Of the largest object's area: a smaller one is no object of its own and goes with the nearest."""


def parts_of(mask: MaskArray) -> list[MaskArray]:
    """The connected parts of a mask (H, W) as masks of their own, the largest first; no pixel is left out.

    Telling touching objects apart by what single clicks answer was tried and is worse: on nuclei (621 objects, IoU .5)
    F1 was .93 with connected parts and .88 to .93 with that, on cats .73 and .68 to .71.
    """
    found = sorted((np.asarray(part) for part in components(mask)), key=lambda part: -int(np.count_nonzero(part)))
    if len(found) < 2:
        return found
    least = CRUMB * np.count_nonzero(found[0])
    kept = [part for part in found if np.count_nonzero(part) >= least]
    middles = np.array([np.argwhere(part).mean(axis=0) for part in kept])
    for crumb in found[len(kept) :]:
        apart = np.linalg.norm(middles - np.argwhere(crumb).mean(axis=0), axis=1)
        kept[int(apart.argmin())] = kept[int(apart.argmin())] | crumb
    return kept
