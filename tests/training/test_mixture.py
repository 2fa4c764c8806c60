from dataclasses import replace

import numpy as np
import pytest

from tamis.training.mixture import Mixture, paste_object
from tamis.training.photographs import Kind, Photograph
from tests.training.scenes import scenes


def single(name: str, seed: int) -> Photograph:
    """A photograph with one object."""
    scene = scenes(seed + 1)[seed]
    return replace(scene, dataset=name, kind=Kind.SINGLE, maps=((scene.maps[0] == 2).astype(np.int16),))


def test_data_sets_are_drawn_by_their_shares_whatever_their_size() -> None:
    many = [single("many", 0)] * 50
    mixture = Mixture({"many": many, "few": [single("few", 1)]}, {"many": 1.0, "few": 3.0, "absent": 9.0})
    rng = np.random.default_rng(0)
    drawn = [mixture.draw(rng).dataset for _ in range(400)]
    assert drawn.count("few") / len(drawn) == pytest.approx(0.75, abs=0.06)


def test_some_are_scenes_made_on_the_fly() -> None:
    mixture = Mixture({"few": [single("few", 1)]}, {"few": 1.0}, synthetic=0.3)
    rng = np.random.default_rng(0)
    drawn = [mixture.draw(rng).dataset != "few" for _ in range(60)]
    assert np.mean(drawn) == pytest.approx(0.3, abs=0.15)


def test_a_pasted_object_is_one_more_mask_over_what_was_there() -> None:
    ground, other = single("a", 0), single("b", 1)
    pasted = paste_object(ground, other, np.random.default_rng(3))
    assert pasted.kind is Kind.INSTANCES
    labels, before = pasted.maps[0], ground.maps[0]
    assert labels.max() == before.max() + 1
    new = labels == labels.max()
    np.testing.assert_array_equal(labels[~new], before[~new])
    assert (pasted.image[new] != ground.image[new]).any()
    nothing = replace(other, maps=(np.zeros_like(other.maps[0]),))
    assert paste_object(ground, nothing, np.random.default_rng(3)) is ground


def test_only_objects_are_pasted_and_only_into_photographs_of_objects() -> None:
    whole = replace(single("whole", 0), kind=Kind.PARTITION)
    mixture = Mixture({"whole": [whole]}, {"whole": 1.0}, paste=1.0)
    assert mixture.draw(np.random.default_rng(0)) is whole
    mixture = Mixture({"one": [single("one", 0)]}, {"one": 1.0}, paste=1.0)
    assert mixture.draw(np.random.default_rng(0)).kind is Kind.INSTANCES
