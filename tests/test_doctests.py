"""The examples in docstrings are right."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

from tests.conftest import WITH_TORCH

SOURCE = Path(__file__).parent.parent / "src"


def _modules() -> list[str]:
    found = [path for path in sorted(SOURCE.rglob("*.py")) if ">>> " in path.read_text(encoding="utf-8")]
    names = [".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__") for path in found]
    return [name for name in names if WITH_TORCH or not name.startswith("tamis.training")]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.torch, pytest.mark.slow] if name.startswith("tamis.training") else [])
        for name in _modules()
    ],
)
def test_the_examples_of_a_module(name: str) -> None:
    failed, _ = doctest.testmod(import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert not failed
