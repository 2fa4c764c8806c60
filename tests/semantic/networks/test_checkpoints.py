"""Checkpoints: what they hold, and what is refused."""

from pathlib import Path

import pytest
import torch
import transformers

from tamis.errors import InputError, UnavailableError
from tamis.semantic.networks.building import make_network, with_norm
from tamis.semantic.networks.checkpoints import (
    SemanticCheckpoint,
    load_trained,
    read,
    recipe_record,
    require_classes,
    save,
    weights_file,
)
from tests.semantic.networks.test_mmseg_checkpoints import official
from tests.semantic.scenes import CLASSES, SMALL

PALETTE = [[0, 0, 0], [255, 0, 0], [0, 255, 0]]


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    network = with_norm(make_network(SMALL, 3), "group")
    content = SemanticCheckpoint(recipe_record(SMALL), list(CLASSES), PALETTE, "group", 7, network.state_dict())
    save(tmp_path / "best.pt", content)
    return tmp_path / "best.pt"


def test_a_network_comes_back_with_its_classes_and_recipe(saved: Path) -> None:
    trained = load_trained(saved)
    assert (trained.classes, trained.palette, trained.count, trained.steps) == (CLASSES, PALETTE, 3, 7)
    assert trained.recipe == SMALL
    assert not trained.network.training
    for name, value in read(saved).network.items():
        assert torch.equal(value, trained.network.state_dict()[name]), name


def test_how_images_are_looked_at_may_change_and_nothing_else(saved: Path) -> None:
    looking = load_trained(saved, overrides={"mode": "slide", "stride": "20"}).recipe.inference
    assert (looking.mode, looking.window, looking.stride) == ("slide", 32, 20)
    with pytest.raises(InputError, match="--override lr: that cannot be changed here; choose one of scale, mode"):
        load_trained(saved, overrides={"lr": "1"})


def test_what_is_no_checkpoint_is_refused_and_no_code_in_it_is_run(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no checkpoint"):
        load_trained(tmp_path / "none.pt")
    cut = tmp_path / "cut.pt"
    cut.write_bytes(saved.read_bytes()[:2000])
    with pytest.raises(InputError, match=r"cut\.pt cannot be read as a checkpoint: it is cut off"):
        load_trained(cut)

    torch.save({"code": Path}, tmp_path / "code.pt")
    with pytest.raises(InputError, match="holds more than weights, which could run code"):
        load_trained(tmp_path / "code.pt")
    torch.save({"weights": torch.zeros(1)}, tmp_path / "other.pt")
    with pytest.raises(InputError, match=r"is no checkpoint of `tamis semantic train` of this version"):
        load_trained(tmp_path / "other.pt")


def test_an_official_checkpoint_needs_the_name_of_its_recipe(tmp_path: Path) -> None:
    file = tmp_path / "upernet.pth"
    torch.save({"meta": {"mmseg_version": "1.2.2"}, "state_dict": official("upernet-swin")}, file)
    with pytest.raises(InputError, match="is a checkpoint of mmsegmentation: say with --recipe what it is of"):
        load_trained(file)
    with pytest.raises(InputError, match="of another network than the recipe"):
        load_trained(file, "upernet-convnext-t", {"width": "16"})


def test_a_trained_network_of_the_hub_is_taken_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAMIS_CACHE", str(tmp_path))
    with pytest.raises(UnavailableError, match="weights of 'segformer-b0-ade' are not here: run tamis semantic pull"):
        load_trained(Path("segformer-b0-ade"))
    sizes = {
        "depths": [1] * 4,
        "hidden_sizes": [8, 8, 16, 16],
        "decoder_hidden_size": 8,
        "num_attention_heads": [1] * 4,
    }
    network = transformers.SegformerForSemanticSegmentation(transformers.SegformerConfig(num_labels=150, **sizes))
    network.save_pretrained(tmp_path / "models" / "segformer-b0-ade")
    trained = load_trained(Path("segformer-b0-ade"), overrides={"scale": "640,320"})
    assert (trained.count, trained.classes, trained.recipe.inference.scale) == (150, (), (640, 320))
    assert weights_file(Path("segformer-b0-ade")).exists()


def test_weights_that_do_not_fit_their_recipe_are_refused(saved: Path) -> None:
    content = read(saved)
    del content.network["decode_head.conv_seg.bias"]
    save(saved, content)
    with pytest.raises(InputError, match="does not fit the network of its recipe: Missing key"):
        load_trained(saved)


def test_network_and_data_speak_of_the_same_classes() -> None:
    file = Path("best.pt")
    require_classes(file, 3, CLASSES, CLASSES, "folders val")
    require_classes(file, 3, (), CLASSES, "folders val")  # an official one holds no names
    require_classes(file, 3, ("ground ", "disc", "box"), CLASSES, "folders val")  # ADE20K's 'bed '
    with pytest.raises(InputError, match=r"best\.pt knows 150 classes, but folders val has 3: choose the checkpoint"):
        require_classes(file, 150, (), CLASSES, "folders val")
    with pytest.raises(
        InputError, match=r"its class 1 is 'box', but that of folders val is 'disc' \(2 classes differ\)"
    ):
        require_classes(file, 3, ("ground", "box", "disc"), CLASSES, "folders val")
