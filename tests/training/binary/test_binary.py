"""The supervised baseline of one concept: torchvision's network and loss, the recipe, and its table."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

pytest.importorskip("torch")
import torch

from tamis.cli.main import cli
from tamis.errors import InputError
from tamis.training.binary.measure import focal_loss, measured
from tamis.training.binary.network import BinaryNetwork, load_start

pytestmark = pytest.mark.torch


def test_the_network_is_that_of_torchvision() -> None:
    """Logits of torchvision 0.28's deeplabv3_mobilenet_v3_large with the same weights and image."""
    network = BinaryNetwork().eval()
    with torch.no_grad():
        for number, (name, value) in enumerate(sorted(network.state_dict().items())):
            if value.is_floating_point():
                wave = torch.sin(torch.arange(value.numel()) * 0.7 + number).reshape(value.shape)
                scale = (2 / max(1, value[0].numel() if value.ndim > 1 else 1)) ** 0.5
                norm = name.endswith(("running_var", "weight")) and value.ndim == 1
                value.copy_(1 + wave / 4 if norm else wave * scale)
        image = torch.sin(torch.arange(3 * 33 * 49) * 0.01).reshape(1, 3, 33, 49)
        logits = network(image)[0, 0]
    told = [logits[0, 0], logits[16, 24], logits[32, 48], logits.mean(), logits.std()]
    np.testing.assert_allclose(told, [12.82673, 12.0948, 11.91474, 15.58576, 3.4103], rtol=1e-3)


def test_the_loss_is_that_of_torchvision() -> None:
    """The mean of `sigmoid_focal_loss` of 0.28 for these numbers."""
    logits, wanted = torch.tensor([-2.0, 0.0, 3.0, 1.0]), torch.tensor([0.0, 1.0, 1.0, 0.0])
    assert float(focal_loss(logits, wanted)) == pytest.approx(0.1428, abs=1e-4)


def test_the_table_of_one_image() -> None:
    wanted = np.array([[True, False]])
    found = measured(torch.tensor([[4.0, -2.0]]), wanted)
    assert (found.mae, found.mse, found.iou) == (2.5, 6.5, 1.0)
    assert found.mae_probability == pytest.approx((1 - 1 / (1 + np.exp(-4)) + 1 / (1 + np.exp(2))) / 2, abs=1e-6)


def test_a_start_has_21_classes_and_another_network_is_none(tmp_path: Path) -> None:
    network = BinaryNetwork()
    state = network.state_dict()
    many = {**state, "classifier.4.weight": torch.zeros(21, 256, 1, 1), "classifier.4.bias": torch.zeros(21)}
    first = torch.ones_like(many["backbone.0.0.weight"])
    torch.save({**many, "backbone.0.0.weight": first, "aux_classifier.0.weight": first}, tmp_path / "coco.pth")
    load_start(network, tmp_path / "coco.pth")
    assert torch.equal(network.state_dict()["backbone.0.0.weight"], first)
    assert network.state_dict()["classifier.4.weight"].shape == (1, 256, 1, 1)
    torch.save({"a": first}, tmp_path / "other.pth")
    (tmp_path / "text.pth").write_text("no")
    for name, problem in (("other", "is no checkpoint"), ("text", "is no checkpoint"), ("none", "no such file")):
        with pytest.raises(InputError, match=problem):
            load_start(network, tmp_path / f"{name}.pth")


@pytest.fixture
def discs(tmp_path: Path) -> Path:
    """Six bright discs on dark ground."""
    root = tmp_path / "discs"
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
    rows, columns = np.mgrid[:40, :48]
    for number in range(6):
        disc = (rows - 20) ** 2 + (columns - 14 - 4 * number) ** 2 < 81
        Image.fromarray(np.where(disc[..., None], (220, 200, 60), (30, 40, 60)).astype(np.uint8)).save(
            root / "images" / f"{number}.png"
        )
        Image.fromarray(disc).save(root / "masks" / f"{number}.png")
    return root


def test_training_measuring_and_resuming(discs: Path, tmp_path: Path) -> None:
    data = ("--data", f"folder-binary={discs}", "--test", f"folder-binary={discs}:val10")
    small = ("--size", "32", "--batch", "4", "--device", "cpu")

    def train(out: str, *more: str) -> str:
        told = CliRunner().invoke(cli, ["train", "binary", *data, *small, "--out", str(tmp_path / out), *more])
        assert told.exit_code == 0, told.output
        return told.output

    output = train("whole", "--epochs", "2")
    assert "from scratch" in output
    assert "at actual size" in output
    train("parts", "--epochs", "1")
    train("parts", "--epochs", "2", "--resume")
    losses = [(tmp_path / out / "metrics.csv").read_text() for out in ("whole", "parts")]
    assert losses[0] == losses[1]
    per_epoch = json.loads((tmp_path / "whole" / "run.json").read_text())["settings"]["images"][0] // 4
    train("steps", "--steps", f"{per_epoch + 1}")
    rows = (tmp_path / "steps" / "metrics.csv").read_text().splitlines()
    assert (rows[1], len(rows)) == (losses[0].splitlines()[1], 3)
    told = json.loads((tmp_path / "whole" / "test.json").read_text())
    assert told["images"] == 1
    assert set(told["mean"]) == {"square", "actual", "whole"}
    assert (tmp_path / "whole" / "masks" / "0.png").is_file()


def test_a_light_head_on_the_model_in_the_box(discs: Path, tmp_path: Path) -> None:
    data = ["--data", f"folder-binary={discs}:train90", "--test", f"folder-binary={discs}:val10"]
    told = CliRunner().invoke(cli, ["train", "binary", "--model", "regions", *data, "--out", str(tmp_path / "run")])
    assert told.exit_code == 0, told.output
    assert json.loads((tmp_path / "run" / "test.json").read_text())["mean"]["actual"]["iou"] > 0.8


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        (["--batch", "42"], "6 images are fewer than a batch of 42"),
        (["--batch", "2", "--resume"], "is not there; leave out --resume"),
        (["--start", "none.pth"], "--start none.pth: there is no such file"),
    ],
)
def test_bad_input_is_one_sentence(more: list[str], problem: str, discs: Path, tmp_path: Path) -> None:
    data = [f"folder-binary={discs}"] * 2
    arguments = ["train", "binary", "--data", data[0], "--test", data[1], "--out", str(tmp_path / "run"), *more]
    told = CliRunner().invoke(cli, arguments)
    assert problem in str(told.exception or told.output)
