"""The example package of docs/own-model.md: installed, it is a model like any other."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tamis.arrays import ImageArray, MaskArray

PACKAGE = Path(__file__).parent.parent / "examples" / "own_model"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package and what pip says of it."""
    place = tmp_path_factory.mktemp("installed")
    options = ["-q", "--disable-pip-version-check", "--no-deps", "--target", str(place)]
    command = [sys.executable, "-m", "pip", "install", *options, str(PACKAGE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and "onnection" in done.stderr:
        pytest.skip("building a package needs its tools from PyPI")
    assert done.returncode == 0, done.stderr
    return place


def _run(installed: Path, *arguments: object) -> str:
    path = os.pathsep.join(filter(None, [str(installed), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", "tamis", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path}, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_is_listed_and_answers(
    installed: Path, save: Callable[..., Path], scene: tuple[ImageArray, MaskArray], tmp_path: Path
) -> None:
    disc = scene[1]
    photograph = save("photo.png", np.where(disc[..., None], 200, 40).astype(np.uint8).repeat(3, axis=2))
    assert "brightness" in _run(installed, "models")
    told = json.loads(_run(installed, "click", photograph, "--at", "40,50", "--model", "brightness", "--json"))
    assert told["area"] == np.count_nonzero(disc)
    boxed = json.loads(_run(installed, "click", photograph, "--box", "15,25,65,75", "--model", "brightness", "--json"))
    assert boxed["area"] == np.count_nonzero(disc[25:75, 15:65])
    out = tmp_path / "masks"
    _run(installed, "segment", photograph, "--out", out, "--model", "brightness", "--grid", 4, "--format", "coco")
    areas = [each["area"] for each in json.loads((out / "coco.json").read_text())["annotations"]]
    assert np.count_nonzero(disc) in areas
