"""Recipes, one file each, and how they are changed."""

import pytest

from tamis.errors import InputError
from tamis.segmentors.plain_vit.network import SHAPES
from tamis.training.click_tools.recipe import find_recipe, from_record, recipe_names


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_can_be_read(name: str) -> None:
    recipe = find_recipe(name)
    assert recipe.network in SHAPES
    assert recipe.terms
    assert recipe.summary
    assert from_record(recipe.record()) == recipe


def test_the_researchs_experiments_are_there() -> None:
    assert {
        "segnext-sax2-1024",
        "one-click-positive-1024",
        "one-click-positive-512",
        "one-click-posneg-512",
        "hq44k-finetune",
        "lovasz-512",
        "soft-iou-512",
        "level-lines-512",
    } < set(recipe_names())
    published = find_recipe("segnext-sax2-1024")
    assert (published.steps_per_epoch, published.epochs, published.batch) == (1875, 100, 16)
    assert [published.rate(epoch) for epoch in (0, 49, 50, 89, 90)] == pytest.approx([5e-5, 5e-5, 5e-6, 5e-6, 5e-7])
    kept = [epoch for epoch in range(100) if published.keeps(epoch)]
    assert kept == [0, 10, 20, 30, 40, 50, 60, 70, 80, *range(90, 100)]
    assert find_recipe("one-click-posneg-512").negative == 0.5
    assert find_recipe("hq44k-finetune").start == "network"


def test_fields_are_set_by_their_kind() -> None:
    recipe = find_recipe("small", ["epochs=3", "half=true", "milestones=1,2", "loss=focal=1,level=.5", "lr=1e-3"])
    assert (recipe.epochs, recipe.half, recipe.milestones, recipe.lr) == (3, True, (1, 2), 1e-3)
    assert recipe.terms == (("focal", 1.0), ("level", 0.5))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("epoch=3", "did you mean 'epochs'"),
        ("epochs=many", "no value for epochs"),
        ("epochs=0", "must be at least 1"),
        ("half=perhaps", "no value for half"),
        ("loss=dice", "there is no loss 'dice'"),
        ("start=somewhere", "choose one of"),
        ("epochs", "write KEY=VALUE"),
    ],
)
def test_a_change_that_makes_no_sense_is_told(change: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        find_recipe("small", [change])


def test_an_unknown_recipe_is_told() -> None:
    with pytest.raises(InputError, match="did you mean 'one-click-positive-512'"):
        find_recipe("one-click-positiv-512")
