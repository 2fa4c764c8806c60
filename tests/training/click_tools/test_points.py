"""The sampler of objects and clicks."""

import cv2
import numpy as np
import pytest

from tamis.training.click_tools.points import Clicking, ClickTask, draw_clicks, ring
from tamis.training.click_tools.scene import Scene, packed_scene


def scene() -> Scene:
    """Two squares and a bar on a ground of 80 × 100 pixels."""
    masks = np.zeros((3, 80, 100), bool)
    masks[0, 10:40, 10:40] = masks[1, 10:40, 60:90] = masks[2, 60:70, 10:90] = True
    return packed_scene(np.zeros((80, 100, 3), np.uint8), list(masks))


def drawn(how: Clicking, count: int = 400) -> list[ClickTask]:
    return [draw_clicks(scene(), how, np.random.default_rng(seed)) for seed in range(count)]


def test_positive_clicks_lie_in_the_object_and_negative_ones_outside() -> None:
    for asked in drawn(Clicking(), 60):
        for row, column, positive in asked.clicks:
            assert asked.target[int(row), int(column)] == positive
        assert any(positive for _, _, positive in asked.clicks)
        assert sum(positive for _, _, positive in asked.clicks) <= 24


def test_there_are_as_many_clicks_as_in_the_peers_tables() -> None:
    """One positive click has the chance .2 / (1 - .8 ** 24), and none negative .2 / (1 - .8 ** 25)."""
    asked = drawn(Clicking(merged=0))
    positive = np.array([sum(sign for *_, sign in each.clicks) for each in asked])
    negative = np.array([sum(not sign for *_, sign in each.clicks) for each in asked])
    assert (positive == 1).mean() == pytest.approx(0.2, abs=0.06)
    assert (negative == 0).mean() == pytest.approx(0.2, abs=0.06)
    chances = 0.8 ** np.arange(24)
    assert positive.mean() == pytest.approx(1 + (np.arange(24) * chances).sum() / chances.sum(), rel=0.12)


def test_two_objects_are_asked_for_together_now_and_then() -> None:
    areas = np.array([each.target.sum() for each in drawn(Clicking())])
    assert (areas > 900).mean() == pytest.approx(0.15, abs=0.05)
    both = next(each for each in drawn(Clicking(merged=1), 5) if each.target.sum() == 1800)
    halves = {column < 50 for _, column, positive in both.clicks if positive}
    assert halves == {True, False}  # each has one at least


def test_positive_clicks_keep_away_from_the_border() -> None:
    asked = drawn(Clicking(merged=0, eroded=1.0), 100)
    for each in asked:
        if each.target.sum() == 900:
            inner = cv2.erode(each.target.astype(np.uint8), np.ones((3, 3), np.uint8), iterations=3)
            assert all(inner[int(row), int(column)] for row, column, positive in each.clicks if positive)


def test_negative_clicks_prefer_the_ring_and_other_objects() -> None:
    near, other, all_of_them = 0.0, 0.0, 0
    for each in drawn(Clicking(merged=0)):
        around, elsewhere = ring(each.target, 0.1), ~scene().background() & ~each.target
        for row, column, positive in each.clicks:
            if not positive:
                all_of_them += 1
                near += float(around[int(row), int(column)])
                other += float(elsewhere[int(row), int(column)])
    assert near / all_of_them == pytest.approx(0.5, abs=0.06)
    assert other / all_of_them == pytest.approx(0.4 + 0.1 * 0.2, abs=0.06)


def test_the_ring_is_as_wide_as_the_peers_dilations() -> None:
    mask = scene().mask(0)
    steps = int(np.ceil(0.1 * np.sqrt(900)))
    theirs = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8), iterations=steps).astype(bool) & ~mask
    assert np.array_equal(ring(mask, 0.1), theirs)


def test_one_click_is_one_click() -> None:
    positive = drawn(Clicking(single=True), 40)
    assert all(len(each.clicks) == 1 and each.clicks[0][2] for each in positive)
    mixed = drawn(Clicking(single=True, negative=0.5))
    assert all(len(each.clicks) == 1 for each in mixed)
    assert np.mean([each.clicks[0][2] for each in mixed]) == pytest.approx(0.5, abs=0.08)


def test_a_scene_without_objects_gives_negative_clicks_alone() -> None:
    empty = packed_scene(np.zeros((20, 20, 3), np.uint8), [])
    asked = [draw_clicks(empty, Clicking(), np.random.default_rng(seed)) for seed in range(40)]
    assert not any(each.target.any() for each in asked)
    assert not any(positive for each in asked for *_, positive in each.clicks)
