"""Backbones: small ones with random weights, and what is said where weights are not here."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import transformers

from tamis.errors import InputError, UnavailableError
from tamis.semantic.networks.backbones import PatchTokens, Pyramid, centred, make_backbone
from tamis.semantic.networks.catalogue import PRETRAINED, find_pretrained

SWIN = {"embed_dim": 8, "depths": [1, 2, 1, 1], "num_heads": [1, 1, 1, 1], "window_size": 4}
VIT = {"hidden_size": 8, "num_hidden_layers": 5, "num_attention_heads": 1}


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of models."""
    monkeypatch.setenv("TAMIS_CACHE", str(tmp_path))
    return tmp_path / "models"


@pytest.mark.parametrize(
    ("name", "sizes", "channels"),
    [
        ("swin-t", SWIN, (8, 16, 32, 64)),
        ("convnext-t", {"depths": [1] * 4, "hidden_sizes": [4, 6, 8, 10]}, (4, 6, 8, 10)),
    ],
)
def test_a_pyramid_has_four_maps(name: str, sizes: dict[str, list[int]], channels: tuple[int, ...]) -> None:
    backbone = make_backbone(name, pretrained=False, sizes=sizes)
    assert isinstance(backbone, Pyramid)
    assert backbone.channels == channels
    maps = backbone(torch.randn(1, 3, 64, 96))
    assert [tuple(each.shape) for each in maps] == [
        (1, width, 16 >> i, 24 >> i) for i, width in enumerate(channels)
    ]  # fmt: skip


@pytest.mark.parametrize(("name", "patch"), [("dinov2-s", 14), ("dinov3-s", 16)])
def test_the_last_blocks_of_a_vision_transformer_give_maps_of_patch_tokens(name: str, patch: int) -> None:
    sizes = VIT | ({"intermediate_size": 16} if name == "dinov3-s" else {})
    torch.manual_seed(0)
    backbone = make_backbone(name, pretrained=False, blocks=4, sizes=sizes).eval()
    assert isinstance(backbone, PatchTokens)
    assert (backbone.channels, backbone.patch) == ((8, 8, 8, 8), patch)
    images = torch.randn(1, 3, 2 * patch, 3 * patch - 5)
    maps = backbone(images)
    assert [tuple(each.shape) for each in maps] == [(1, 8, 2, 3)] * 4
    # Two pixels before and three after: what the padding is for.
    padded = torch.nn.functional.pad(images, (2, 3, 0, 0))
    assert torch.equal(maps[-1], backbone(padded)[-1])
    # A token is normalised: zero in the mean, at least where the norm has its first scale and offset.
    assert float(maps[0].detach().mean(1).abs().max()) < 1e-5


def test_images_are_padded_on_both_sides_alike() -> None:
    assert centred(torch.ones(1, 1, 10, 14), 14).shape == (1, 1, 14, 14)
    assert centred(torch.ones(1, 1, 9, 14), 14)[0, 0, :, 0].tolist() == [0.0] * 2 + [1.0] * 9 + [0.0] * 3


def test_weights_that_are_not_here_are_told_how_to_come_here(models: Path) -> None:
    with pytest.raises(UnavailableError) as said:
        make_backbone("dinov2-b")
    assert str(said.value) == (
        "the pre-trained weights of 'dinov2-b' are not here: run tamis semantic pull dinov2-b; without a network put "
        "config.json and model.safetensors of facebook/dinov2-base at revision f9e44c814b77203eaa57a6bdbbd535f21ede1415"
        f" into {models / 'dinov2-b'}; or begin from random weights with --override pretrained=false"
    )
    with pytest.raises(UnavailableError, match="run tamis semantic pull swin-t --revision COMMIT; without"):
        make_backbone("swin-t")


def test_a_format_that_can_hold_code_is_not_read(models: Path) -> None:
    (models / "swin-t").mkdir(parents=True)
    (models / "swin-t" / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(InputError, match=r"pytorch_model\.bin: this format can hold code"):
        make_backbone("swin-t")


def test_the_weights_of_a_classifier_become_a_backbone(models: Path) -> None:
    classifier = transformers.SwinForImageClassification(transformers.SwinConfig(image_size=64, **SWIN))
    classifier.save_pretrained(models / "swin-t")
    backbone = make_backbone("swin-t", drop_path=0.2).eval()
    images = torch.randn(1, 3, 64, 64)
    hidden = classifier.eval().swin.encoder  # both see the same first block
    assert torch.equal(
        backbone.state_dict()["network.swin.encoder.layers.0.blocks.0.mlp.fc1.weight"],
        hidden.state_dict()["layers.0.blocks.0.mlp.fc1.weight"],
    )
    assert [each.shape[1] for each in backbone(images)] == [8, 16, 32, 64]
    other = transformers.ViTForImageClassification(
        transformers.ViTConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8)
    )
    other.save_pretrained(models / "convnext-t")
    with pytest.raises(
        InputError, match=r"another model's: .* parts of ConvNextBackbone are missing|holds no ConvNext"
    ):
        make_backbone("convnext-t")


def test_dinov2_weights_bring_their_own_sizes(models: Path) -> None:
    saved = transformers.Dinov2Model(transformers.Dinov2Config(image_size=28, patch_size=14, **VIT)).eval()
    saved.save_pretrained(models / "dinov2-b")
    backbone = make_backbone("dinov2-b", blocks=2).eval()
    images = torch.randn(1, 3, 28, 42)
    tokens = saved(images).last_hidden_state[:, 1:].transpose(1, 2).reshape(1, 8, 2, 3)
    torch.testing.assert_close(backbone(images)[-1], tokens)
    with pytest.raises(InputError, match="9 blocks were asked for, but the backbone has 5"):
        make_backbone("dinov2-b", blocks=9)
    saved.save_pretrained(models / "dinov2-s")
    with pytest.raises(InputError, match=r"its SHA-256 is .*, but should be ae1e99fcefd5"):
        make_backbone("dinov2-s")


def test_names_that_are_none_are_told_the_others() -> None:
    with pytest.raises(InputError, match="'resnet' is no backbone: choose one of embedded, swin-t"):
        make_backbone("resnet")
    with pytest.raises(InputError, match="'resnet' is none of the pre-trained networks: swin-t"):
        find_pretrained("resnet")
    assert all(entry.source.repository and entry.source.licence for entry in PRETRAINED.values())


def test_timm_is_asked_for_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(UnavailableError, match="the backbone timm:resnet18 needs timm: run pip install timm"):
        make_backbone("timm:resnet18")


def test_the_last_four_maps_of_a_network_of_timm(monkeypatch: pytest.MonkeyPatch) -> None:
    class Features(torch.nn.Module):
        feature_info = SimpleNamespace(channels=lambda: [2, 4, 6, 8, 10])

        def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
            return [
                images.new_zeros(1, width, 32 >> i, 32 >> i) for i, width in enumerate(self.feature_info.channels())
            ]

    def create_model(name: str, pretrained: bool, features_only: bool) -> torch.nn.Module:
        if name != "resnet18":
            raise RuntimeError(f"Unknown model ({name})")
        assert features_only
        assert not pretrained
        return Features()

    monkeypatch.setitem(sys.modules, "timm", SimpleNamespace(create_model=create_model))
    backbone = make_backbone("timm:resnet18", pretrained=False)
    assert backbone.channels == (4, 6, 8, 10)
    assert [each.shape[1] for each in backbone(torch.zeros(1, 3, 64, 64))] == [4, 6, 8, 10]
    with pytest.raises(InputError, match="timm has no backbone 'resnet' with maps of features"):
        make_backbone("timm:resnet", pretrained=False)
