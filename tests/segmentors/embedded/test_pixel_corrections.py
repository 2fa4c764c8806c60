"""What the network that looks at corrections pixel by pixel is told, and how its answer reaches the full image."""

import cv2
import numpy as np
import pytest

from tamis.clicks import Click
from tamis.regions.features import PixelMaps
from tamis.segmentors.embedded import pixel_corrections as module
from tamis.segmentors.embedded.pixel_corrections import RADIUS, PixelContext, discs, replace_where


def test_clicks_are_discs_and_the_last_one_has_a_plane_of_its_own() -> None:
    planes = discs([Click(10.5, 20.5), Click(40.5, 30.5, positive=False)], (64, 64))
    assert planes[0, 20, 10] == planes[1, 30, 40] == 1
    assert planes[2, 30, 40] == -1
    assert planes[2, 20, 10] == 0
    assert planes[0].sum() == planes[1].sum() == pytest.approx(np.pi * RADIUS**2, rel=0.15)


def test_the_network_is_fed_at_the_working_size() -> None:
    maps = PixelMaps(
        np.zeros((32, 48), np.float32),
        np.zeros((24, 16, 24), np.float32),
        np.zeros((16, 24), np.float32),
        np.zeros((64, 16, 24), np.float32),
        np.zeros((32, 48), np.float32),
    )
    context = PixelContext.of(np.full((64, 96, 3), 51, np.uint8), maps)
    told, before = np.zeros((128, 192), np.float32), np.zeros((128, 192), bool)
    told[:64] = 1
    before[:, :96] = True
    fed = context.inputs(told, before, [Click(20, 100)], (128, 192))
    assert {name: each.shape for name, each in fed.items()} == {
        "masks": (1, 2, 64, 96),
        "clicks": (1, 3, 64, 96),
    }
    once = context.scene_inputs()
    assert {name: each.shape for name, each in once.items()} == {
        "image": (1, 3, 64, 96),
        "boundary": (1, 1, 32, 48),
        "features": (1, 88, 16, 24),
    }
    assert once["image"].max() == pytest.approx(0.2)
    assert fed["masks"][0, 0, :32].min() == fed["masks"][0, 1, :, :48].min() == 1
    assert fed["masks"][0, 0, 32:].max() == fed["masks"][0, 1, :, 48:].max() == -1
    assert fed["clicks"][0, 0, 50, 10] == 1


@pytest.mark.parametrize("shape", [(40, 60), (97, 131), (25, 33)])
def test_cells_that_are_replaced_lie_where_they_are_in_the_image(shape: tuple[int, int]) -> None:
    """A linear ramp is reproduced exactly between the middles of cells, at any scale and offset."""
    down, across = np.indices((40, 60)) + 0.5
    ramp = (down / 40 + across / 60).astype(np.float32) / 2
    cells = np.zeros((40, 60), bool)
    cells[10:15, 20:40] = True
    answer = np.full(shape, -1, np.float32)
    replace_where(answer, ramp, cells, np.ones(shape, bool), True)
    rows, columns = np.indices(shape) + 0.5
    expected = (rows / shape[0] + columns / shape[1]) / 2
    changed = answer != -1
    np.testing.assert_allclose(answer[changed], expected[changed], atol=0.01)
    inner = (rows / shape[0] * 40 > 10) & (rows / shape[0] * 40 < 15)
    inner &= (columns / shape[1] * 60 > 20) & (columns / shape[1] * 60 < 40)
    assert changed[inner].all()
    assert changed.sum() < 2.5 * max(inner.sum(), 1)


def test_a_large_image_is_replaced_in_tiles_as_one_is_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    values, cells = rng.random((40, 60)).astype(np.float32), rng.random((40, 60)) > 0.98
    answers = []
    for at_once in (module.AT_ONCE, 0):
        monkeypatch.setattr(module, "AT_ONCE", at_once)
        answers.append(np.full((400, 600), -1, np.float32))
        replace_where(answers[-1], values, cells, np.ones((400, 600), bool), True)
    np.testing.assert_allclose(answers[0], answers[1], atol=1e-4)


@pytest.mark.parametrize("shape", [(50, 70), (105, 140), (410, 607)])
def test_what_is_told_is_about_the_mean_of_cells(shape: tuple[int, int]) -> None:
    large = np.zeros(shape, np.float32)
    cv2.circle(large, (shape[1] // 2, shape[0] // 2), shape[0] // 3, 1.0, -1)
    exact = cv2.resize(large, (60, 40), interpolation=cv2.INTER_AREA)
    for values in (large, large > 0.5):
        few = module._shrunk(values.view(np.uint8) if values.dtype == bool else values, (40, 60))
        assert np.abs(few - exact).mean() < 0.005
        assert np.abs(few - exact).max() < 0.3


def test_nothing_is_replaced_where_no_cell_is() -> None:
    answer = np.full((20, 30), 0.25, np.float32)
    replace_where(answer, np.ones((10, 15), np.float32), np.zeros((10, 15), bool), np.ones((20, 30), bool), True)
    assert (answer == 0.25).all()


def test_only_free_pixels_are_replaced() -> None:
    answer, free = np.zeros((20, 30), np.float32), np.zeros((20, 30), bool)
    free[:, :10] = True
    replace_where(answer, np.ones((10, 15), np.float32), np.ones((10, 15), bool), free, True)
    np.testing.assert_array_equal(answer > 0, free)
