import numpy as np
import pytest
from numpy.typing import NDArray

from tamis.evaluation.boundaries import best_f, border_counts, drawn_borders, matched, thinned


def line(column: int, shape: tuple[int, int] = (60, 80)) -> np.ndarray:
    drawn = np.zeros(shape, bool)
    drawn[:, column] = True
    return drawn


def ridge(column: float, shape: tuple[int, int] = (60, 80)) -> NDArray[np.float32]:
    """A soft border, several pixels thick."""
    across = np.exp(-((np.arange(shape[1]) - column) ** 2) / 6)
    return np.tile(across, (shape[0], 1)).astype(np.float32)


def test_a_thick_ridge_becomes_a_line() -> None:
    thin = thinned(ridge(40)) > 0.5
    assert (thin.sum(axis=1)[2:-2] == 1).all()
    assert thin[2:-2, 40].all()


def test_a_border_may_be_a_little_off_and_no_more() -> None:
    near = border_counts(ridge(40), [line(41)], tolerance=0.02)  # two pixels of the diagonal of a hundred
    assert near.f.max() == pytest.approx(1, abs=0.02)
    far = border_counts(ridge(40), [line(44)], tolerance=0.02)
    assert far.f.max() == 0


def test_every_pixel_answers_for_one_of_each_annotator() -> None:
    """Two annotators agree, a third saw nothing there: all that is found is right, two thirds of the truth is found."""
    counts = border_counts(ridge(40), [line(40), line(40), line(10)])
    best = int(counts.f.argmax())
    assert counts.matched_found[best] / counts.found[best] == pytest.approx(1, abs=0.05)
    assert counts.matched_truth[best] / counts.truth == pytest.approx(2 / 3, abs=0.05)


def test_pairs_are_one_to_one() -> None:
    places, others = np.array([[0, 0], [0, 1], [9, 9]]), np.array([[0, 0]])
    assert len(matched(places, others, 2.0)) == 1
    assert sorted(matched(places, np.array([[1, 0], [1, 1]]), 1.5)) == [0, 1]
    assert len(matched(places, np.zeros((0, 2), int), 2.0)) == 0


def test_one_threshold_for_all_is_no_better_than_the_best_of_each() -> None:
    weak, strong = np.float32(0.3) * ridge(40), ridge(20) + np.float32(0.4) * ridge(60)
    counts = [border_counts(weak, [line(40)]), border_counts(strong, [line(20)])]
    ods, ois = best_f(counts)
    assert ods <= ois
    assert ois > 0.9


def test_borders_of_a_label_map_are_one_pixel_wide() -> None:
    labels = np.zeros((20, 20), int)
    labels[:, 10:] = 1
    assert (drawn_borders(labels)[1:-1].sum(axis=1) == 1).all()
