"""How fast retrieval is: exact and approximate search of a million vectors, and the second stage by a tracker.

python -m benchmarks.retrieval FOLDER [COUNT] writes benchmarks/retrieval.json; for a million vectors, the default,
FOLDER takes two gigabytes. The tracker has random weights: what it costs does not depend on them. All ratios are of
one run.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from tamis.personal.protocol import Reference
from tamis.personal.retrieval.approximate import build
from tamis.personal.retrieval.rerank import SeenTargets, presences
from tamis.personal.retrieval.store import Rows, create_store, open_store
from tamis.results.environment import facts

DIMENSION, QUERIES, SHARD = 384, 1000, 50_000
CANDIDATES, MEASURED = 100, 3
"""Candidates of a ranking; pairs that the slow way is timed on."""


def vectors(folder: Path, count: int) -> dict[str, Any]:
    """A store of random vectors of unit length, which have no clusters: the hardest case of an approximate index."""
    rng = np.random.default_rng(0)
    store = create_store(folder, "random", "0" * 64, DIMENSION)
    for first in range(0, count, SHARD):
        block = rng.normal(size=(SHARD, DIMENSION)).astype(np.float32)
        block /= np.linalg.norm(block, axis=1, keepdims=True)
        names = tuple(f"{first + row:07d}" for row in range(SHARD))
        store = store.add(block, Rows(names, ("",) * SHARD))
    noise = rng.normal(scale=0.6 / np.sqrt(DIMENSION), size=(QUERIES, DIMENSION))
    queries = (store.vectors(rng.choice(count, QUERIES, replace=False).tolist()) + noise).astype(np.float32)
    np.save(folder / "queries.npy", queries)
    start = perf_counter()
    exact = store.search(queries, 10)
    exact_ms = (perf_counter() - start) / QUERIES * 1000
    memory = json.loads(subprocess.check_output([sys.executable, "-m", "benchmarks.retrieval", "--memory", folder]))
    start = perf_counter()
    near = build(store)
    seconds = perf_counter() - start
    start = perf_counter()
    found = near.search(queries, 10)
    near_ms = (perf_counter() - start) / QUERIES * 1000
    shared = [len(set(one) & set(two)) / 10 for one, two in zip(exact.rows, found.rows, strict=True)]
    return {
        "vectors": count,
        "dimension": DIMENSION,
        "queries": QUERIES,
        "exact_ms_per_query": exact_ms,
        "ivfpq_ms_per_query": near_ms,
        "ivfpq_build_seconds": seconds,
        "ivfpq_recall@1": float((exact.rows[:, 0] == found.rows[:, 0]).mean()),
        "ivfpq_recall@10": float(np.mean(shared)),
        **memory,
    }


def memory_while_searching(folder: Path) -> dict[str, float]:
    """Of this process, which does nothing but search: the most that was resident, mapped pages included."""
    store = open_store(folder)
    queries = np.load(folder / "queries.npy")[:100]
    before = _resident("VmHWM")
    store.search(queries, 10)
    size = sum(path.stat().st_size for path in folder.glob("0*.npy"))
    return {
        "store_mb": size / 1e6,
        "resident_before_mb": before,
        "resident_peak_mb": _resident("VmHWM"),
        "own_after_mb": _resident("RssAnon"),
    }


def _resident(what: str) -> float:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return int(next(line for line in lines if line.startswith(what)).split()[1]) / 1e3


def second_stage(folder: Path) -> dict[str, float]:
    """Presence of an object in 100 candidates: each pair a video of its own, and with what does not change kept."""
    import torch
    import transformers

    from tamis.personal.pseudo_video import tracker_in
    from tamis.segmentors.sam.catalogue import FAMILIES

    torch.set_num_threads(1)
    torch.manual_seed(0)
    network = transformers.Sam2VideoModel(transformers.Sam2VideoConfig(image_size=1024)).eval()
    network.save_pretrained(folder)
    tracker = tracker_in("random", FAMILIES["sam2.1"], "Sam2VideoModel", folder, "0" * 64)
    rng = np.random.default_rng(0)
    images = {str(n): rng.integers(0, 255, (256, 256, 3), dtype=np.uint8) for n in range(MEASURED)}
    mask = np.zeros((256, 256), bool)
    mask[80:160, 80:160] = True
    reference = Reference(images["0"], mask)

    start = perf_counter()
    for image in images.values():
        tracker.remember([reference]).locate(tracker.look(image))
    scratch = (perf_counter() - start) / MEASURED
    seen = SeenTargets(tracker, images.__getitem__)
    start = perf_counter()
    memory = tracker.remember([reference])
    remember = perf_counter() - start
    start = perf_counter()
    presences(memory, list(images), seen)
    first = (perf_counter() - start) / MEASURED
    start = perf_counter()
    presences(memory, list(images), seen)
    again = (perf_counter() - start) / MEASURED
    return {
        "pairs_timed": MEASURED,
        "from_scratch_s_per_pair": scratch,
        "first_query_s_per_pair": first,
        "further_queries_s_per_pair": again,
        "ratio_of_100_first_query": scratch * CANDIDATES / (remember + first * CANDIDATES),
        "ratio_of_100_further_queries": scratch * CANDIDATES / (remember + again * CANDIDATES),
    }


def main(arguments: list[str]) -> None:
    """Run all, or only what measures its own memory."""
    if arguments[0] == "--memory":
        print(json.dumps(memory_while_searching(Path(arguments[1]))))
        return
    folder, count = Path(arguments[0]), int(arguments[1]) if len(arguments) > 1 else 1_000_000
    result: dict[str, Any] = {"command": ["python", "-m", "benchmarks.retrieval", "FOLDER", str(count)], "seed": 0}
    result |= {"environment": facts(), "search": vectors(folder / "vectors", count)}
    print(json.dumps(result["search"]), flush=True)
    result["second_stage"] = second_stage(folder / "tracker")
    shutil.rmtree(folder)
    Path(__file__).with_suffix(".json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
