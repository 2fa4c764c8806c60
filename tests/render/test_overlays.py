import tracemalloc

import numpy as np

from tamis.arrays import ImageArray, MaskArray
from tamis.clicks import Click
from tamis.mask import Masks
from tamis.render.overlays import cut_out, heat, overlay, palette


def test_an_overlay_mixes_colours_inside_and_outlines_in_white(scene: tuple[ImageArray, MaskArray]) -> None:
    image, disc = np.repeat(scene[0], 5, axis=0), np.repeat(scene[1], 5, axis=0)
    painted = overlay(image, Masks.from_dense(disc[None]), strength=0.5)
    white = (painted == 255).all(axis=2)
    inside = disc & ~white
    expected = (image[inside].astype(float) + palette(1)[0]) / 2
    assert np.abs(painted[inside] - expected).max() <= 0.5
    assert (painted[~disc & ~white] == image[~disc & ~white]).all()
    assert 0 < white.sum() < 0.1 * disc.sum()


def test_an_overlay_of_nothing_is_the_image(scene: tuple[ImageArray, MaskArray]) -> None:
    assert (overlay(scene[0], Masks.none((96, 128))) == scene[0]).all()


def test_an_overlay_takes_little_more_memory_than_the_picture() -> None:
    image = np.zeros((4000, 500, 3), np.uint8)
    masks = Masks.from_dense(np.ones((1, 4000, 500), bool))
    tracemalloc.start()
    overlay(image, masks)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3.5 * image.nbytes


def test_a_cut_out_keeps_the_mask_and_fades_the_rest(scene: tuple[ImageArray, MaskArray]) -> None:
    image, disc = scene
    shown = cut_out(image, disc, [Click(40, 50), Click(100, 20, positive=False)])
    assert (shown[60, 40] == image[60, 40]).all()
    assert np.ptp(shown[90, 120].astype(int)) == 0
    assert shown[50, 40].tolist() == [20, 160, 60]
    assert shown[20, 100].tolist() == [210, 40, 40]


def test_heat_and_palette() -> None:
    assert heat(np.array([[-1, 0, 0.5, 1, 2]], np.float32)).tolist() == [[0, 0, 128, 255, 255]]
    colours = palette(200)
    assert len(np.unique(colours, axis=0)) == 200
    assert (palette(5) == colours[:5]).all()
    assert palette(0).shape == (0, 3)
