from itertools import chain, combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.arrays import ImageArray, MaskArray
from tamis.mask import Masks
from tamis.proposals.refine import SOURCES, best_union_iou, covers, refined
from tamis.regions.superpixels import Superpixels
from tamis.segmentors import load_segmentor


def test_a_mask_becomes_what_it_mostly_covers() -> None:
    pieces = Superpixels(np.array([[0, 0, 1, 1, 2, 2]] * 2, np.int32))
    mask = np.zeros((2, 6), bool)
    mask[:, 1:4] = True
    mask[0, 4] = True
    assert refined(Masks.from_dense(mask[None]), pieces)[0].astype(int).tolist() == [[0, 0, 1, 1, 0, 0]] * 2


@given(st.integers(0, 1000))
def test_the_best_union_is_the_best_of_all(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 5, (6, 8)).astype(np.int32)
    labels.flat[:5] = range(5)
    pieces, target = Superpixels(labels), rng.random((6, 8)) < 0.4
    target[0, 0] = True
    shared = covers(pieces, Masks.from_dense(target[None]))
    found = best_union_iou(shared, pieces.areas, np.array([target.sum()]))
    subsets = chain.from_iterable(combinations(range(5), n) for n in range(6))
    unions = [np.isin(labels, subset) for subset in subsets]
    assert found[0] == pytest.approx(max((u & target).sum() / (u | target).sum() for u in unions))


@pytest.mark.parametrize("name", SOURCES)
def test_superpixels_of_every_source_can_make_the_object(name: str, scene: tuple[ImageArray, MaskArray]) -> None:
    image, disc = scene
    pieces = SOURCES[name](load_segmentor("hierarchy").encode(image), image)
    again = refined(Masks.from_dense(disc[None]), pieces)[0]
    assert (again & disc).sum() / (again | disc).sum() > 0.93
