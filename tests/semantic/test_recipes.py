"""Recipes hold the published settings, and what a person changes is checked."""

from dataclasses import replace

import pytest

from tamis.errors import InputError
from tamis.semantic.data.pipeline import RandomShortSide
from tamis.semantic.networks.building import chosen_norm, make_network
from tamis.semantic.networks.checkpoints import recipe_record
from tamis.semantic.networks.network import Decoded
from tamis.semantic.recipes import RECIPES, Recipe, find_recipe, from_record, overridden
from tamis.semantic.schedules import rate_at

PYRAMID = {"depths": [1, 1, 1, 1], "hidden_sizes": [8, 8, 12, 12]}
SWIN = {"embed_dim": 8, "depths": [1, 1, 1, 1], "num_heads": [1, 1, 1, 1], "window_size": 4}
VIT = {"hidden_size": 8, "num_hidden_layers": 5, "num_attention_heads": 1}


def test_published_figures_are_of_sixteen_images_whatever_the_hardware() -> None:
    for recipe in RECIPES.values():
        assert recipe.batch == (8 if recipe.name.startswith("small") else 16), recipe.name


def test_rates_of_knet_and_mask2former_at_some_steps() -> None:
    knet = RECIPES["knet-swin-l"]
    rates = [rate_at(knet.course, knet.lr, step) for step in (0, 999, 60_999, 61_000, 73_000)]
    assert rates == pytest.approx([6e-8, 6e-5, 6e-5, 6e-6, 6e-7])
    mask2former = RECIPES["mask2former-swin-s"]
    assert rate_at(mask2former.course, mask2former.lr, 80_000) == pytest.approx(1e-4 * 0.5**0.9, rel=1e-4)
    assert isinstance(mask2former.transform.resize, RandomShortSide)
    assert (mask2former.clip, mask2former.backbone_rate, mask2former.inference.divisor) == (0.01, 0.1, 32)


def test_dinov2_is_looked_at_through_windows_or_padded_as_mmsegmentation_does() -> None:
    own = find_recipe("dinov2-linear")
    assert (own.frozen, own.blocks, own.lr, own.inference.mode, own.inference.stride) == (True, 1, 1e-3, "slide", 341)
    other = find_recipe("dinov2-ms", {"crop": "518", "mode": "whole", "divisor": "14"})
    assert (other.blocks, other.transform.crop, other.inference.divisor) == (4, (518, 518), 14)


def test_a_quarter_of_the_data_takes_a_quarter_of_the_steps() -> None:
    assert find_recipe("ade20k-ds4-knet-swin-l").milestones == (15_000, 18_000)
    assert find_recipe("ade20k-ds4-upernet-swin-t").steps == 40_000


def test_fields_are_changed_by_text_of_their_kind() -> None:
    changed = find_recipe(
        "knet-swin-l", {"steps": "2000", "milestones": "1500,1800", "lr": "1e-4", "pretrained": "false",
                        "mode": "slide", "scale": "640,480"}
    )  # fmt: skip
    assert (changed.steps, changed.milestones, changed.lr, changed.pretrained) == (2000, (1500, 1800), 1e-4, False)
    assert (changed.inference.mode, changed.inference.scale) == ("slide", (640, 480))


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        ("stepz", "1", "cannot be changed here; choose one of head, backbone"),
        ("steps", "1.5", "write a whole number"),
        ("lr", "much", "write a number"),
        ("half", "yes", "write true or false"),
        ("mode", "tiles", "choose one of whole, slide"),
        ("scale", "640", "write 2 numbers with commas"),
        ("name", "mine", "cannot be changed here"),
    ],
)
def test_a_change_that_makes_no_sense_is_refused(field: str, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        find_recipe("small", {field: text})
    with pytest.raises(InputError, match="choose one of scale, mode"):
        overridden(RECIPES["small"], {"lr": "1"}, only=("scale", "mode"))


def test_an_unknown_recipe_is_told_the_known_ones() -> None:
    with pytest.raises(InputError, match="'knet' is no recipe: choose one of knet-swin-l, mask2former-swin-s"):
        find_recipe("knet")


def test_a_recipe_survives_its_record() -> None:
    for recipe in RECIPES.values():
        assert from_record(recipe_record(recipe)) == recipe
    with pytest.raises(InputError, match="of another version of tamis"):
        from_record({"name": "old", "shape": 3})


@pytest.mark.parametrize(
    ("recipe", "parts"),
    [
        (replace(RECIPES["knet-swin-l"], sizes=SWIN, width=16), "KNetHead FCNHead"),
        (replace(RECIPES["upernet-convnext-t"], sizes=PYRAMID, width=16), "UPerHead FCNHead"),
        (replace(RECIPES["dinov2-ms"], sizes=VIT), "LinearHead NoneType"),
        (replace(RECIPES["small"], backbone="convnext-t", sizes=PYRAMID), "ConvolutionalHead NoneType"),
    ],
    ids=lambda value: value.name if isinstance(value, Recipe) else "",
)
def test_a_recipe_makes_its_network(recipe: Recipe, parts: str) -> None:
    network = make_network(recipe, 5, pretrained=False)
    assert isinstance(network, Decoded)
    assert f"{type(network.decode_head).__name__} {type(network.auxiliary_head).__name__}" == parts
    assert network.backbone.frozen == recipe.frozen


def test_a_head_that_does_not_fit_its_backbone_is_refused() -> None:
    with pytest.raises(InputError, match="'upernet' needs four maps, but 'dinov2-b' gives 1"):
        make_network(replace(RECIPES["dinov2-linear"], head="upernet", sizes=VIT), 5, pretrained=False)
    with pytest.raises(InputError, match="'segformer-b0-ade' is a whole network, not a backbone"):
        make_network(replace(RECIPES["small"], backbone="segformer-b0-ade"), 5)


@pytest.mark.parametrize(
    ("norm", "together", "kind", "said"),
    [
        ("auto", 16, "batch", "norms: batch statistics of 16 images at once"),
        ("auto", 2, "group", "since 2 images at once give too rough statistics"),
        ("batch", 2, "batch", "norms: batch statistics of 2 images at once"),
        ("frozen", 2, "frozen", "frozen statistics"),
    ],
)
def test_what_norms_do_follows_from_the_images_at_once(norm: str, together: int, kind: str, said: str) -> None:
    recipe = find_recipe("small", {"norm": norm, "backbone": "convnext-t"})
    network = make_network(replace(recipe, sizes=PYRAMID), 3)
    chosen, sentence = chosen_norm(recipe, network, together)
    assert chosen == kind
    assert said in sentence
