import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from tamis.datasets.synthetic import write_synthetic
from tests.datasets.web import Site, serving


@pytest.fixture
def site() -> Iterator[Site]:
    with serving(Site()) as site:
        yield site


@pytest.fixture(scope="session")
def archives(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Three scenes of HyperSim as archives, each with a large file that nobody needs."""
    root = tmp_path_factory.mktemp("hypersim") / "set"
    write_synthetic("hypersim", root, scenes=3)
    noise = np.random.default_rng(0).bytes(3_000_000)
    found = {}
    for scene in sorted(root.iterdir()):
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"{scene.name}/_detail/mesh.bin", noise)
            for path in sorted(scene.rglob("*.*")):
                archive.write(path, path.relative_to(root))
            archive.writestr(f"{scene.name}/_detail/more.bin", noise)
        found[f"{scene.name}.zip"] = content.getvalue()
    return found


@pytest.fixture
def synthetic(tmp_path: Path) -> Callable[..., Path]:
    """Write a synthetic dataset: synthetic("sbd") → its root."""

    def write(name: str, *arguments: object, **options: object) -> Path:
        root = tmp_path / name
        write_synthetic(name, root, *arguments, **options)  # type: ignore[arg-type]
        return root

    return write
