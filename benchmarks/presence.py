"""Presence: its logistic is set on one half of `dreambooth`'s objects, and what it does is told by the other half.

python -m benchmarks.presence FOLDER, a folder that `python -m benchmarks.personal` has made, writes
benchmarks/presence.json and says which constants `tamis.personal.regions` should have. Every pair of an object and an
image within a half is looked at: neither objects nor images of the half that is told were seen before. Masks are those
of the references alone; of the other images it is enough to know what they show.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.sets import ROOT
from tamis.datasets.retrieval import Collection, open_collection
from tamis.image import read_image
from tamis.personal.presence import logistic_of, roc
from tamis.personal.regions import PRESENCE, RegionMemory, Regions, fitted
from tamis.personal.retrieval.rerank import remembered
from tamis.results.environment import facts
from tamis.results.run import file_hash, fingerprint

RESULTS = ROOT / "benchmarks" / "presence.json"

Likenesses = dict[tuple[str, str], float]
"""Of a query and an image: how well the query's object is found again there."""


def likenesses(method: Regions, collection: Collection) -> Likenesses:
    """What the logistic reads, of every query in every other image."""
    memories = {query.name: remembered(query, method) for query in collection.queries}
    found: Likenesses = {}
    for image, path in collection.database.items():
        seen = method.look(read_image(path))
        for query, memory in memories.items():
            assert isinstance(memory, RegionMemory)
            values, _ = fitted(seen.encoded, seen.areas, memory.membership(seen))
            found[query, image] = memory.likeness(seen, values > 0.5)
    return found


def split_of(found: Likenesses, collection: Collection, part: Sequence[str]) -> tuple[list[float], list[float]]:
    """Likenesses of pairs with and without the object, among some queries and the images of their objects alone."""
    shown = {image: query for query in part for image in collection.positives[query]}
    within = {(query, image): each for (query, image), each in found.items() if query in part and image in shown}
    present = [likeness for (query, image), likeness in within.items() if shown[image] == query]
    return present, [likeness for (query, image), likeness in within.items() if shown[image] != query]


def told(pairs: tuple[list[float], list[float]], line: tuple[float, float]) -> dict[str, Any]:
    """The curve of presences by a logistic."""
    slope, offset = line
    present, absent = (1 / (1 + np.exp(-(slope * np.array(each) + offset))) for each in pairs)
    return {"pairs_with": len(present), "pairs_without": len(absent), **roc(present, absent).record()}


def section(result: Mapping[str, Any]) -> list[str]:
    """A table for docs/personalize.md."""
    rows = ["| objects | pairs with, without | AUC | noticed at .5 | false alarms at .5 |", "|---|---|---|---|---|"]
    names = {"development": "that the logistic was set on", "held_out": "that it was not"}
    for part, name in names.items():
        its = result[part]
        half = its["at_half"]
        noticed, alarms = half["true_positive_rate"], half["false_positive_rate"]
        counts = f"{its['pairs_with']}, {its['pairs_without']}"
        rows.append(
            f"| the {len(its['queries'])} {name} | {counts} | {its['auc']:.3f} | {noticed:.1%} | {alarms:.1%} |"
        )
    return rows


def main(folder: Path) -> None:
    """Measure, and write what was found."""
    method, collection = Regions(), open_collection("instances", folder)
    found = likenesses(method, collection)
    names = sorted(query.name for query in collection.queries)
    parts = {"development": names[::2], "held_out": names[1::2]}
    slope, offset = (round(2 * value) / 2 for value in logistic_of(*split_of(found, collection, parts["development"])))
    files = [*(query.path for query in collection.queries), *collection.database.values()]
    result: dict[str, Any] = {"command": ["python", "-m", "benchmarks.presence", "FOLDER"]}
    result |= {"weights_sha256": method.weights_sha256, "dataset_fingerprint": fingerprint(map(file_hash, files))}
    result |= {"environment": facts(), "slope": slope, "offset": offset}
    for part, queries in parts.items():
        result[part] = {"queries": queries, **told(split_of(found, collection, queries), (slope, offset))}
    RESULTS.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(*section(result), sep="\n")
    if (slope, offset) != PRESENCE:
        print(f"tamis.personal.regions.PRESENCE is {PRESENCE} and should be {(slope, offset)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
