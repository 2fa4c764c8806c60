"""Every score against another implementation, on random rankings; and by hand where the two could share a mistake."""

import numpy as np
import pytest

from tamis.errors import InputError
from tamis.personal.retrieval.metrics import (
    average_precision,
    ilias,
    oracle_average_precision,
    permir,
    precision_at,
    recall_at,
    revisited,
    trapezoidal_average_precision,
)


def by_integration(ranking: list[int], positives: set[int], junk: set[int]) -> float:
    """Area below precision over recall, the curve drawn point by point as the first programs for Oxford did."""
    area, old_recall, old_precision, hits, seen = 0.0, 0.0, 1.0, 0, 0
    for item in ranking:
        if item in junk:
            continue
        hits += item in positives
        seen += 1
        recall, precision = hits / len(positives), hits / seen
        area += (recall - old_recall) * (old_precision + precision) / 2
        old_recall, old_precision = recall, precision
    return area


def by_scores(ranking: list[int], positives: set[int]) -> float:
    """Average precision as the sum over thresholds of gained recall times precision."""
    truth = np.array([item in positives for item in ranking])
    precision = np.cumsum(truth) / np.arange(1, len(truth) + 1)
    return float(np.sum(np.diff(np.concatenate([[0], np.cumsum(truth) / len(positives)])) * precision))


@pytest.mark.parametrize("seed", range(20))
def test_random_rankings(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ranking = rng.permutation(60).tolist()
    drawn = rng.permutation(60).tolist()
    positives, junk = set(drawn[: rng.integers(1, 9)]), set(drawn[20 : 20 + rng.integers(0, 9)])
    assert trapezoidal_average_precision(ranking, positives, junk) == pytest.approx(
        by_integration(ranking, positives, junk)
    )
    assert average_precision(ranking, positives) == pytest.approx(by_scores(ranking, positives))
    for k in (1, 5, 10):
        kept = [item for item in ranking if item not in junk]
        last = max(place for place, item in enumerate(kept) if item in positives) + 1
        cut = kept[: min(k, last)]
        assert precision_at(ranking, positives, k, junk) == pytest.approx(np.mean([i in positives for i in cut]))
        assert recall_at(ranking, positives, k) == float(any(item in positives for item in ranking[:k]))


def test_ilias_divides_by_what_could_be_found_within_the_depth() -> None:
    assert average_precision(list("axbycz"), set("abc"), depth=4) == pytest.approx((1 / 1 + 2 / 3) / 3)
    assert average_precision(list("ab"), set("abcdef"), depth=2) == 1.0
    assert average_precision(list("xy"), set("a"), depth=2) == 0.0
    assert average_precision(list("ab"), set()) is None


def test_a_query_without_a_ranking_counts_nothing_and_is_told() -> None:
    scores = ilias({"q": ["a", "x"]}, {"q": ["a"], "r": ["b"], "none": []}, k=10)
    assert (scores["map@10"], scores["map@10_of_ranked"], scores["queries"]) == (0.5, 1.0, 2)
    assert scores["missing"] == ["none", "r"]
    found = permir({"q": ["x", "a", "b"]}, {"q": ["a", "b"], "r": ["c", "d"]})
    assert found["map"] == pytest.approx((1 / 2 + 2 / 3) / 2 / 2)
    assert (found["recall@1"], found["recall@5"]) == (0.0, 0.5)
    assert found["oracle@100_map"] == 0.5
    with pytest.raises(InputError, match="no query has a positive"):
        permir({"q": ["a"]}, {"q": []})


def test_the_oracle_bounds_every_reranking_of_the_first() -> None:
    ranking = list("xaybzc")
    assert oracle_average_precision(ranking, set("abc"), top=4, depth=6) == pytest.approx((1 + 1 + 3 / 6) / 3)
    assert oracle_average_precision(ranking, set("abc"), top=6, depth=6) == 1.0
    assert oracle_average_precision(ranking, set("abc"), top=0, depth=6) == average_precision(ranking, set("abc"), 6)


def test_revisited_setups_take_each_list_as_published() -> None:
    """Rows: 0 easy, 1 hard, 2 junk, 3 nothing. In `easy` hard is junk, in `hard` easy is."""
    truth = [{"easy": [0], "hard": [1], "junk": [2]}, {"easy": [], "hard": [3], "junk": []}]
    scores = revisited([[2, 1, 3, 0], [3, 0, 1, 2]], truth)
    assert scores["map_easy"] == pytest.approx(by_integration([3, 0], {0}, set()))
    assert scores["map_medium"] == pytest.approx((by_integration([1, 3, 0], {0, 1}, set()) + 1) / 2)
    assert scores["map_hard"] == pytest.approx(1.0)
    assert scores["mp1_easy"] == 0
    assert scores["mp5_medium"] == pytest.approx((2 / 3 + 1) / 2)
    assert revisited([[0]], [{"easy": [], "hard": [], "junk": [0]}])["map_easy"] is None
