from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.cluster.hierarchy import average, fcluster
from scipy.spatial.distance import squareform

from tamis.arrays import ImageArray, MaskArray
from tamis.errors import InputError
from tamis.mask import components
from tamis.partition import linkage
from tamis.partition.linkage import linked_levels
from tamis.partition.nested import METHODS, partition, region_affinity
from tamis.partition.spectral import normalised_cut, spectral_levels
from tamis.regions.encoded import EncodedRegions
from tamis.regions.superpixels import achievable_accuracy, from_labels
from tamis.segmentors import EncodedImage, load_segmentor


def random_graph(count: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    half = rng.random((count, count)).astype(np.float32)
    pairs = np.stack(np.triu_indices(count, 1), axis=1)
    return np.float32(0.5) * (half + half.T), rng.integers(1, 100, count), pairs.astype(np.int64)


def same_partition(a: NDArray[np.integer], b: NDArray[np.integer]) -> bool:
    return bool(((a[:, None] == a) == (b[:, None] == b)).all())


@pytest.mark.parametrize("method", METHODS)
@given(count=st.integers(2, 12), seed=st.integers(0, 1000))
def test_every_level_has_exactly_so_many_regions_and_splits_one(method: str, count: int, seed: int) -> None:
    levels = METHODS[method](*random_graph(count, seed), count)
    for number, (before, after) in enumerate(pairwise(levels), start=2):
        assert np.unique(after).tolist() == list(range(number))
        moved = after != before
        assert (after[moved] == number - 1).all()
        assert len(np.unique(before[moved])) == 1


def test_linkage_is_scipys_where_everything_touches_and_has_one_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linkage, "CRUMB", 0.0)
    affinity, _, pairs = random_graph(15, 3)
    levels = linked_levels(affinity, np.ones(15, np.int64), pairs, 15)
    distances = 1 - affinity.astype(np.float64)
    np.fill_diagonal(distances, 0)
    tree = average(squareform(distances, checks=False))
    for count in range(1, 16):
        assert same_partition(levels[count - 1], fcluster(tree, count, "maxclust"))


def test_linkage_keeps_regions_connected() -> None:
    """A chain whose ends are alike: they may only be joined by way of the middle."""
    affinity = np.array([[1, 0.2, 1], [0.2, 1, 0.1], [1, 0.1, 1]], np.float32)
    levels = linked_levels(affinity, np.ones(3, np.int64), np.array([[0, 1], [1, 2]]), 3)
    assert levels[1][0] != levels[1][2]


def test_a_normalised_cut_by_hand_and_the_least_on_the_fiedler_order() -> None:
    affinity, _, _ = random_graph(9, 5)
    affinity[:4, 4:] *= 0.05
    affinity[4:, :4] *= 0.05
    weights = affinity.astype(np.float64)
    value, first, second = normalised_cut(weights, np.arange(9))
    assert sorted([sorted(first.tolist()), sorted(second.tolist())]) == [[0, 1, 2, 3], [4, 5, 6, 7, 8]]
    between = weights[np.ix_(first, second)].sum()
    assert value == pytest.approx(between / weights[first].sum() + between / weights[second].sum())
    assert spectral_levels(affinity, np.ones(9, np.int64), np.zeros((0, 2), np.int64), 2)[1].tolist() in (
        [1, 1, 1, 1, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 1, 1, 1, 1, 1],
    )


def three_regions() -> EncodedRegions:
    """Three stripes of a 20 × 30 image; the first two go together, a fourth region has no pixel."""
    regions = np.repeat(np.array([0, 1, 3], np.uint16), 10)[None].repeat(20, axis=0)
    answers = np.full((1, 4, 4), 51, np.uint8)
    answers[0, 0, 1], answers[0, 1, 0] = 255, 153
    answers[0, np.arange(4), np.arange(4)] = 255
    return EncodedRegions(
        np.zeros((20, 30, 3), np.uint8), regions, answers, np.zeros((4, 1), np.float32), np.full((1, 4), 255, np.uint8)
    )


def test_affinity_is_the_mean_of_both_directions_of_regions_that_are_there() -> None:
    assert region_affinity(three_regions()) == pytest.approx(np.array([[1, 0.8, 0.2], [0.8, 1, 0.2], [0.2, 0.2, 1]]))


@pytest.mark.parametrize("method", METHODS.values())
def test_what_goes_together_is_kept_together(method: object) -> None:
    encoded = three_regions()
    found = partition(encoded, encoded.image, method)  # type: ignore[arg-type]
    two = found.labels(2)
    assert (two[:, :20] == 0).all()
    assert (two[:, 20:] == 1).all()
    assert len(np.unique(found.labels(3))) == 3
    with pytest.raises(InputError, match="3 superpixels, and 1 to 3 regions are possible"):
        found.labels(4)


class WithoutRegions:
    """An image that answers clicks and tells nothing of regions."""

    def __init__(self, inner: EncodedImage) -> None:
        self.shape = inner.shape
        self.probability = inner.probability
        self.probabilities = inner.probabilities


@pytest.mark.parametrize("look", [lambda encoded: encoded, WithoutRegions])
def test_few_regions_follow_the_object(
    look: Callable[[EncodedImage], EncodedImage], scene: tuple[ImageArray, MaskArray]
) -> None:
    image, disc = scene
    found = partition(look(load_segmentor("hierarchy").encode(image)), image, most=40)
    labels = found.labels(4)
    assert achievable_accuracy(from_labels(labels), disc.astype(np.int64)) > 0.97
    for region in range(4):
        assert len(components(labels == region)) == 1


def test_regions_belong_together_as_objects_and_wholes_say_not_as_parts_do() -> None:
    """Three granularities: the mean of the middle and the coarse one, in both directions."""
    answers = np.zeros((3, 2, 2), np.uint8)
    answers[:, [0, 1], [0, 1]] = 255
    answers[1, 0, 1], answers[2, 0, 1], answers[2, 1, 0] = 51, 255, 102
    halves = np.repeat(np.array([[0, 1]], np.uint16), 4, axis=0)
    encoded = EncodedRegions(
        np.zeros((4, 2, 3), np.uint8), halves, answers, np.zeros((2, 3), np.float32), np.zeros((3, 2), np.uint8)
    )
    expected = ((51 + 255) / 2 + (0 + 102) / 2) / 2 / 255
    np.testing.assert_allclose(region_affinity(encoded), [[1, expected], [expected, 1]], atol=1e-6)
