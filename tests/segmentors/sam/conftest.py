"""A cache of its own for every test, and one small model of every family in it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tamis.hub.folder import folder_of

MAKERS = {
    "sam-vit-base": "sam",
    "sam-hq-vit-base": "sam_hq",
    "sam2.1-tiny": "sam2",
    "sam3-tracker": "sam3",
    "edgetam": "edgetam",
}
"""The function in `tiny` for a name of each family."""


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TAMIS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def placed(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Put a small model where the real one of that name belongs."""
    return lambda name: place(name, monkeypatch)


def place(name: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a small model into the cache under the name of a real one, whose checksum counts no longer."""
    from tamis.segmentors.sam import catalogue
    from tests.segmentors.sam import tiny

    unpinned = tuple(replace(model, sha256="") if model.name == name else model for model in catalogue.MODELS)
    monkeypatch.setattr(catalogue, "MODELS", unpinned)
    return tiny.write(getattr(tiny, MAKERS[name])(), folder_of(name))
