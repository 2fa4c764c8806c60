"""The assistant learns from the masks that there are."""

from collections.abc import Sequence

import numpy as np
import pytest

from tamis.annotation.assistant.concept import Concept, RegionView, most_unlike, shares_of
from tamis.annotation.assistant.parts import parts_of
from tamis.annotation.assistant.propose import propose
from tamis.arrays import ImageArray, MaskArray
from tamis.errors import InputError
from tamis.regions.protocol import AnswersByRegion
from tamis.segmentors import load_segmentor

Scenes = Sequence[tuple[AnswersByRegion, RegionView, MaskArray]]

RED, BLUE, GREEN = (200, 60, 50), (50, 70, 190), (60, 150, 70)


def scene(seed: int) -> tuple[ImageArray, MaskArray]:
    """A red disc, which is meant, and a blue one on green."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:120, :160]
    middles = [(rng.uniform(30, 90), rng.uniform(25, 60)), (rng.uniform(30, 90), rng.uniform(100, 135))]
    if seed % 2:
        middles.reverse()
    red, blue = ((y - row) ** 2 + (x - column) ** 2 < rng.uniform(15, 22) ** 2 for row, column in middles)
    image = np.full((120, 160, 3), GREEN, np.float64)
    image[red], image[blue] = RED, BLUE
    return np.clip(image + rng.normal(0, 5, image.shape), 0, 255).astype(np.uint8), red


@pytest.fixture(scope="module")
def scenes() -> Scenes:
    hierarchy = load_segmentor("hierarchy")
    made: list[tuple[AnswersByRegion, RegionView, MaskArray]] = []
    for seed in range(7):
        image, mask = scene(seed)
        encoded = hierarchy.encode(image)
        assert isinstance(encoded, AnswersByRegion)
        made.append((encoded, RegionView.of(encoded), mask))
    return made


def taught(scenes: Scenes, order: list[int]) -> Concept:
    concept = Concept()
    for number in order:
        encoded, view, mask = scenes[number]
        concept.learn(str(number), view, shares_of(encoded, mask))
    return concept


def iou(mask: MaskArray, other: MaskArray) -> float:
    return float((mask & other).sum() / (mask | other).sum())


def test_one_mask_proposes_the_next(scenes: Scenes) -> None:
    concept = taught(scenes, [0])
    for encoded, view, mask in scenes[1:]:
        proposed = propose(concept, encoded, view)
        assert iou(proposed.mask, mask) > 0.85
        assert proposed.confidence > 0.5


def test_without_a_mask_nothing_is_proposed(scenes: Scenes) -> None:
    concept = Concept()
    with pytest.raises(InputError, match="annotate one image first"):
        propose(concept, scenes[0][0])
    concept.learn("empty", scenes[0][1], np.zeros(len(scenes[0][1].areas)))
    assert not concept.ready
    with pytest.raises(InputError, match="annotate one image first"):
        propose(concept, scenes[1][0])


def test_the_order_of_masks_does_not_matter_and_what_is_taken_back_leaves_no_trace(
    scenes: Scenes,
) -> None:
    _, view, _ = scenes[5]
    expected = taught(scenes, [0, 1, 2]).probability(view)
    np.testing.assert_allclose(taught(scenes, [2, 0, 1]).probability(view), expected, atol=1e-6)
    # Scales are those of the first five; a sixth that goes again changes nothing.
    five = taught(scenes, [0, 1, 2, 3, 4])
    before = five.probability(view)
    encoded, sixth, mask = scenes[6]
    five.learn("6", sixth, shares_of(encoded, mask))
    assert np.abs(five.probability(view) - before).max() > 1e-4
    five.forget("6")
    np.testing.assert_allclose(five.probability(view), before, atol=1e-6)


def test_a_mask_that_the_others_contradict_is_found(
    scenes: Scenes,
) -> None:
    concept = taught(scenes, [0, 1, 2, 3, 4, 5])
    assert concept.contradictions() == []
    encoded, view, _ = scenes[3]
    wrong = np.zeros_like(scenes[3][2])
    wrong[:20] = True
    concept.learn("3", view, shares_of(encoded, wrong))
    ((key, agreed),) = concept.contradictions()
    assert key == "3"
    assert agreed < 0.2


def test_confidence_learns_from_how_proposals_turned_out(
    scenes: Scenes,
) -> None:
    """Somebody who always draws something else is told less and less."""
    concept = taught(scenes, [0])
    _, view, _ = scenes[6]
    before = concept.confidence(concept.probability(view), view)
    for number in (1, 2, 3):
        encoded, other, mask = scenes[number]
        concept.learn(str(number), other, shares_of(encoded, np.roll(mask, 40, axis=1)))
    after = concept.confidence(concept.probability(view), view)
    assert after < before - 0.2


def test_the_most_unlike_image_is_another_one(scenes: Scenes) -> None:
    concept = taught(scenes, [0, 2, 4])
    strange = load_segmentor("hierarchy").encode(np.full((120, 160, 3), 250, np.uint8))
    assert isinstance(strange, AnswersByRegion)
    assert most_unlike([scenes[1][1], RegionView.of(strange), scenes[3][1]], concept) == 1
    assert concept.distance(scenes[0][1]) == 0


def test_it_is_sure_where_earlier_proposals_of_that_confidence_were_right(scenes: Scenes) -> None:
    concept = taught(scenes, [0, 1, 2])
    assert concept.sure_from(0.8) is None  # too few are known
    concept = taught(scenes, [0, 1, 2, 3, 4, 5, 6])
    sure = concept.sure_from(0.8)
    assert sure is not None
    assert 0 < sure <= 1
    assert concept.sure_from(1.01) is None


def test_objects_are_the_connected_parts_and_crumbs_go_with_the_nearest() -> None:
    mask = np.zeros((40, 60), bool)
    mask[5:15, 5:15] = mask[20:35, 30:50] = True
    mask[16, 5] = True  # a crumb of the smaller one
    parts = parts_of(mask)
    assert [int(part.sum()) for part in parts] == [300, 101]
    np.testing.assert_array_equal(np.logical_or.reduce(parts), mask)
    assert parts_of(np.zeros((4, 4), bool)) == []
