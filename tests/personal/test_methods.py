from typing import Any

import pytest

from tamis.errors import InputError
from tamis.personal.methods import load_method, method_beside
from tamis.personal.regions import Regions
from tamis.segmentors import load_segmentor


def test_any_model_that_answers_by_region_may_lend_its_regions() -> None:
    ours, theirs = load_method(), load_method(model="hierarchy")
    assert isinstance(ours, Regions)
    assert isinstance(theirs, Regions)
    assert (ours.model.name, theirs.model.name) == ("embedded", "hierarchy")
    assert ours.weights_sha256 != theirs.weights_sha256


@pytest.mark.parametrize(
    ("method", "model", "said"),
    [
        ("regions", "edgetam", "give --method edgetam"),
        ("edgetam", "hierarchy", "edgetam is a model itself, leave it out"),
        ("regions", "hierarchi", "did you mean 'hierarchy'"),
        ("regionss", "embedded", "there is no method 'regionss'"),
    ],
)
def test_what_does_not_go_together_is_said(method: str, model: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        load_method(method, model=model)


class Describing:
    """The model in the box under another name."""

    name = "describing"

    def __getattr__(self, name: str) -> Any:
        return getattr(load_segmentor(), name)


@pytest.mark.parametrize(
    ("model", "lends"),
    [
        ("tests.personal.test_methods:Describing", "describing"),
        ("hierarchy", "embedded"),  # its descriptors were made for clicks
        ("tamis.segmentors.classical.seeded:GrabCut", "embedded"),
        ("sam2.1-tiny", "embedded"),  # not even loaded: its files are not here
    ],
)
def test_beside_a_model_its_own_regions_are_compared_if_it_describes_them(model: str, lends: str) -> None:
    method = method_beside(model, lambda name: Describing() if "Describing" in name else load_segmentor(name))
    assert isinstance(method, Regions)
    assert method.model.name == lends
