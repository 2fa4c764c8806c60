"""Stage A leaves photographs to the stages after it."""

import pytest

from tamis.training.portions import for_corrections, for_pixels, for_regions, some


@pytest.mark.parametrize(("name", "left"), [("bsds500", 25), ("duts", 10), ("weizmann_horses", 0), ("mine", 25)])
def test_what_stage_a_leaves_is_a_part_of_what_is_large_and_varied(name: str, left: int) -> None:
    kept = for_pixels(name, range(100))
    assert len(kept) == 100 - left
    assert kept == sorted(kept)


def test_small_data_sets_are_left_whole() -> None:
    assert for_pixels("mine", range(11)) == list(range(11))
    assert for_regions("mine", range(11)) == []


def test_the_next_stages_take_new_photographs_first() -> None:
    seen = set(for_pixels("coco_mval", range(200)))
    chosen = for_regions("coco_mval", range(200))
    assert len(chosen) == len(set(chosen)) == 110
    assert set(range(200)) - seen < set(chosen)


def test_of_other_data_sets_they_take_new_ones_alone() -> None:
    seen = set(for_pixels("mine", range(400)))
    assert len(for_regions("mine", range(400))) == 50
    assert not seen & set(for_regions("mine", range(400)))
    assert not seen & set(for_corrections("mine", range(400)))


def test_some_are_evenly_spread() -> None:
    assert some(range(100), 4) == range(0, 100, 25)
    assert list(some(range(3), 10)) == [0, 1, 2]
    assert list(some(range(3), 0)) == []
