import numpy as np
import pytest

from tamis.mask.expected import expected_iou
from tamis.proposals.scores import certainty, stability

P = np.array([[0.9, 0.7, 0.2], [0.1, 0.1, 0.1]], np.float32)
AREAS = np.array([1, 2, 4], np.float32)
HALF = np.full(2, 0.5, np.float32)


def test_scores_by_hand() -> None:
    inside, union = 0.9 + 1.4, 3 + 0.8
    assert expected_iou(P, AREAS, HALF) == pytest.approx([inside / union, 0])
    assert certainty(P, AREAS, HALF) == pytest.approx([inside / 3, 0])


def test_stability_is_sams() -> None:
    """The shares above logit +1 (.731) and -1 (.269), as calculate_stability_score counts them."""
    assert stability(P, AREAS, HALF) == pytest.approx([1 / 3, 0])
    lower = np.full(2, 0.2, np.float32)  # logit -1.386: one above is .405, one below .084
    assert stability(P, AREAS, lower) == pytest.approx([3 / 7, 0 / 7])
