"""What regions are too coarse for is told by pixels, and only where that was better."""

import numpy as np
import pytest

from tamis.annotation.assistant.concept import RegionView
from tamis.annotation.assistant.learner import Learner, Lesson
from tamis.annotation.assistant.pixels import Painter, PixelConcept, Sight, pixel_lesson
from tamis.arrays import ImageArray, MaskArray
from tamis.mask.iou import iou_of
from tamis.regions.protocol import AnswersByRegion
from tamis.segmentors import load_segmentor
from tests.annotation.test_assistant import scene


def seedlings(seed: int) -> tuple[ImageArray, MaskArray]:
    """Thin green crosses on earth, thinner than any region."""
    rng = np.random.default_rng(seed)
    mask = np.zeros((120, 160), bool)
    for row, column in rng.integers(12, 108, (10, 2)):
        mask[row - 1 : row + 1, column - 9 : column + 9] = mask[row - 9 : row + 9, column - 1 : column + 1] = True
    image = np.where(mask[..., None], (60.0, 150.0, 60.0), (120.0, 90.0, 70.0)) + rng.normal(0, 12, (120, 160, 3))
    return np.clip(image, 0, 255).astype(np.uint8), mask


NOTHING = np.empty((0, 1, 1), np.float32)


def sight(image: ImageArray, regions: np.ndarray, features: np.ndarray = NOTHING) -> Sight:
    return Sight(image, regions, regions, features)


def unsure(mask: MaskArray) -> np.ndarray:
    return np.full(mask.shape, 0.4, np.float32)


def test_pixels_tell_what_regions_cannot_and_are_used_as_soon_as_that_is_known() -> None:
    pixels = PixelConcept()
    assert pixels.painter() is None
    for number in range(3):
        image, mask = seedlings(number)
        lesson = pixel_lesson(sight(image, unsure(mask)), mask, pixels.painter())
        assert (lesson.ious is None) == (number == 0)
        pixels.add(str(number), lesson)
    painter = pixels.painter()
    assert isinstance(painter, Painter)
    assert painter.way > 0
    image, mask = seedlings(7)
    assert iou_of(painter.paint(sight(image, unsure(mask))) > 0.5, mask) > 0.7


def test_what_the_model_knows_of_pixels_tells_what_colours_cannot() -> None:
    pixels, rng = PixelConcept(), np.random.default_rng(5)

    def seen(number: int) -> tuple[Sight, MaskArray]:
        coarse = np.zeros((24, 32), bool)
        coarse[4 + number : 14 + number, 6 + 3 * number : 16 + 3 * number] = True
        mask = np.kron(coarse, np.ones((4, 4), bool))
        features = rng.normal(0, 0.1, (3, 24, 32)).astype(np.float32)
        features[1] += coarse
        image = rng.normal(128, 40, (*mask.shape, 3)).clip(0, 255).astype(np.uint8)
        return sight(image, unsure(mask), features), mask

    for number in range(3):
        told, mask = seen(number)
        pixels.add(str(number), pixel_lesson(told, mask, pixels.painter()))
    painter = pixels.painter()
    assert painter is not None
    told, mask = seen(4)
    assert iou_of(painter.paint(told) > 0.5, mask) > 0.95


def test_regions_are_kept_where_they_are_better() -> None:
    """Two discs of one colour: only regions know which is meant."""
    pixels = PixelConcept()
    rng = np.random.default_rng(0)
    for number in range(3):
        image = rng.normal(128, 40, (60, 80, 3)).clip(0, 255).astype(np.uint8)
        mask = np.zeros((60, 80), bool)
        mask[20:40, 10 + 10 * number : 40 + 10 * number] = True
        regions = np.where(mask, 0.9, 0.1).astype(np.float32)
        pixels.add(str(number), pixel_lesson(sight(image, regions), mask, pixels.painter()))
    painter = pixels.painter()
    assert painter is not None
    if painter.way == 0:
        assert painter.paint(sight(image, regions)) is regions
    assert iou_of(painter.paint(sight(image, regions)) > 0.5, mask) > 0.95


@pytest.mark.parametrize("better", [True, False])
def test_borders_are_drawn_where_that_was_better_on_earlier_masks(better: bool) -> None:
    pixels = PixelConcept()
    for number in range(3):
        image, mask = seedlings(number)
        regions = np.where(np.roll(mask, 1), 0.9, 0.1).astype(np.float32)
        drawn = mask.astype(np.float32) if better else np.zeros(mask.shape, np.float32)
        lesson = pixel_lesson(sight(image, regions), mask, pixels.painter(), drawn if number else None)
        pixels.add(str(number), lesson)
    painter = pixels.painter()
    assert painter is not None
    assert painter.draws == better
    assert (lesson.turned_out == 1) == better


def test_what_is_forgotten_leaves_no_trace() -> None:
    pixels = PixelConcept()
    lessons = [pixel_lesson(sight(image, unsure(mask)), mask, None) for image, mask in map(seedlings, range(2))]
    pixels.add("a", lessons[0])
    before = pixels.painter()
    pixels.add("b", lessons[1])
    pixels.forget("b")
    after = pixels.painter()
    assert before is not None
    assert after is not None
    np.testing.assert_array_equal(before.weights, after.weights)


def test_a_large_photograph_is_looked_at_in_small() -> None:
    image, mask = seedlings(0)
    large, wide = np.kron(image, np.ones((12, 12, 1), np.uint8)), np.kron(mask, np.ones((12, 12), bool))
    pixels = PixelConcept()
    for key in "ab":
        pixels.add(key, pixel_lesson(sight(large, unsure(wide)), wide, pixels.painter()))
    painter = pixels.painter()
    assert painter is not None
    assert iou_of(painter.paint(sight(large, unsure(wide))) > 0.5, wide) > 0.8


def test_a_learner_learns_both_and_forgets_both() -> None:
    hierarchy, learner = load_segmentor("hierarchy"), Learner()
    for number in range(3):
        image, mask = scene(number)
        encoded = hierarchy.encode(image)
        assert isinstance(encoded, AnswersByRegion)
        learner.learn(str(number), learner.lesson(encoded, RegionView.of(encoded), mask))
    image, mask = scene(3)
    encoded = hierarchy.encode(image)
    assert isinstance(encoded, AnswersByRegion)
    view = RegionView.of(encoded)
    proposal = learner.query(view).proposal(encoded, view)
    assert iou_of(proposal.mask, mask) > 0.85
    assert proposal.confidence > 0.6
    learner.learn("nothing", Lesson(view, np.zeros(len(view.areas))))
    learner.forget("nothing")
    again = learner.query(view).proposal(encoded, view)
    np.testing.assert_array_equal(again.mask, proposal.mask)
