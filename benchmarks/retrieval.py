"""How fast the second stage of retrieval is, by a tracker; the first is in `benchmarks.vectors`.

python -m benchmarks.retrieval FOLDER writes benchmarks/retrieval.json. The tracker has random weights: what it costs
does not depend on them. The peer is transformers' own predictor, which is given reference and target as a video of two
frames for every pair, as its documentation says. Times are those of the processor, peer and ours in turn.
"""

import json
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np

from benchmarks.sets import ROOT
from tamis.arrays import ImageArray
from tamis.personal.protocol import Reference
from tamis.personal.pseudo_video import PseudoVideo
from tamis.personal.retrieval.rerank import SeenTargets, presences
from tamis.results.environment import facts

RESULTS = ROOT / "benchmarks" / "retrieval.json"
CANDIDATES, MEASURED = 100, 3
"""Candidates of a ranking; pairs that are timed."""


def random_tracker(folder: Path) -> PseudoVideo:
    """SAM 2.1 tiny's architecture at its own resolution, random weights."""
    import torch
    import transformers

    from tamis.personal.pseudo_video import tracker_in
    from tamis.segmentors.sam.catalogue import FAMILIES

    torch.set_num_threads(1)
    torch.manual_seed(0)
    transformers.Sam2VideoModel(transformers.Sam2VideoConfig(image_size=1024)).eval().save_pretrained(folder)
    return tracker_in("random", FAMILIES["sam2.1"], "Sam2VideoModel", folder, "0" * 64)


def two_frames(tracker: PseudoVideo, reference: Reference, target: ImageArray) -> float:
    """Presence of the reference's object in the target, by transformers' predictor and nothing else."""
    import torch
    import transformers

    images, size = (reference.image, target), (tracker.side, tracker.side)
    squares = [torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float() for image in images]
    squares = [torch.nn.functional.interpolate(each, size, mode="bicubic")[0] for each in squares]
    mean, deviation = (torch.tensor(each)[:, None, None] for each in (tracker.mean, tracker.deviation))
    session = transformers.Sam2VideoInferenceSession(
        video=torch.stack([(each - mean) / deviation for each in squares]),
        video_height=target.shape[0],
        video_width=target.shape[1],
        dtype=torch.float32,
    )
    mask = torch.nn.functional.interpolate(torch.from_numpy(reference.mask)[None, None].float(), size)
    session.add_mask_inputs(session.obj_id_to_idx(1), 0, mask)
    session.obj_with_new_inputs = [1]
    with torch.inference_mode():
        tracker.network(inference_session=session, frame_idx=0)
        found = tracker.network(inference_session=session, frame_idx=1)
    return float(torch.sigmoid(found.object_score_logits.reshape(-1)[0]))


def second_stage(folder: Path) -> dict[str, Any]:
    """Presence of an object in candidates: each pair a video of its own, and with what does not change kept."""
    tracker = random_tracker(folder)
    rng = np.random.default_rng(0)
    images = {str(n): rng.integers(0, 255, (256, 256, 3), dtype=np.uint8) for n in range(MEASURED)}
    mask = np.zeros((256, 256), bool)
    mask[80:160, 80:160] = True
    reference = Reference(images["0"], mask)
    two_frames(tracker, reference, images["0"])  # warm

    remember, memory = _timed(lambda: tracker.remember([reference]))
    seen = SeenTargets(tracker, images.__getitem__)
    peer, first, again = [], [], []
    for name, image in images.items():
        peer.append(_timed(lambda image=image: two_frames(tracker, reference, image))[0])  # type: ignore[misc]
        first.append(_timed(lambda name=name: presences(memory, [name], seen))[0])  # type: ignore[misc]
        again.append(_timed(lambda name=name: presences(memory, [name], seen))[0])  # type: ignore[misc]
    theirs, new, known = (float(np.mean(each)) for each in (peer, first, again))
    return {
        "pairs_timed": MEASURED,
        "peer": "transformers' Sam2VideoModel, a session of two frames for each pair",
        "peer_s_per_pair": theirs,
        "reference_s": remember,
        "new_candidate_s": new,
        "known_candidate_s": known,
        "ratio_of_100_new": theirs * CANDIDATES / (remember + new * CANDIDATES),
        "ratio_of_100_known": theirs * CANDIDATES / (remember + known * CANDIDATES),
    }


def section(result: Mapping[str, Any]) -> list[str]:
    """A table for docs/retrieve.md."""
    its = result["second_stage"]
    return [
        f"| {CANDIDATES} candidates by a tracker | a candidate | times as fast |",
        "|---|---|---|",
        f"| transformers' predictor, two frames for every pair | {its['peer_s_per_pair']:.1f} s | 1 |",
        f"| never seen before | {its['new_candidate_s']:.1f} s | {its['ratio_of_100_new']:.1f} |",
        f"| seen for an earlier query | {its['known_candidate_s']:.1f} s | {its['ratio_of_100_known']:.1f} |",
    ]


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of the processor, and what the work gave."""
    start = process_time()
    found = work()
    return process_time() - start, found


def main(folder: Path) -> None:
    """Measure, and write what was found."""
    result: dict[str, Any] = {"command": ["python", "-m", "benchmarks.retrieval", "FOLDER"], "seed": 0}
    result |= {"environment": facts(), "second_stage": second_stage(folder / "tracker")}
    shutil.rmtree(folder)
    RESULTS.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
