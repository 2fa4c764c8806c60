"""A dataset and a part of it in one word."""

from pathlib import Path

import pytest

from tamis.datasets.places import parse_place
from tamis.errors import InputError


def test_places_may_name_a_split(tmp_path: Path) -> None:
    assert parse_place("duts=data/duts:train90", "--data") == ("duts", Path("data/duts"), "train90")
    assert parse_place("duts=data/duts", "--data") == ("duts", Path("data/duts"), None)
    assert parse_place("duts=data/duts:", "--data") == ("duts", Path("data/duts"), "")
    odd = tmp_path / "a:b"
    odd.mkdir()
    assert parse_place(f"duts={odd}", "--data") == ("duts", odd, None)


@pytest.mark.parametrize("text", ["duts", "=x", "duts="])
def test_anything_else_is_told(text: str) -> None:
    with pytest.raises(InputError, match=r"--train .*: write NAME=ROOT"):
        parse_place(text, "--train")
