import copy
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

from torch import Tensor, nn  # noqa: E402

from tamis.training.export import export_pixel_corrections  # noqa: E402
from tamis.training.networks import folded  # noqa: E402
from tamis.training.pixel_correction_network import PixelCorrectionNetwork, PixelCorrectionShape  # noqa: E402
from tamis.training.whole_numbers import (  # noqa: E402
    MOST,
    Bytes,
    RoundedConvolution,
    are_whole,
    in_whole_numbers,
)

SHAPE = PixelCorrectionShape(features=5, widths=(8, 8, 8, 8))


def inputs(height: int, width: int, seed: int) -> tuple[Tensor, ...]:
    """What the network is fed, of every kind as much as there is of it in an image."""
    chance = torch.Generator().manual_seed(seed)

    def numbers(channels: int, stride: int) -> Tensor:
        drawn: Tensor = torch.rand(1, channels, height // stride, width // stride, generator=chance)
        return drawn

    clicks = (numbers(3, 1) > 0.98).float()
    return numbers(3, 1), 2 * numbers(2, 1) - 1, clicks, 6 * numbers(1, 2) - 3, 4 * numbers(5, 4)


@pytest.fixture(scope="module")
def network() -> PixelCorrectionNetwork:
    torch.manual_seed(0)
    network = folded(PixelCorrectionNetwork(SHAPE))
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.normal_(module.weight, std=0.7 / module.weight[0].numel() ** 0.5)
    return network


@pytest.fixture(scope="module")
def rounded(network: PixelCorrectionNetwork) -> PixelCorrectionNetwork:
    found = copy.deepcopy(network)
    found.answer = in_whole_numbers(found.answer, {"leave"})
    found.train()
    with torch.no_grad():
        for seed in range(4):
            found(*inputs(96, 128, seed))
    return found.eval()


def test_bytes_stretch_over_what_is_shown_in_the_mean() -> None:
    stored = Bytes()
    for shown in ([-1.0, 0.5, 4.1], [-2.0, 6.1]):
        assert stored(torch.tensor(shown)).tolist() == torch.tensor(shown).tolist()
    told, step = stored.eval()(torch.tensor([-3.0, -1.5, 0.0, 0.5, 9.0])), (5.1 + 1.5) / 255
    torch.testing.assert_close(told, torch.tensor([-1.5, -1.5, 0, 19 * step, 5.1]), atol=step / 2, rtol=0)


def test_zero_is_always_a_byte_of_its_own() -> None:
    """As what lies outside of an image is zero."""
    stored = Bytes()
    stored(torch.tensor([2.0, 5.0]))
    assert stored.eval()(torch.zeros(3)).tolist() == [0, 0, 0]


def test_weights_are_whole_numbers_of_a_step_for_each_channel() -> None:
    convolution = nn.Conv2d(3, 5, 3)
    rounded = RoundedConvolution(convolution)
    pixel = torch.zeros(1, 3, 3, 3)
    for row in range(3):
        pixel[0, 1] = 0
        pixel[0, 1, row, 2] = 1
        weights = (rounded(pixel)[0, :, 0, 0] - convolution.bias) / rounded.steps()
        torch.testing.assert_close(weights, weights.round(), atol=1e-3, rtol=0)
        assert weights.abs().max() <= MOST + 1e-3
    assert np.iinfo(np.int16).max >= 2 * MOST * 255, "two products of a byte and a weight are added in 16 bits"


def test_rounding_changes_little(network: PixelCorrectionNetwork, rounded: PixelCorrectionNetwork) -> None:
    fed = inputs(96, 128, 9)
    with torch.no_grad():
        exact, found = network(*fed), rounded(*fed)
    assert 0 < (found - exact).abs().mean() < 0.05 * exact.std()


def test_what_is_exported_reckons_in_whole_numbers_and_says_the_same(
    rounded: PixelCorrectionNetwork, tmp_path: Path
) -> None:
    scene, corrections = export_pixel_corrections(rounded, tmp_path, {})
    stored = {each.data_type for each in onnx.load(str(corrections)).graph.initializer if np.prod(each.dims) > 64}
    assert stored == {onnx.TensorProto.INT8}
    first, second = (
        onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"]) for file in (scene, corrections)
    )
    for height, width in ((96, 128), (64, 32)):
        fed = inputs(height, width, 5)
        names = ("image", "masks", "clicks", "boundary", "features")
        given = {name: each.numpy() for name, each in zip(names, fed, strict=True)}
        seen, known = first.run(None, {name: given.pop(name) for name in ("image", "boundary", "features")})
        [told] = second.run(None, {**given, "seen": seen, "known": known})
        with torch.no_grad():
            expected = torch.sigmoid(rounded(*fed)).numpy()
        # Where a sum lies half way between two bytes, either is right.
        assert np.abs(told - expected).mean() < 1e-3


def test_weights_tell_what_they_are_of(network: PixelCorrectionNetwork, rounded: PixelCorrectionNetwork) -> None:
    assert are_whole(rounded.state_dict())
    assert not are_whole(network.state_dict())
