"""`tamis train segnext`, `tamis research` and click tools by name: what is said where something is missing."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from tamis.cli.main import cli
from tamis.errors import TamisError


def said(*arguments: str) -> str:
    """The sentence of the error that a command ends with."""
    result = CliRunner().invoke(cli, list(arguments))
    assert isinstance(result.exception, TamisError), result.output
    return str(result.exception)


def test_recipes_and_experiments_are_listed() -> None:
    recipes = CliRunner().invoke(cli, ["train", "segnext", "--list-recipes"]).output
    assert "segnext-sax2-1024: SegNext SAx2 on COCO+LVIS" in recipes
    studies = CliRunner().invoke(cli, ["research"]).output
    assert "tta: test-time geometry does not help" in studies
    assert "losses (trains): " in studies


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train", "segnext"], "--out: name the folder"),
        (["train", "segnext", "--out", "x"], "--data: name a dataset"),
        (["train", "segnext", "--out", "x", "--epochs-table"], "no epoch was measured"),
        (["train", "segnext", "--out", "x", "--data", "a=b", "--recipe", "smal"], "did you mean 'small'"),
        (["train", "segnext", "--out", "x", "--data", "a=b", "--set", "epoch=1"], "did you mean 'epochs'"),
        (["research", "tta"], "--data: name the dataset"),
        (["research", "tta", "--data", "duts=x"], "--out: name the folder"),
        (["research", "tata"], "did you mean 'tta'"),
        (
            ["click", "x.png", "--at", "1,1", "--model", "segnext:nowhere.pth"],
            "nowhere.pth: there is no such checkpoint",
        ),
        (["click", "x.png", "--at", "1,1", "--model", "ritm"], "say which checkpoint"),
        (["models", "export", "ritm:a.pth"], "--out: name the folder"),
    ],
)
def test_what_is_missing_is_said_in_a_sentence(
    arguments: list[str], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if "x.png" in arguments:
        from PIL import Image

        Image.new("RGB", (8, 8)).save("x.png")
    assert sentence in said(*arguments)


def test_a_start_is_asked_for(tmp_path: Path) -> None:
    from PIL import Image

    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
        Image.new("L" if folder == "masks" else "RGB", (40, 40), 1).save(tmp_path / folder / "a.png")
    place = f"folder={tmp_path}:"
    text = said(
        "train", "segnext", "--recipe", "one-click-positive-512", "--data", place, "--out", str(tmp_path / "run")
    )
    assert "name the file with --start; from random weights it would lose tens of points" in text
