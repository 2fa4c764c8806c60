"""Scores of rankings by the book of each benchmark; rankings are row numbers or names, the best first.

Ties are the business of whoever ranks: a ranking is an order. A query without a positive has no score and is left out
of means, as the peers do; a query without a ranking counts 0 unless a protocol skips it.
"""

from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from tamis.errors import InputError

Item = TypeVar("Item", bound=Hashable)


def average_precision(ranking: Sequence[Item], positives: Collection[Item], depth: int | None = None) -> float | None:
    """Mean of the precision at every positive; with a depth that of ILIAS, by the possible number of positives there.

    Args:
        ranking: the best first, nothing twice.
        positives: of the query.
        depth: only the first so many count.

    Returns:
        None where there is no positive.

    >>> average_precision("abcd", {"a", "c"})
    0.8333333333333333
    >>> average_precision("abcd", {"a", "c", "d"}, depth=2)
    0.5
    """
    wanted = set(positives)
    if not wanted:
        return None
    hits = np.array([item in wanted for item in ranking[:depth]], bool)
    ranks = np.flatnonzero(hits) + 1
    possible = len(wanted) if depth is None else min(depth, len(wanted))
    return float(sum((np.arange(len(ranks)) + 1) / ranks) / possible)


def trapezoidal_average_precision(
    ranking: Sequence[Item], positives: Collection[Item], junk: Collection[Item] = ()
) -> float | None:
    """Area below the curve of precision over recall by trapezia, junk being no part of the ranking.

    As Philbin et al. measured Oxford and `filipradenovic/revisitop` still does: at the j-th positive, of rank r from 0,
    (j / r + (j + 1) / (r + 1)) / 2, the first term 1 where r is 0.

    Returns:
        None where there is no positive.

    >>> trapezoidal_average_precision("xab", {"a"}, junk={"x"})
    1.0
    """
    wanted = set(positives)
    if not wanted:
        return None
    ignored = set(junk) - wanted
    kept = [item for item in ranking if item not in ignored]
    total = 0.0
    for found, rank in enumerate(np.flatnonzero([item in wanted for item in kept]).tolist()):
        before = found / rank if rank else 1.0
        total += (before + (found + 1) / (rank + 1)) / 2
    return total / len(wanted)


def precision_at(ranking: Sequence[Item], positives: Collection[Item], k: int, junk: Collection[Item] = ()) -> float:
    """Share of positives among the first k, or up to the last positive if that is earlier, as revisitop has it."""
    wanted, ignored = set(positives), set(junk) - set(positives)
    hits = np.array([item in wanted for item in ranking if item not in ignored], bool)
    places = np.flatnonzero(hits)
    if not len(places):
        return 0.0
    count = min(k, int(places[-1]) + 1)
    return float(hits[:count].sum() / count)


def recall_at(ranking: Sequence[Item], positives: Collection[Item], k: int) -> float:
    """1 where any positive is among the first k, else 0."""
    return float(not set(positives).isdisjoint(ranking[:k]))


def oracle_average_precision(
    ranking: Sequence[Item], positives: Collection[Item], top: int, depth: int | None = None
) -> float | None:
    """The average precision that a perfect re-ranking of the first `top` would reach: what re-ranking is bounded by."""
    wanted = set(positives)
    first = sorted(ranking[:top], key=lambda item: item not in wanted)
    return average_precision([*first, *ranking[top:]], wanted, depth)


def mean(values: Sequence[float | None]) -> float:
    """Mean of those that are not None.

    Raises:
        InputError: there are none.
    """
    known = [value for value in values if value is not None]
    if not known:
        raise InputError("no query has a positive, so that there is nothing to measure")
    return float(np.mean(known))


REVISITED = {
    "easy": (("easy",), ("junk", "hard")),
    "medium": (("easy", "hard"), ("junk",)),
    "hard": (("hard",), ("junk", "easy")),
}
"""Of each setup of ROxford and RParis: the lists that are positives, and those that are junk."""


def revisited(
    rankings: Sequence[Sequence[int]], truth: Sequence[Mapping[str, Sequence[int]]]
) -> dict[str, float | None]:
    """ROxford and RParis: mAP and mP@{1, 5, 10} of the setups easy, medium and hard.

    Args:
        rankings: of every query, rows of the database, all of them.
        truth: of every query, `easy`, `hard` and `junk`.
    """
    found: dict[str, float | None] = {}
    for setup, (good, bad) in REVISITED.items():
        asked = []
        for ranking, each in zip(rankings, truth, strict=True):
            positives = [row for name in good for row in each.get(name, ())]
            if positives:
                asked.append((ranking, positives, [row for name in bad for row in each.get(name, ())]))
        found[f"map_{setup}"] = mean([trapezoidal_average_precision(*each) for each in asked]) if asked else None
        for k in (1, 5, 10):
            precisions = [precision_at(ranking, good_rows, k, junk) for ranking, good_rows, junk in asked]
            found[f"mp{k}_{setup}"] = float(np.mean(precisions)) if asked else None
    return found


def ilias(
    rankings: Mapping[str, Sequence[str]], positives: Mapping[str, Collection[str]], k: int = 1000
) -> dict[str, Any]:
    """ILIAS: mAP@k over queries. Missing queries count 0, and are counted; the official program skips them.

    Args:
        rankings: names by query.
        positives: names by query.
        k: depth.
    """
    scores = {query: average_precision(rankings.get(query, ()), wanted, k) for query, wanted in positives.items()}
    there = [scores[query] for query in positives if query in rankings]
    return {
        f"map@{k}": mean(list(scores.values())),
        f"map@{k}_of_ranked": mean(there) if there else 0.0,
        "queries": sum(score is not None for score in scores.values()),
        "missing": sorted(query for query in positives if query not in rankings),
        f"oracle@100_map@{k}": mean(
            [oracle_average_precision(rankings.get(query, ()), wanted, 100, k) for query, wanted in positives.items()]
        ),
    }


def permir(rankings: Mapping[str, Sequence[str]], positives: Mapping[str, Collection[str]]) -> dict[str, Any]:
    """PerMIR: mAP (sklearn's average precision) and Recall@{1, 5, 10, 50}; missing queries count 0."""
    found: dict[str, Any] = {
        "map": mean([average_precision(rankings.get(query, ()), wanted) for query, wanted in positives.items()])
    }
    asked = [query for query, wanted in positives.items() if wanted]
    for k in (1, 5, 10, 50):
        found[f"recall@{k}"] = mean([recall_at(rankings.get(query, ()), positives[query], k) for query in asked])
    perfect = [oracle_average_precision(rankings.get(query, ()), positives[query], 100) for query in asked]
    found["oracle@100_map"] = mean(perfect)
    return {**found, "queries": len(asked), "missing": sorted(query for query in positives if query not in rankings)}
