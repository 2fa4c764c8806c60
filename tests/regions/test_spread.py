import numpy as np
import pytest

from tamis.regions import spread as module
from tamis.regions.spread import BAND, spread, spread_inside_and_outside


@pytest.mark.parametrize("wide", [True, False])
def test_every_pixel_has_the_value_of_its_region(wide: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if wide and not module._has_wide_tables():
        pytest.skip("this OpenCV has no tables of 16 bits")
    monkeypatch.setattr(module, "_has_wide_tables", lambda: wide)
    rng = np.random.default_rng(0)
    regions = rng.integers(0, 900, (30, 40)).astype(np.uint16)
    values = rng.random(900).astype(np.float32)
    assert (spread(values, regions) == values[regions]).all()
    into = np.empty(regions.shape, np.float32)
    assert spread(values, regions, out=into) is into or (into == values[regions]).all()
    assert (into == values[regions]).all()
    asked = values > 0.5
    assert (spread(asked.view(np.uint8), regions) == asked[regions]).all()


@pytest.mark.parametrize("shape", [(30, 40), (3, BAND // 2), (2, 2 * BAND)])
def test_a_region_has_two_values_by_whether_a_pixel_is_in_a_mask(shape: tuple[int, int]) -> None:
    """Also where a mask begins in a later band, and where a row is longer than one."""
    rng = np.random.default_rng(1)
    regions = rng.integers(0, 900, shape).astype(np.uint16)
    outside, inside = rng.random((2, 900)).astype(np.float32)
    mask = rng.random(shape) > 0.5
    mask[:1] = False
    told = spread_inside_and_outside(outside, inside, regions, mask)
    np.testing.assert_array_equal(told, np.where(mask, inside[regions], outside[regions]))
