"""`tamis semantic train`, `evaluate` and `predict`, from one end to the other."""

import json
import re
from importlib.util import find_spec
from pathlib import Path

import pytest
from click.testing import CliRunner

from tamis.cli.main import cli, main

if not (find_spec("torch") and find_spec("transformers")):
    pytest.skip("needs torch and transformers", allow_module_level=True)

from tests.semantic.scenes import write_scenes

QUICK = "steps=2 warmup=1 crop=32 scale=64,48 batch=2 per_device=2 width=8 half=false validate_every=2 save_every=2"


def test_training_measuring_and_predicting(tmp_path: Path) -> None:
    root, run = write_scenes(tmp_path / "scenes"), tmp_path / "run"
    overrides = [part for each in QUICK.split() for part in ("--override", each)]
    trained = CliRunner().invoke(
        cli, ["semantic", "train", "--recipe", "small", "--data", str(root), "--out", str(run), "--quiet", *overrides]
    )
    assert trained.exit_code == 0, trained.output
    assert f"weights: {run / 'best.pt'}" in trained.output
    assert "batch: 2 images for every step" in trained.stderr
    shown = CliRunner().invoke(cli, ["semantic", "evaluate", str(run / "best.pt"), "--data", str(root), "--quiet"])
    assert re.search(r"^disc +IoU", shown.output, re.MULTILINE)
    assert "on folders val, 3 images; look at" in shown.output
    assert json.loads((run / "best-val" / "semantic.json").read_text())["images"] == 3
    image = root / "images" / "val" / "0.png"
    predicted = CliRunner().invoke(
        cli, ["semantic", "predict", str(run / "best.pt"), str(image), "--out", str(tmp_path / "out")]
    )
    assert predicted.exit_code == 0, predicted.output
    assert (tmp_path / "out" / "0.png").exists()


def test_recipes_and_weights_are_listed() -> None:
    assert "upernet-swin-t" in CliRunner().invoke(cli, ["semantic", "recipes"]).output
    shown = CliRunner().invoke(cli, ["semantic", "recipes", "knet-swin-l"])
    assert re.search(r"^milestones +\(60000, 72000\)$", shown.output, re.MULTILINE)
    assert "facebook/dinov2-base" in CliRunner().invoke(cli, ["semantic", "pull"]).output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["train", "--recipe", "big"], "'big' is no recipe: choose one of knet-swin-l"),
        (["train", "--recipe", "small", "--override", "steps"], "--override steps: write NAME=VALUE"),
        (
            ["train", "--recipe", "knet-swin-l"],
            "the pre-trained weights of 'swin-l' are not here: run tamis semantic pull",
        ),
        (["evaluate", "none.pt"], "there is no checkpoint none.pt"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("TAMIS_CACHE", str(tmp_path / "cache"))
    root = write_scenes(tmp_path / "scenes")
    with pytest.raises(SystemExit) as stopped:
        main(["semantic", *arguments, "--data", str(root), "--out", str(tmp_path / "out")])
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith(f"tamis: {said}")
    assert error.count("\n") == 1
