"""Which photographs of a data set each stage learns from, and how often it sees the data set.

A network is surer of photographs that it has learned from than of others. What stages B and C learn from its maps
there, ratings above all, would not hold elsewhere: stage A leaves some photographs of every large data set to them.
"""

from collections.abc import Mapping, Sequence
from typing import TypeVar

T = TypeVar("T")

PIXEL_SHARES = {
    "duts_rest": 0.13,
    "bsds500": 0.12,
    "ade_planar": 0.08,
    "duts": 0.06,
    "duts_more": 0.05,
    "coco_mval": 0.05,
    "ccp_all": 0.05,
    "clothing_co_parsing": 0.05,
    "coco_tiny": 0.045,
    "coco_150": 0.045,
    "labelme_facade": 0.045,
    "labelme_facade_all": 0.045,
    "coco_mini": 0.04,
    "camvid": 0.025,
    "feral_cats": 0.025,
    "ecssd": 0.02,
    "coco128_seg": 0.02,
    "coco128_people": 0.02,
    "celebamask_faces": 0.02,
    "endangered_animals": 0.02,
    "weizmann_horses": 0.015,
    "feral_cats_train": 0.015,
    "oxford_pets_sample": 0.015,
    "oxford_flowers": 0.015,
    "pennfudan": 0.015,
    "car_parts": 0.012,
    "building_facades": 0.012,
    "human_seg_290": 0.012,
    "synthetic": 0.012,
    "cmp_facades": 0.012,
    "leeds_butterflies": 0.01,
    "animals_caltech": 0.01,
    "fasseg_faces": 0.01,
    "vans_floods": 0.01,
}
"""The share of crops that each data set gives to stage A: balanced by what can be learned from it, not by its size."""

OTHERS = 0.006
"""The share of a data set that is not among them."""

REGION_SHARES = {
    "bsds500": 0.36,
    "duts_rest": 0.13,
    "duts": 0.10,
    "duts_more": 0.08,
    "ade_planar": 0.08,
    "coco_mval": 0.06,
    "coco_150": 0.045,
    "coco_mini": 0.04,
    "coco_tiny": 0.04,
    "ccp_all": 0.03,
    "labelme_facade_all": 0.03,
    "ecssd": 0.03,
    "feral_cats": 0.03,
    "weizmann_horses": 0.02,
}
"""The same for stages B and C."""

OTHERS_BY_REGION = 0.008
"""The share there of a data set that is not among them."""

EVERY = {"duts": 10, "duts_more": 10, "duts_rest": 10}
"""One of so many photographs is left to stages B and C: a tenth of what is plenty."""

EVERY_OTHER = 4
"""The same for a data set that is not among them."""

LEAST = 12
"""A data set with fewer photographs than this is stage A's alone, and so is one of `WHOLE`."""

WHOLE = frozenset({"camvid", "synthetic", "dsb2018", "weizmann_horses", "leeds_butterflies"})
"""Photographs so alike that none of them is new to who has seen the rest."""

REGION_PHOTOGRAPHS = {
    "bsds500": 200,
    "ade_planar": 200,
    "duts_rest": 190,
    "coco_mval": 110,
    "duts": 100,
    "duts_more": 90,
    "ccp_all": 85,
    "labelme_facade_all": 75,
    "feral_cats": 75,
    "weizmann_horses": 50,
    "leeds_butterflies": 30,
    "camvid": 20,
    "cmp_facades": 20,
    "dsb2018": 8,
}
"""Of how many photographs stage B makes regions: each costs a third of a second. New ones come first."""

NEW_TO_REGIONS = 50
"""Of a data set that is not among them at most so many, all of them new."""

CORRECTION_PHOTOGRAPHS = {
    "duts_rest": 160,
    "bsds500": 120,
    "coco_mval": 90,
    "duts": 60,
    "duts_more": 60,
    "ccp_all": 50,
    "feral_cats": 50,
    "weizmann_horses": 25,
    "leeds_butterflies": 20,
}
"""The same for stage C."""

NEW_TO_CORRECTIONS = 45
"""The same for stage C."""


def for_pixels(name: str, photographs: Sequence[T]) -> list[T]:
    """The training photographs of a data set that stage A learns from."""
    kept = set(_left(name, len(photographs)))
    return [photograph for number, photograph in enumerate(photographs) if number not in kept]


def for_regions(name: str, photographs: Sequence[T]) -> list[T]:
    """Those that stage B learns from."""
    return _new_first(name, photographs, REGION_PHOTOGRAPHS, NEW_TO_REGIONS)


def for_corrections(name: str, photographs: Sequence[T]) -> list[T]:
    """Those that stage C learns from."""
    return _new_first(name, photographs, CORRECTION_PHOTOGRAPHS, NEW_TO_CORRECTIONS)


def some(those: Sequence[T], most: int) -> Sequence[T]:
    """At most so many of some, evenly spread."""
    return those[:: max(1, len(those) // max(1, most))][:most]


def _new_first(name: str, photographs: Sequence[T], counts: Mapping[str, int], most: int) -> list[T]:
    """Photographs that stage A has not seen; of a data set in `counts` as many others as are missing to its count."""
    kept = _left(name, len(photographs))
    new = [photographs[number] for number in kept]
    if name not in counts:
        return list(some(new, most))
    chosen = list(some(new, counts[name]))
    return chosen + list(some(for_pixels(name, photographs), counts[name] - len(chosen)))


def _left(name: str, count: int) -> list[int]:
    """Which of so many photographs stage A leaves."""
    every = EVERY.get(name, EVERY_OTHER)
    return [] if name in WHOLE or count < LEAST else list(range(every - 1, count, every))
