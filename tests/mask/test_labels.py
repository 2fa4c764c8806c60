import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tamis.errors import InputError
from tamis.mask import Masks, label_map, masks_from_labels
from tests.mask.scenes import shapes, stacks

LARGE_THEN_SMALL = np.array([[[1, 1, 1, 0]], [[0, 0, 1, 1]]], bool)


@st.composite
def label_maps(draw: st.DrawFn) -> NDArray[np.int64]:
    """(H, W) int64 of a few boxes of labels from -3 to 300."""
    height, width = draw(shapes())
    labels = np.full((height, width), draw(st.integers(-3, 3)))
    for _ in range(draw(st.integers(0, 6))):
        top, left = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
        labels[top : draw(st.integers(top + 1, height)), left : draw(st.integers(left + 1, width))] = draw(
            st.integers(-3, 300)
        )
    return labels


@pytest.mark.parametrize(
    ("order", "expected"),
    [("smallest on top", [1, 1, 2, 2]), ("first on top", [1, 1, 1, 2]), ("last on top", [1, 1, 2, 2])],
)
def test_who_owns_a_shared_pixel(order: str, expected: list[int]) -> None:
    assert label_map(Masks.from_dense(LARGE_THEN_SMALL), order).tolist() == [expected]  # type: ignore[arg-type]


def test_of_equally_small_masks_the_first_is_on_top() -> None:
    twice = np.array([[[0, 1, 1]], [[1, 1, 0]]], bool)
    assert label_map(Masks.from_dense(twice)).tolist() == [[2, 1, 1]]


def test_an_unknown_order_is_refused() -> None:
    with pytest.raises(InputError, match="'random'"):
        label_map(Masks.from_dense(LARGE_THEN_SMALL), "random")  # type: ignore[arg-type]


@pytest.mark.slow
def test_the_type_holds_every_label() -> None:
    assert label_map(Masks.none((2, 3))).tolist() == [[0, 0, 0], [0, 0, 0]]
    pixels = np.arange(65_536, dtype=np.uint32)
    every_pixel, _ = masks_from_labels(pixels.reshape(256, 256), background=None)
    assert label_map(every_pixel[:-1]).dtype == np.uint16
    labels = label_map(every_pixel)
    assert labels.dtype == np.int32
    assert np.array_equal(labels.ravel(), pixels + 1)


@given(stacks(largest=80), st.sampled_from(["smallest on top", "first on top", "last on top"]))
def test_a_pixel_carries_the_label_of_one_of_its_masks(dense: NDArray[np.bool_], order: str) -> None:
    labels = label_map(Masks.from_dense(dense), order)  # type: ignore[arg-type]
    areas = dense.sum(axis=(1, 2))
    for row, column in np.argwhere(labels.astype(bool) | dense.any(axis=0)):
        holders = np.flatnonzero(dense[:, row, column])
        expected = {
            "first on top": holders[0],
            "last on top": holders[-1],
            "smallest on top": holders[np.argmin(areas[holders])],
        }
        assert labels[row, column] == expected[order] + 1


@given(label_maps())
def test_labels_to_masks_and_back(labels: NDArray[np.int64]) -> None:
    masks, values = masks_from_labels(labels, background=None)
    assert values.tolist() == np.unique(labels).tolist()
    assert np.array_equal(masks.dense(), labels == values[:, None, None])
    assert np.array_equal(values[label_map(masks).astype(int) - 1], labels)
    masks, values = masks_from_labels(labels)
    assert np.array_equal(masks.dense(), labels == values[:, None, None])
    assert 0 not in values
    assert np.array_equal(np.append(values, 0)[label_map(masks).astype(int) - 1], labels)


def test_a_map_of_background_has_no_masks() -> None:
    masks, values = masks_from_labels(np.zeros((4, 5), np.uint8))
    assert (masks, values.tolist()) == (Masks.none((4, 5)), [])


def test_only_integers_are_labels() -> None:
    with pytest.raises(InputError, match="float64"):
        masks_from_labels(np.zeros((4, 5)))  # type: ignore[arg-type]
