"""What is read back from the weights in the package is what they were made of."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402

from tamis.segmentors.embedded.weights import weights_of  # noqa: E402
from tamis.training.correction_network import CorrectionNetwork  # noqa: E402
from tamis.training.export import export_corrections, export_regions  # noqa: E402
from tamis.training.region_network import RegionNetwork  # noqa: E402
from tamis.training.shipped import shipped_corrections, shipped_regions  # noqa: E402

REGIONS = 41
SIDES = {"regions": REGIONS, "nodes": 2 * REGIONS - 1, "rows": 7}


def told(weights: bytes) -> list[np.ndarray]:
    """What a network says of the same random numbers."""
    session = onnxruntime.InferenceSession(weights, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(0)
    fed = {}
    for each in session.get_inputs():
        shape = [SIDES.get(side, side) for side in each.shape]
        whole = "int" in each.type
        fed[each.name] = rng.integers(REGIONS, size=shape) if whole else rng.random(shape, dtype=np.float32)
    said: list[np.ndarray] = session.run(None, fed)
    return said


@pytest.mark.parametrize(
    ("read", "network", "export"),
    [
        (shipped_regions, RegionNetwork, export_regions),
        (shipped_corrections, CorrectionNetwork, export_corrections),
    ],
)
def test_exported_again_they_say_the_same(
    read: Callable[[], dict[str, Tensor]],
    network: Callable[[], nn.Module],
    export: Callable[[nn.Module, Path, dict[str, str]], list[Path]],
    tmp_path: Path,
) -> None:
    restored = network()
    restored.load_state_dict(read())
    for file in export(restored, tmp_path, {}):
        part = file.stem.removeprefix("embedded_")
        for before, after in zip(told(weights_of(part)), told(file.read_bytes()), strict=True):
            np.testing.assert_allclose(after, before, atol=1e-6)
