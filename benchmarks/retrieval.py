"""How fast the second stage of retrieval is, by a tracker; the first is in `benchmarks.vectors`.

python -m benchmarks.retrieval FOLDER writes benchmarks/retrieval.json. The tracker has random weights: what it costs
does not depend on them. All ratios are of one run.
"""

import json
import shutil
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from tamis.personal.protocol import Reference
from tamis.personal.retrieval.rerank import SeenTargets, presences
from tamis.results.environment import facts

CANDIDATES, MEASURED = 100, 3
"""Candidates of a ranking; pairs that the slow way is timed on."""


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


def main(folder: Path) -> None:
    """Measure, and write what was found."""
    result: dict[str, Any] = {"command": ["python", "-m", "benchmarks.retrieval", "FOLDER"], "seed": 0}
    result |= {"environment": facts(), "second_stage": second_stage(folder / "tracker")}
    shutil.rmtree(folder)
    Path(__file__).with_suffix(".json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
