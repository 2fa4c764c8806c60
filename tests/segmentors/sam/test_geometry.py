"""Where pixels and points go: the conventions of the originals, held against torch's own interpolation."""

import numpy as np
import pytest
import torch

from tamis.segmentors.sam.geometry import Geometry, Padded, Squashed

PLAIN = ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
PADDED, SQUASHED = Padded(1024, *PLAIN), Squashed(1024, *PLAIN)


def test_the_middle_of_a_pixel_is_the_models_whole_number() -> None:
    """Both count from pixel centres: at the square's own size pixel (row 3, column 7) is their point (7, 3)."""
    for geometry in (PADDED, SQUASHED):
        assert geometry.points(np.array([[7.5, 3.5]]), (1024, 1024)).tolist() == [[7, 3]]


def test_a_point_is_scaled_as_the_original_programs_scale_it() -> None:
    """Column and row times new size by old, before the encoder adds its half pixel."""
    point = np.array([[100.5, 200.5]])
    assert PADDED.points(point, (480, 640)).tolist() == [[160, 320]]
    np.testing.assert_allclose(SQUASHED.points(point, (480, 640)), [[160, 200 * 1024 / 480]], rtol=1e-6)


def test_padding_keeps_the_ratio_and_squashing_does_not() -> None:
    white = np.full((100, 200, 3), 255, np.uint8)
    padded, squashed = PADDED.square(white), SQUASHED.square(white)
    assert (padded[:, :512] == 255).all()
    assert (padded[:, 512:] == 0).all()
    np.testing.assert_allclose(squashed, 255, rtol=1e-5)


def test_padding_is_zero_after_normalising() -> None:
    square = Padded(64, (100, 100, 100), (50, 50, 50)).square(np.full((10, 20, 3), 200, np.uint8))
    assert square[0, 0, 0] == 2
    assert square[0, 63, 0] == 0


def test_squashing_is_torchs_bilinear_filter_with_antialiasing() -> None:
    image = np.random.default_rng(0).integers(0, 256, (300, 211, 3), dtype=np.uint8)
    theirs = torch.nn.functional.interpolate(
        torch.from_numpy(image.transpose(2, 0, 1).copy()).float()[None], (128, 128), mode="bilinear", antialias=True
    )
    np.testing.assert_allclose(Squashed(128, *PLAIN).square(image), theirs[0], atol=1e-3)


@pytest.mark.parametrize("shape", [(480, 640), (333, 123), (2000, 3000)])
def test_logits_come_back_by_torchs_bilinear_interpolation(shape: tuple[int, int]) -> None:
    low = np.random.default_rng(0).normal(size=(256, 256)).astype(np.float32)
    theirs = torch.from_numpy(low)[None, None]
    at_once = torch.nn.functional.interpolate(theirs, shape, mode="bilinear", align_corners=False)
    np.testing.assert_allclose(SQUASHED.full(low, shape), at_once[0, 0], atol=2e-4)
    square = torch.nn.functional.interpolate(theirs, (1024, 1024), mode="bilinear", align_corners=False)
    height, width = PADDED.inside(shape)
    cut = torch.nn.functional.interpolate(square[..., :height, :width], shape, mode="bilinear", align_corners=False)
    np.testing.assert_allclose(PADDED.full(low, shape), cut[0, 0], atol=2e-4)


@pytest.mark.parametrize("geometry", [PADDED, SQUASHED], ids=["padded", "squashed"])
@pytest.mark.parametrize("shape", [(480, 640), (640, 480), (1, 1), (3, 700)])
def test_a_mask_goes_into_a_model_and_comes_back(geometry: Geometry, shape: tuple[int, int]) -> None:
    logits = np.full(shape, -5, np.float32)
    logits[shape[0] // 4 :, shape[1] // 3 :] = 5
    back = geometry.full(geometry.low(logits, 256), shape) > 0
    assert (back == (logits > 0)).mean() > 0.97


@pytest.mark.parametrize("geometry", [PADDED, SQUASHED], ids=["padded", "squashed"])
def test_the_models_own_resolution_covers_the_image_and_no_padding(geometry: Geometry) -> None:
    logits = np.full((480, 640), 5, np.float32)
    own = geometry.own(geometry.low(logits, 256)[None], (480, 640))
    assert own.shape == ((1, 192, 256) if geometry is PADDED else (1, 256, 256))
    assert (own[:, :-1] > 0).all()
