"""Whole, slide, several scales, padding: mmsegmentation's rules."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tamis.errors import InputError
from tamis.semantic.data.pipeline import validation_resize
from tamis.semantic.data.transforms import normalise
from tamis.semantic.inference import (
    SEVERAL_SCALES,
    InferenceSettings,
    logits_of,
    predict,
    scores_of,
    slide,
    whole,
    window_starts,
)
from tamis.semantic.networks.mmseg_checkpoints import load_into
from tests.semantic.networks.test_mmseg_checkpoints import official, ours

CPU = torch.device("cpu")


class Patches(nn.Module):
    """A filter on patches and a classifier with given weights: the golden network."""

    def __init__(self, values: dict[str, Tensor], patch: int = 14) -> None:
        super().__init__()
        self.values = values
        self.patch = patch

    def forward(self, images: Tensor) -> Tensor:
        given = self.values
        tokens = F.conv2d(images, given["backbone_proj_weight"], given["backbone_proj_bias"], stride=self.patch)
        return F.conv2d(tokens, given["decode_head_conv_seg_weight"], given["decode_head_conv_seg_bias"])


class Colours(nn.Module):
    """Three classes, whose logits are the channels."""

    def forward(self, images: Tensor) -> Tensor:
        return F.avg_pool2d(images, 4, ceil_mode=True)


@pytest.mark.data
def test_the_prediction_of_a_fixed_head_is_mmsegmentations_pixel_for_pixel(golden: Path) -> None:
    place = golden / "mmseg" / "a"
    model = np.load(place / "model.npz")
    network = Patches({name: torch.from_numpy(model[name]) for name in model if "_weight" in name or "_bias" in name})
    image = np.load(place / "loaded.npz")["img"]
    inputs = np.load(place / "test.npz")["inputs"]
    np.testing.assert_allclose(network(torch.from_numpy(inputs)).numpy(), model["test_low_logits"], atol=1e-5)
    assert np.array_equal(predict(network, image, InferenceSettings(divisor=14), CPU), model["pred"][0])


@pytest.mark.parametrize(
    ("length", "window", "stride", "starts"),
    [(512, 512, 341, [0]), (513, 512, 341, [0, 1]), (853, 512, 341, [0, 341]), (854, 512, 341, [0, 341, 342]),
     (300, 512, 341, [0]), (683, 640, 426, [0, 43])],
)  # fmt: skip
def test_the_last_window_is_moved_back_inside(length: int, window: int, stride: int, starts: list[int]) -> None:
    assert window_starts(length, window, stride) == starts


def test_where_windows_overlap_the_mean_of_their_logits_counts() -> None:
    torch.manual_seed(0)
    images = torch.randn(1, 3, 40, 56)
    network = nn.Conv2d(3, 2, 5, padding=2)
    total, seen = np.zeros((2, 40, 56)), np.zeros((40, 56))
    with torch.no_grad():
        for top in (0, 8):
            for left in (0, 20, 24):
                part = images[:, :, top : top + 32, left : left + 32]
                total[:, top : top + 32, left : left + 32] += network(part)[0].numpy()
                seen[top : top + 32, left : left + 32] += 1
        np.testing.assert_allclose(slide(network, images, 32, 20)[0].numpy(), total / seen, atol=1e-5)
        one_window = slide(network, images, 64, 32)
        assert torch.allclose(one_window, whole(network, images))


def test_windows_and_the_whole_give_what_mmsegmentation_gives() -> None:
    """`golden/mmseg_slide.npz`: every fifth pixel of the logits of its `inference`, by windows of 64 and whole."""
    golden = np.load(Path(__file__).parent / "golden" / "mmseg_slide.npz")
    network = ours("upernet-swin")
    load_into(network, official("upernet-swin"))
    images = torch.from_numpy(np.random.default_rng(9).normal(0, 1, (1, 3, 100, 150)).astype(np.float32))
    with torch.no_grad():
        for name, found in (("slide", slide(network, images, 64, 40)), ("whole", whole(network, images))):
            np.testing.assert_allclose(found[:, :, ::5, ::5].numpy(), golden[name], atol=2e-5)


def test_windows_that_leave_gaps_are_refused() -> None:
    with pytest.raises(InputError, match="stride of 40 for windows of 32 pixels leaves gaps"):
        slide(Colours(), torch.zeros(1, 3, 64, 64), 32, 40)


def test_padding_never_reaches_the_answer() -> None:
    image = np.random.default_rng(0).integers(0, 256, (37, 50, 3), dtype=np.uint8)
    small = InferenceSettings(scale=(50, 37))
    plain = logits_of(nn.Identity(), image, small, CPU)
    padded = logits_of(nn.Identity(), image, InferenceSettings(scale=(50, 37), divisor=32), CPU)
    assert plain.shape == (3, 37, 50)
    assert torch.equal(plain, padded)


def test_several_scales_are_of_the_original_image_and_their_shares_are_averaged() -> None:
    image = np.random.default_rng(1).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    network = Colours()
    total = torch.zeros(3, 60, 80)
    for factor in SEVERAL_SCALES:
        seen = validation_resize(image, (round(80 * factor), round(60 * factor)))
        for mirrored in (False, True):
            pixels = torch.from_numpy(normalise(np.ascontiguousarray(seen[:, ::-1]) if mirrored else seen))[None]
            logits = F.interpolate(network(pixels), pixels.shape[-2:], mode="bilinear")
            logits = F.interpolate(logits, (60, 80), mode="bilinear")[0]
            total += (logits.flip(-1) if mirrored else logits).softmax(0)
    found = scores_of(network, image, InferenceSettings(several=True), CPU)
    torch.testing.assert_close(found, total / 12, atol=1e-5, rtol=0)
    assert torch.allclose(found.sum(0), torch.ones(60, 80))
