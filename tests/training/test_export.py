from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")
onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from tamis.regions.corrections import TOKENS  # noqa: E402
from tamis.training.correction_network import CorrectionNetwork, CorrectionShape  # noqa: E402
from tamis.training.edge_network import EdgeNetwork  # noqa: E402
from tamis.training.export import (  # noqa: E402
    OPSET,
    PIXEL_OUTPUTS,
    example_inputs,
    export_corrections,
    export_pixel_corrections,
    export_pixels,
    export_regions,
)
from tamis.training.networks import PixelNetwork, folded  # noqa: E402
from tamis.training.pixel_correction_network import PixelCorrectionNetwork, PixelCorrectionShape  # noqa: E402
from tamis.training.region_network import RegionNetwork, RegionShape  # noqa: E402
from tamis.training.regions import on_device  # noqa: E402
from tests.training.scenes import TINY  # noqa: E402


def trained_looking(network: Any) -> None:
    """Weights and statistics that no fresh network has."""
    generator = torch.Generator().manual_seed(0)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.weight.data.uniform_(0.5, 1.5, generator=generator)
            module.bias.data.normal_(0, 0.2, generator=generator)
            assert module.running_mean is not None
            assert module.running_var is not None
            module.running_mean.normal_(0, 0.2, generator=generator)
            module.running_var.uniform_(0.5, 1.5, generator=generator)


def run(file: Path, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
    return list(onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"]).run(None, inputs))


@pytest.fixture(scope="module")
def pixels() -> PixelNetwork:
    torch.manual_seed(0)
    network = PixelNetwork(TINY).eval()
    trained_looking(network)
    return network


@pytest.fixture(scope="module")
def edges() -> EdgeNetwork:
    torch.manual_seed(1)
    network = EdgeNetwork(TINY).eval()
    trained_looking(network)
    return network


@pytest.fixture(scope="module")
def exported(pixels: PixelNetwork, edges: EdgeNetwork, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("exported") / "pixels.onnx"
    export_pixels(pixels, edges, file, {"seed": "7"})
    return file


def test_folding_changes_nothing(pixels: PixelNetwork) -> None:
    image = torch.rand(1, 3, 64, 96)
    for before, after in zip(pixels(image), folded(pixels)(image), strict=True):
        torch.testing.assert_close(before, after, rtol=1e-4, atol=1e-4)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in folded(pixels).modules())


def test_exported_pixels_agree_to_a_thousandth_in_probability_at_any_size(
    pixels: PixelNetwork, edges: EdgeNetwork, exported: Path
) -> None:
    for height, width in ((64, 96), (160, 128), (32, 32)):
        image = torch.rand(1, 3, height, width)
        with torch.no_grad():
            outputs, drawn = pixels(image), edges(pixels.features(image)).fine
        expected = {**outputs._asdict(), "bias": outputs.bias + pixels.margin, "edges": drawn}
        for name, value in zip(PIXEL_OUTPUTS, run(exported, {"image": image.numpy()}), strict=True):
            exact = expected[name].detach().numpy()
            if name in ("boundary", "bias", "edges"):
                value, exact = 1 / (1 + np.exp(-value)), 1 / (1 + np.exp(-exact))
            np.testing.assert_allclose(value, exact, atol=1e-3 * max(1, np.abs(exact).max()))


def test_exported_regions_agree_to_a_thousandth_at_any_number_and_for_any_rows(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = RegionNetwork(RegionShape(width=32, heads=2, layers=2)).eval()
    torch.nn.init.normal_(network.answer.weight, std=0.1)
    torch.nn.init.normal_(network.nodes.score[2].weight)
    torch.nn.init.normal_(network.rating.clicked[2].weight, std=0.1)
    relations, regions, answers = export_regions(network, tmp_path, {})
    for count, some in ((2, [1]), (17, [3, 0, 16]), (60, list(range(60)))):
        given = example_inputs(network.shape, count)
        with torch.no_grad():
            expected = network(*on_device(given, torch.device("cpu")))
        bias = run(relations, {"pairs": given.pairs, "areas": given.areas})[0]
        alone = {name: getattr(given, name) for name in ("tokens", "areas", "nodes", "order", "ranges", "parents")}
        query, key, mass, ahead = run(regions, {**alone, "bias": bias})
        rows = {
            "query": query[:, some],
            "pairs": given.pairs[:, some],
            "inside": mass[given.common[some]],
            "own": mass[some],
        }
        told = run(answers, {**rows, "key": key, "ahead": ahead[:, some], "areas": given.areas})
        for found, logits in zip(told, (expected.answers, expected.ratings), strict=True):
            np.testing.assert_allclose(found, torch.sigmoid(logits).numpy()[:, some], atol=1e-3)


def test_exported_files_hold_notes_halved_weights_and_a_fixed_opset(exported: Path) -> None:
    model = onnx.load(str(exported))
    assert {entry.key: entry.value for entry in model.metadata_props} == {"seed": "7"}
    assert [entry.version for entry in model.opset_import if not entry.domain] == [OPSET]
    large = [w for w in model.graph.initializer if np.prod(w.dims) >= 256]
    assert large
    assert {w.data_type for w in large} == {onnx.TensorProto.FLOAT16}


def test_exported_corrections_agree_at_any_number_of_regions(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = CorrectionNetwork(CorrectionShape(features=8, width=24, layers=2)).eval()
    torch.nn.init.normal_(network.leave[1].weight, std=0.1)
    messages, corrections = export_corrections(network, tmp_path, {})
    for count in (2, 9, 40):
        answers, areas = torch.rand(3, count, count), torch.full((count,), 1 / count)
        neighbours = torch.full((count, count), 1 / count)
        tokens, features = torch.rand(1, count, TOKENS), torch.rand(count, 8)
        with torch.no_grad():
            weights = network.weights(answers, areas, neighbours)
            expected = torch.sigmoid(network(tokens, features, areas, weights)).numpy()
        fed = {"answers": answers, "areas": areas, "neighbours": neighbours}
        [told] = run(messages, {name: value.numpy() for name, value in fed.items()})
        np.testing.assert_allclose(told, weights.numpy(), atol=1e-3)
        fed = {"tokens": tokens, "features": features, "areas": areas, "weights": torch.from_numpy(told)}
        [found] = run(corrections, {name: value.numpy() for name, value in fed.items()})
        np.testing.assert_allclose(found, expected, atol=1e-3)


def test_exported_pixel_corrections_agree_at_any_size(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = PixelCorrectionNetwork(PixelCorrectionShape(features=6, widths=(8, 8, 8, 8))).eval()
    torch.nn.init.normal_(network.answer.get_parameter("leave.weight"), std=0.1)
    scene, corrections = export_pixel_corrections(network, tmp_path, {})
    for height, width in ((96, 160), (64, 32)):
        fed = {
            "image": torch.rand(1, 3, height, width),
            "masks": torch.rand(1, 2, height, width) * 2 - 1,
            "clicks": torch.randint(-1, 2, (1, 3, height, width)).float(),
            "boundary": torch.randn(1, 1, height // 2, width // 2),
            "features": torch.rand(1, 6, height // 4, width // 4),
        }
        with torch.no_grad():
            expected = torch.sigmoid(network(*fed.values())).numpy()
        given = {name: value.numpy() for name, value in fed.items()}
        seen, known = run(scene, {name: given.pop(name) for name in ("image", "boundary", "features")})
        [found] = run(corrections, {**given, "seen": seen, "known": known})
        np.testing.assert_allclose(found, expected, atol=2e-3)
