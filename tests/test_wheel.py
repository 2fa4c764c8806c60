"""What `make wheel` builds is all that a newcomer needs: an empty environment, one pip install, and it works."""

import json
import os
import subprocess
import sys
import urllib.request
import venv
import zipfile
from pathlib import Path

import pytest
from PIL import Image
from skimage import data

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", str(ROOT), "--no-deps", "-q", "-w", str(place)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and "onnection" in done.stderr:
        pytest.skip("building a wheel needs its tools from PyPI")
    assert done.returncode == 0, done.stderr
    (built,) = place.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def tamis(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command in an environment that has nothing else."""
    place = tmp_path_factory.mktemp("empty")
    venv.create(place)
    folder = place / ("Scripts" if os.name == "nt" else "bin")
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "python"), "--disable-pip-version-check", "-q"]
    constrained = [*pip, "install", "--no-compile", str(wheel), "-c", str(ROOT / "constraints.txt")]
    done = subprocess.run(constrained, capture_output=True, text=True, env=_bare(), check=False)
    if done.returncode and "onnection" in done.stderr:
        pytest.skip("installing a wheel needs its dependencies from PyPI")
    assert done.returncode == 0, done.stderr
    return folder / "tamis"


def _bare() -> dict[str, str]:
    """The environment without what leads Python to this checkout."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def _run(tamis: Path, *arguments: object, folder: Path) -> str:
    command = [str(tamis), *map(str, arguments)]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=folder, env={**_bare(), "TAMIS_CACHE": str(folder)}, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_weights_pages_and_licence_are_inside(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for wanted in (
        "tamis/weights/embedded_pixels.onnx",
        "tamis/weights/embedded.md",
        "tamis/server/web/index.html",
        "tamis/partition/web/slider.js",
        "tamis/py.typed",
    ):
        assert wanted in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not any(name.startswith(("tests/", "benchmarks/")) for name in names)


def test_a_photograph_is_segmented_and_clicked(tamis: Path, tmp_path: Path) -> None:
    Image.fromarray(data.coffee()).save(tmp_path / "coffee.png")  # type: ignore[no-untyped-call]
    assert "1 segmented" in _run(tamis, "segment", "coffee.png", "--out", "masks", folder=tmp_path)
    assert len(json.loads((tmp_path / "masks" / "coco.json").read_text())["annotations"]) > 10
    assert "area" in _run(tamis, "click", "coffee.png", "--at", "300,150", folder=tmp_path)
    assert "embedded" in _run(tamis, "models", folder=tmp_path)


def test_the_demo_makes_its_page(tamis: Path, tmp_path: Path) -> None:
    _run(tamis, "demo", "--out", "demo", folder=tmp_path)
    assert (tmp_path / "demo" / "index.html").is_file()


def test_the_annotator_serves_its_page(tamis: Path, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    Image.new("RGB", (60, 40), "green").save(tmp_path / "photos" / "a.png")
    command = [str(tamis), "annotate", "photos", "--no-browser", "--port", "0"]
    environment = {**_bare(), "TAMIS_CACHE": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = next(word for line in process.stdout for word in line.split() if word.startswith("http://"))
            with urllib.request.urlopen(address, timeout=30) as answer:
                assert b"tamis" in answer.read()
        finally:
            process.terminate()
