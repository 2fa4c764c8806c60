"""The encoder of the model in the box, taken from the file that ships."""

import numpy as np
import pytest
import torch
from torch import Tensor

from tamis.segmentors.embedded.pixel_network import pixel_maps
from tamis.semantic.networks.pixel_backbone import MEAN, STD, PixelBackbone, unfold, with_shipped_weights


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    rng = np.random.default_rng(0)
    blocks = rng.integers(0, 256, (8, 12, 3)).repeat(8, axis=0).repeat(8, axis=1)
    return (blocks * 0.8 + rng.integers(0, 50, blocks.shape)).astype(np.uint8)


def normalised(pixels: np.ndarray) -> Tensor:
    values = (pixels.astype(np.float32) - MEAN) / STD
    return torch.from_numpy(values.transpose(2, 0, 1)[None].astype(np.float32))


def test_it_gives_the_features_of_the_shipped_model(pixels: np.ndarray) -> None:
    backbone = with_shipped_weights(PixelBackbone()).eval()
    with torch.no_grad():
        [features] = backbone(normalised(pixels))
    np.testing.assert_allclose(features[0].numpy(), pixel_maps(pixels).features, atol=2e-4)


def test_unfolding_the_norms_changes_nothing(pixels: np.ndarray) -> None:
    backbone = with_shipped_weights(PixelBackbone()).eval()
    images = torch.cat([normalised(pixels), normalised(pixels[:, ::-1].copy())])
    with torch.no_grad():
        [before] = backbone(images)
        unfold(backbone, images)
        torch.testing.assert_close(backbone(images)[0], before, atol=2e-4, rtol=1e-3)
        # In training a norm uses its batch's own statistics, which are these.
        torch.testing.assert_close(backbone.train()(images)[0], before, atol=2e-3, rtol=1e-2)
    first = dict(backbone.network.encoder.stem.named_buffers())["1.running_mean"]
    assert float(first.abs().max()) > 1e-3


def test_sides_need_not_be_multiples_of_32(pixels: np.ndarray) -> None:
    backbone = PixelBackbone().eval()
    with torch.no_grad():
        assert backbone(normalised(pixels[:45, :70]))[0].shape == (1, 64, 12, 18)


def test_depths_rise_from_the_first_stage_to_the_pyramid() -> None:
    backbone = PixelBackbone()
    depths = [backbone.depth_of(name) for name, _ in backbone.named_parameters()]
    assert depths == sorted(depths)
    assert (depths[0], depths[-1]) == (0, backbone.depth) == (0, 8)
