"""Objects of an image: layers, parts and stuff."""

import numpy as np

from tamis.datasets.layers import Layers
from tamis.training.click_tools.scene import layered_scene, packed_scene

IMAGE = np.zeros((4, 6, 3), np.uint8)


def layers() -> Layers:
    """Thing 0 on the left, its part 1, thing 2 on the right, and stuff 3 at the bottom right."""
    whole, part = np.zeros((4, 6), np.uint8), np.zeros((4, 6), np.uint8)
    whole[:, :3] = 1
    whole[:2, 4:] = 2
    whole[3, 4:] = 9
    part[:2, :2] = 5
    return Layers((whole, part), ((0, 1), (1, 5), (0, 2), (0, 9)))


def test_parts_are_no_targets_and_stuff_is_taken_out() -> None:
    scene = layered_scene(IMAGE, layers(), {0: None, 1: 0, 2: None}, stuff=False)
    assert scene.roots == [0, 2]
    assert scene.mask(1).sum() == 4
    assert scene.background()[3, 4]
    assert not scene.background()[0, 0]


def test_stuff_becomes_further_roots() -> None:
    scene = layered_scene(IMAGE, layers(), {0: None, 1: 0, 2: None}, stuff=True)
    assert scene.roots == [0, 2, 3]
    assert scene.mask(3).sum() == 2


def test_small_objects_go_and_their_parts_hang_on_the_parent() -> None:
    scene = layered_scene(IMAGE, layers(), {0: None, 1: 0, 2: 1}, stuff=False)
    kept = scene.without_small(5)  # thing 0 has 12 pixels, part 1 and thing 2 have 4
    assert list(kept.objects) == [0]
    middle = layered_scene(IMAGE, layers(), {0: None, 1: 0, 2: 1}, stuff=False)
    middle.layers[1][middle.layers[1] == 5] = 0
    assert middle.without_small(1).objects[2].parent == 0
    assert not kept.background()[0, 5]  # still something else to a negative click


def test_objects_around_a_pixel_are_parts_and_wholes() -> None:
    scene = layered_scene(IMAGE, layers(), {0: None, 1: 0, 2: None}, stuff=False)
    assert [mask.sum() for mask in scene.around(0, 0)] == [12, 4]
    assert list(scene.around(2, 3)) == []


def test_masks_that_overlap_lie_in_different_layers() -> None:
    one, other, empty = np.zeros((3, 4, 6), bool)
    one[:2], other[1:3] = True, True
    scene = packed_scene(IMAGE, [one, empty, other, ~one & ~other])
    assert len(scene.layers) == 2
    assert list(scene.objects) == [0, 2, 3]
    for number, mask in ((0, one), (2, other), (3, ~one & ~other)):
        assert np.array_equal(scene.mask(number), mask)
    assert packed_scene(IMAGE, []).background().all()
